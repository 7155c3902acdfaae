// Any place of a log of ten million lines, without what lies between.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { canRun, isCut, looks, openPage, PATIENCE, violations } from "./browser.ts";
import { logLine, logPage } from "./lines.ts";
import { serveLines } from "./many.ts";
import { RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

describe.skipIf(!canRun)("the log of a run", { timeout: PATIENCE }, () => {
  const at = setting();
  const open = (path: string) => openPage(at, path);
  const shown = (page: Page, text: string) => page.locator(".log-row").getByText(text, { exact: true });

  async function goTo(page: Page, place: string): Promise<void> {
    await page.getByLabel("Go to a line, a range of lines or a time").fill(place);
    await page.keyboard.press("Enter");
  }

  /** A log of 1,000 lines, one a second, of which every 400th is an error. */
  function serveSmall(): void {
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, 1_000, (index) => ({
        ...logLine(index, `${index % 400 === 399 ? "broken" : "fine"} ${index + 1}`),
        level: index % 400 === 399 ? "error" : "info",
        time: new Date(Date.UTC(2026, 10, 30, 5, 0, index)).toISOString(),
      })),
    );
  }

  it("of ten million lines is reached at any place, by keyboard, with few requests, rows and bytes", async () => {
    serveLines(at.served, 10_000_000, (index) => `line number ${index + 1}`);
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().includes(`${PATH}/logs?`)) asked += 1;
    });
    await page.getByText("10,000,000 lines", { exact: true }).waitFor();
    await shown(page, "line number 1").waitFor();
    await page.keyboard.press("l");
    await shown(page, "line number 10000000").waitFor();
    await page.keyboard.press("j");
    await page.keyboard.type("7,654,321");
    await page.keyboard.press("Enter");
    await shown(page, "line number 7654321").waitFor();
    expect(await page.locator(".log-row.marked .log-number").textContent()).toBe("7654321");
    // A wheel moves by lines, not by the thousands that a pixel of the bar stands for.
    const top = await page.locator(".log-number").first().textContent();
    await page.getByRole("log").hover();
    await page.mouse.wheel(0, 200);
    await page.waitForFunction((before) => document.querySelector(".log-number")?.textContent !== before, top);
    expect(await shown(page, "line number 7654321").count()).toBe(1);
    expect(await page.locator(".log-row").count()).toBeLessThan(200);
    expect(asked).toBeLessThan(12);
    const session = await page.context().newCDPSession(page);
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    expect(usedSize).toBeLessThan(50_000_000);
    expect(faults).toEqual([]);
  });

  it("is shown from a time on, and says what is no place", async () => {
    serveSmall();
    const { page } = await open(`/ui/runs/${RUN}`);
    await shown(page, "fine 1").waitFor();
    await goTo(page, "2026-11-30T05:10:20Z");
    await shown(page, "fine 621").waitFor();
    expect(await page.locator(".log-row.marked .log-number").textContent()).toBe("621");
    await goTo(page, "soon");
    await page.getByText("Write a line's number, two such as 10-20, or a time such as 14:03:22.").waitFor();
  });

  it("leads from error to error, and around", async () => {
    serveSmall();
    const { page } = await open(`/ui/runs/${RUN}`);
    await shown(page, "fine 1").waitFor();
    for (const [key, number] of [
      ["e", 400],
      ["e", 800],
      ["e", 400],
      ["E", 800],
    ] as const) {
      await page.keyboard.press(key);
      await page.locator(".log-row.marked").getByText(`broken ${number}`, { exact: true }).waitFor();
    }
  });

  it("leads from a line that was found to the lines around it", async () => {
    serveSmall();
    const { page } = await open(`/ui/runs/${RUN}`);
    await shown(page, "fine 1").waitFor();
    const find = page.getByRole("searchbox", { name: "Find in the log (regular expression)" });
    await find.fill("broken");
    await find.press("Enter");
    await page.getByText("2 lines", { exact: true }).waitFor();
    await page.locator(".log-number").filter({ hasText: "800" }).click();
    await page.locator(".log-row.marked").getByText("broken 800", { exact: true }).waitFor();
    await shown(page, "fine 799").waitFor();
    expect(new URL(page.url()).pathname).toBe(`/ui/runs/${RUN}/lines/1%3A799`);
  });

  const marked = (page: Page) => page.locator(".log-row.marked .log-number").allTextContents();
  const path = (page: Page) => decodeURIComponent(new URL(page.url()).pathname);

  it("marks a range of lines by mouse and by keyboard, whose address shows the same", async () => {
    serveSmall();
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    await shown(page, "fine 1").waitFor();
    const number = (text: string) => page.locator(".log-number").getByText(text, { exact: true });
    await number("6").click();
    await number("3").click({ modifiers: ["Shift"] });
    expect(await marked(page)).toEqual(["3", "4", "5", "6"]);
    expect(path(page)).toBe(`/ui/runs/${RUN}/lines/1:2-1:5`);
    await page.getByRole("log").focus();
    for (let times = 0; times < 5; times++) await page.keyboard.press("Shift+ArrowDown");
    expect(await marked(page)).toEqual(["6", "7", "8"]);
    await page.keyboard.press("Shift+ArrowUp");
    expect(path(page)).toBe(`/ui/runs/${RUN}/lines/1:5-1:6`);
    await goTo(page, "500-503");
    await shown(page, "fine 500").waitFor();
    expect(await marked(page)).toEqual(["500", "501", "502", "503"]);
    expect(path(page)).toBe(`/ui/runs/${RUN}/lines/1:499-1:502`);
    const other = await open(new URL(page.url()).pathname);
    await shown(other.page, "fine 500").waitFor();
    expect(await marked(other.page)).toEqual(["500", "501", "502", "503"]);
    expect(await shown(other.page, "fine 500").isVisible()).toBe(true);
    await page.getByRole("log").focus();
    await page.keyboard.press("Escape");
    expect(await marked(page)).toEqual([]);
    expect(path(page)).toBe(`/ui/runs/${RUN}`);
    expect(faults).toEqual([]);
  });

  it("takes each key as it is, also several before anything is painted", async () => {
    serveSmall();
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    await shown(page, "fine 1").waitFor();
    await page.locator(".log-number").getByText("6", { exact: true }).click();
    const pressed = (keys: { key: string; shiftKey?: boolean }[]) =>
      page.evaluate(async (all) => {
        const log = document.querySelector("[role=log]");
        for (const one of all) {
          log?.dispatchEvent(new KeyboardEvent("keydown", { ...one, bubbles: true, cancelable: true }));
          // What is drawn is drawn in microtasks, what is painted after them.
          for (let times = 0; times < 20; times++) await Promise.resolve();
        }
      }, keys);
    await pressed([
      { key: "ArrowDown", shiftKey: true },
      { key: "ArrowDown", shiftKey: true },
    ]);
    expect(await marked(page)).toEqual(["6", "7", "8"]);
    await pressed([{ key: "Escape" }]);
    expect(await marked(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it("is filtered by several levels and treatments, which are part of the address", async () => {
    const levels = ["error", "warning", "info", "debug"];
    const asked: string[] = [];
    at.served.instead.set(`${PATH}/logs`, (url: URL) => {
      asked.push(url.searchParams.toString());
      return logPage(url, 40, (index) => ({
        ...logLine(index, `line ${index + 1}`),
        level: levels[index % 4] as string,
        treatment: index < 20 ? "export" : "total",
      }));
    });
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    await shown(page, "line 1").waitFor();
    await page.getByRole("button", { name: "error", exact: true }).click();
    await page.getByText("10 lines", { exact: true }).waitFor();
    await page.getByRole("button", { name: "warning", exact: true }).click();
    await page.getByText("20 lines", { exact: true }).waitFor();
    await page.getByText("Treatments: all", { exact: true }).click();
    await page.getByRole("checkbox", { name: "total" }).check();
    await page.getByText("10 lines", { exact: true }).waitFor();
    await page.getByRole("checkbox", { name: "export" }).check();
    await page.getByText("20 lines", { exact: true }).waitFor();
    expect(asked.at(-1)).toContain("treatment=total%2Cexport&level=error%2Cwarning");
    const other = await open(new URL(page.url()).pathname + new URL(page.url()).search);
    await other.page.getByText("20 lines", { exact: true }).waitFor();
    expect(await other.page.getByRole("button", { name: "warning", exact: true }).getAttribute("aria-pressed")).toBe(
      "true",
    );
    await other.page.getByText(/^Treatments: 2 of/).waitFor();
    expect(faults).toEqual([]);
  });

  it("of a treatment folds its groups and steps, and unfolds those that hold an error gone to", async () => {
    const texts = ["::group::Install", "fetching", "broken", "::endgroup::", "between", "::group::Build", "compiling"];
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, texts.length, (index) => ({
        ...logLine(index, texts[index] as string),
        level: index === 2 ? "error" : "info",
        step: 1,
      })),
    );
    const { page, faults } = await open(`/ui/runs/${RUN}/t/total`);
    const group = (name: RegExp) => page.getByRole("button", { name });
    await shown(page, "fetching").waitFor();
    await group(/^Install/).click();
    expect(await page.locator(".log-number").allTextContents()).toEqual(["1", "5", "6", "7"]);
    await group(/^Install 4 lines 1 error$/).waitFor();
    await page.keyboard.press("e");
    await page.locator(".log-row.marked").getByText("broken", { exact: true }).waitFor();
    await page.keyboard.press("z");
    await group(/^Step 1 7 lines 1 error$/).waitFor();
    expect(await page.locator(".log-number").allTextContents()).toEqual(["1"]);
    await group(/^Step 1/).focus();
    await page.keyboard.press("Enter");
    expect(await page.locator(".log-number").allTextContents()).toEqual(["1", "5", "6"]);
    await page.keyboard.press("z");
    await shown(page, "compiling").waitFor();
    expect(faults).toEqual([]);
  });

  it("marks bytes that are not UTF-8, and characters that hide", async () => {
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, 1, (index) => logLine(index, "price \ufffd\ufffd for\u202e user")),
    );
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.locator(".log-text .odd").first().waitFor();
    const odd = page.locator(".log-text .odd");
    expect(await odd.allTextContents()).toEqual(["\ufffd\ufffd", "⟨U+202E⟩"]);
    expect(await odd.first().getAttribute("title")).toBe("Bytes that are not UTF-8");
  });

  it.each([
    ["run", `/ui/runs/${RUN}/lines/1:3-1:4?level=error,warning,info&of=total`],
    ["treatment", `/ui/runs/${RUN}/t/total?line=1:4`],
  ])("of a %s, with groups, marks and filters, is fit for all", async (name, path) => {
    const texts = [
      "::group::Install",
      "fetching",
      "::endgroup::",
      "::group::Build",
      "broken \ufffd\ufffd\u202e",
      "slow",
    ];
    const levels = ["info", "info", "info", "info", "error", "warning"];
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, texts.length, (index) => ({
        ...logLine(index, texts[index] as string),
        level: levels[index] as string,
      })),
    );
    const { page, faults } = await open(path);
    await page.locator(".log-row.marked").first().waitFor();
    if (name === "run") await page.locator(".among summary").click();
    else await page.getByRole("button", { name: /^Install/ }).click();
    for await (const look of looks(page)) {
      const file = `${process.env.PICTURES}/log-${name}-${look}.png`;
      if (process.env.PICTURES) await page.locator(".logs").screenshot({ path: file });
      expect(await isCut(page), look).toBe(false);
      expect(await violations(page), look).toEqual([]);
    }
    expect(faults).toEqual([]);
  });

  it("of one treatment is read back from its end", async () => {
    serveLines(at.served, 250_000, (index) => `line number ${index + 1}`);
    const { page } = await open(`/ui/runs/${RUN}/t/total`);
    await page.getByText("100,000 lines of more", { exact: true }).waitFor();
    await page.getByRole("button", { name: "To the end" }).click();
    await shown(page, "line number 250000").waitFor();
    await page.getByText("2,000 lines", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Read earlier lines" }).click();
    await page.getByText("4,000 lines", { exact: true }).waitFor();
  });
});
