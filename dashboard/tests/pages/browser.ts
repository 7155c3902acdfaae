// A real browser that looks at the built page.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";

const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const BUILT = process.env.DASHBOARD_PAGE ?? "";
export const canRun = existsSync(PROGRAM) && existsSync(`${BUILT}/index.html`);
/** Milliseconds that a page may take on a busy machine. */
export const PATIENCE = Number(process.env.PATIENCE ?? 120_000);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: PROGRAM,
    // Fewer renderer processes, which cost more than the pages in them: a context had three, and has two.
    args: [
      ...["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
      ...["--renderer-process-limit=1", "--disable-site-isolation-trials"],
    ],
    timeout: PATIENCE,
  });
}

export interface Opened {
  page: Page;
  /** Errors, reports of the policy, and requests to elsewhere. */
  faults: string[];
}

export type Theme = "light" | "dark";

/** Opens a path in a profile of its own, signed in by a link, and waits until nothing is loading. */
export async function openPage(
  browser: Browser,
  url: string,
  path: string,
  { width = 1440, theme = "light", signedIn = true }: { width?: number; theme?: Theme; signedIn?: boolean } = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: theme,
    bypassCSP: false,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  // Less than a whole test may take: what does not come is told by its own name.
  page.setDefaultTimeout(PATIENCE / 2);
  const faults: string[] = [];
  page.on("console", (message) => {
    const expected = /status of (404|503)|ERR_(EMPTY_RESPONSE|CONNECTION)/.test(message.text());
    if (message.type() === "error" && !expected) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("dialog", (dialog) => {
    faults.push(dialog.message());
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith(`blob:${url}`)) faults.push(request.url());
  });
  await page.goto(`${url}${path}${signedIn ? "#code=once" : ""}`);
  await loaded(page);
  return { page, faults };
}

export async function loaded(page: Page): Promise<void> {
  await page.waitForSelector("h1");
  await page.waitForFunction(() => !document.querySelector(".loading"));
}

export async function violations(page: Page): Promise<string[]> {
  // Through the browser's own console, which the page's policy does not concern.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression:
      "axe.run({ resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations.map((one) => [one.id, one.nodes.map((node) => node.target.join(' '))])))",
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return (JSON.parse(result.value as string) as [string, string[]][]).map(
    ([id, where]) => `${id}: ${where.join(", ")}`,
  );
}

/** Whether something of the page is wider than the screen. */
export async function isCut(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth !== document.documentElement.clientWidth);
}
