// A real browser that looks at the built page.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import type { Setting } from "./setting.ts";

const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const BUILT = process.env.DASHBOARD_PAGE ?? "";
export const canRun = existsSync(PROGRAM) && existsSync(`${BUILT}/index.html`);
/** Milliseconds that a page may take on a busy machine. */
export const PATIENCE = Number(process.env.PATIENCE ?? 120_000);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser, with one profile for all pages: a new one costs more than most tests do in it. */
export async function launch(): Promise<BrowserContext> {
  const browser = await chromium.launch({
    executablePath: PROGRAM,
    // Fewer processes, which cost more than the pages in them.
    args: [
      ...["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--in-process-gpu"],
      ...["--renderer-process-limit=1", "--disable-site-isolation-trials"],
    ],
    timeout: PATIENCE,
  });
  const profile = await browser.newContext({ acceptDownloads: true });
  // A page that stays keeps the process for all that follow.
  await profile.newPage();
  return profile;
}

/** Closes the pages that a test has opened, and forgets what they have stored. */
export async function clear(profile: BrowserContext, url: string): Promise<void> {
  const [stays, ...opened] = profile.pages();
  for (const page of opened) await page.close();
  const session = await profile.newCDPSession(stays as Page);
  await session.send("Storage.clearDataForOrigin", { origin: url, storageTypes: "all" });
  await session.detach();
}

export interface Opened {
  page: Page;
  /** Errors, reports of the policy, and requests to elsewhere. */
  faults: string[];
}

type Theme = "light" | "dark";

/** Opens a path in a page of its own, signed in by a link, and waits until nothing is loading. */
export async function openPage(
  { profile, served: { url } }: Setting,
  path: string,
  { width = 1440, theme = "light", signedIn = true }: { width?: number; theme?: Theme; signedIn?: boolean } = {},
): Promise<Opened> {
  const page = await profile.newPage();
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: theme });
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
  const isLoaded = () => document.querySelector("h1") !== null && !document.querySelector(".loading");
  // Not at each frame, which would be drawn for it.
  await page.waitForFunction(isLoaded, undefined, { polling: 50 });
}

export async function violations(page: Page): Promise<string[]> {
  // Through the browser's own console, which the page's policy does not concern.
  const session = await page.context().newCDPSession(page);
  const known = await session.send("Runtime.evaluate", { expression: "'axe' in globalThis" });
  if (!known.result.value) await session.send("Runtime.evaluate", { expression: axe });
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

/** Shows a page in both themes at each width, one after another, and tells which it is. */
export async function* looks(page: Page, widths: readonly number[] = [1440, 320]): AsyncGenerator<string> {
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      yield `${theme}-${width}`;
    }
  }
}
