// The pages in a real browser: no violation that axe finds, nothing cut, nothing foreign, no report of the policy.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RUN, type Served, serve } from "./server.ts";

const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PAGE = process.env.DASHBOARD_PAGE ?? "";
const canRun = existsSync(PROGRAM) && existsSync(`${PAGE}/index.html`);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 120_000;

const PAGES = {
  "list of runs": "/ui/runs",
  "failed run": `/ui/runs/${RUN}`,
  "chosen treatment": `/ui/runs/${RUN}?t=total`,
  treatment: `/ui/runs/${RUN}/t/total`,
  value: `/ui/runs/${RUN}/v/export.rows`,
  search: "/ui/search?q=twelve",
  pipelines: "/ui/pipelines",
  fleet: "/ui/fleet",
  alerts: "/ui/alerts",
  "missing page": "/ui/nothing",
};

describe.skipIf(!canRun)("the pages", { timeout: PATIENCE }, () => {
  let browser: Browser;
  let served: Served;

  beforeAll(async () => {
    served = await serve(PAGE);
    browser = await chromium.launch({
      executablePath: PROGRAM,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
      timeout: PATIENCE,
    });
  }, PATIENCE);

  afterAll(async () => {
    await browser?.close();
    await served?.close();
  }, PATIENCE);

  beforeEach(() => served.instead.clear());

  interface Opened {
    page: Page;
    /** Errors, reports of the policy, and requests to elsewhere. */
    faults: string[];
  }

  async function open(path: string, width = 1440, theme: "light" | "dark" = "light", signedIn = true): Promise<Opened> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: theme,
      bypassCSP: false,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const faults: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("404")) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(served.url)) faults.push(request.url());
    });
    await page.goto(`${served.url}${path}${signedIn ? "#code=once" : ""}`);
    await page.waitForSelector("h1");
    await page.waitForFunction(() => !document.querySelector(".loading"));
    return { page, faults };
  }

  async function violations(page: Page): Promise<string[]> {
    // Through the browser's own console, which the page's policy does not concern.
    const session = await page.context().newCDPSession(page);
    await session.send("Runtime.evaluate", { expression: axe });
    const { result } = await session.send("Runtime.evaluate", {
      expression:
        "axe.run().then((found) => JSON.stringify(found.violations.map((one) => [one.id, one.nodes.map((node) => node.target.join(' '))])))",
      awaitPromise: true,
      returnByValue: true,
    });
    return (JSON.parse(result.value as string) as [string, string[]][]).map(
      ([id, where]) => `${id}: ${where.join(", ")}`,
    );
  }

  for (const [name, path] of Object.entries(PAGES)) {
    for (const theme of ["light", "dark"] as const) {
      it(`${name}, ${theme}: axe finds nothing, and nothing is cut`, async () => {
        const { page, faults } = await open(path, 1440, theme);
        expect(await violations(page)).toEqual([]);
        expect(faults).toEqual([]);
        for (const width of theme === "light" ? [800, 320] : []) {
          await page.setViewportSize({ width, height: 800 });
          const { scrollWidth, clientWidth } = await page.evaluate(() => ({
            scrollWidth: document.documentElement.scrollWidth,
            clientWidth: document.documentElement.clientWidth,
          }));
          expect(scrollWidth, `at ${width} pixels`).toBe(clientWidth);
        }
        await page.context().close();
      });
    }
  }

  it("signs in, and takes the code out of the address", async () => {
    const { page } = await open("/ui/runs");
    expect(new URL(page.url()).hash).toBe("");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  it("leads from the failed run to error, frame and input without a click", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    const panel = page.getByRole("region", { name: "Why" });
    await panel.getByText("ValueError: could not convert string to float: 'twelve'").first().waitFor();
    await panel.getByRole("link", { name: "total.py:3" }).waitFor();
    await panel.getByRole("cell", { name: "twelve" }).waitFor();
    await panel.getByText("As a consequence 2 treatments did not succeed").waitFor();
    await page.context().close();
  });

  it("tells new failures of tests from flaky ones", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    const panel = page.getByRole("region", { name: "Tests" });
    await panel.getByText("2 of 4 tests failed: 1 new failure, 1 known as flaky").waitFor();
    await panel.getByText("tests/rows.py:12").waitFor();
    await panel.getByText("known as flaky", { exact: true }).waitFor();
    await page.context().close();
  });

  it("is used by keyboard alone: from the run to the marked line", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.getByRole("link", { name: "total.py:3" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^total/, level: 1 }).waitFor();
    await page.locator(".log-row.marked").waitFor();
    await page.context().close();
  });

  it("shows hostile lines as text", async () => {
    const hostile = [
      "<img src=x onerror=\"fetch('https://evil.example')\"><script>alert(1)</script>",
      "\u001b]8;;https://evil.example\u001b\\a link\u001b]8;;\u001b\\",
      "\u202egnp.exe",
      "x".repeat(1_000_000),
    ];
    const line = {
      project: "default",
      pipeline: "orders",
      run: RUN,
      treatment: "total",
      attempt: 1,
      runner: "r",
      pool: null,
    };
    const place = {
      time: "2026-11-30T05:11:25Z",
      stream: "stdout",
      level: "info",
      continued: false,
      track: null,
      gap: null,
    };
    const lines = hostile.map((text, index) => ({ ...line, ...place, text, seq: index, segment: 1, index }));
    served.instead.set(`/v1/runs/${RUN}/logs`, { lines, after: "end", more: false });
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    const log = page.getByRole("log");
    await log.getByText("<script>alert(1)</script>").waitFor();
    await log.getByText("a link", { exact: true }).waitFor();
    await log.getByText("⟨U+202E⟩gnp.exe").waitFor();
    expect(await page.locator("img, .log-box script, .log-box a").count()).toBe(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("makes few rows of many lines, and reaches the last", async () => {
    const line = {
      project: "default",
      pipeline: "orders",
      run: RUN,
      treatment: "total",
      attempt: 1,
      runner: "r",
      pool: null,
    };
    const place = {
      time: "2026-11-30T05:11:25Z",
      stream: "stdout",
      level: "info",
      continued: false,
      track: null,
      gap: null,
    };
    const lines = Array.from({ length: 50_000 }, (_, index) => ({
      ...line,
      ...place,
      text: `line number ${index}`,
      seq: index,
      segment: 1,
      index,
    }));
    served.instead.set(`/v1/runs/${RUN}/logs`, { lines, after: "end", more: false });
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.getByText("line number 0", { exact: true }).waitFor();
    await page.getByRole("button", { name: "To the end" }).click();
    await page.getByText("line number 49999", { exact: true }).waitFor();
    expect(await page.locator(".log-row").count()).toBeLessThan(200);
    await page.context().close();
  });
});
