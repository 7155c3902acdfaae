// Any place of a log of ten million lines, without what lies between.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { canRun, openPage, PATIENCE } from "./browser.ts";
import { logLine, logPage } from "./lines.ts";
import { serveLines } from "./many.ts";
import { RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

describe.skipIf(!canRun)("the log of a run", { timeout: PATIENCE }, () => {
  const at = setting();
  const open = (path: string) => openPage(at.browser, at.served.url, path);
  const shown = (page: Page, text: string) => page.locator(".log-row").getByText(text, { exact: true });

  async function goTo(page: Page, place: string): Promise<void> {
    await page.getByLabel("Go to a line or a time").fill(place);
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
    await page.context().close();
  });

  it("is shown from a time on, and says what is no place", async () => {
    serveSmall();
    const { page } = await open(`/ui/runs/${RUN}`);
    await shown(page, "fine 1").waitFor();
    await goTo(page, "2026-11-30T05:10:20Z");
    await shown(page, "fine 621").waitFor();
    expect(await page.locator(".log-row.marked .log-number").textContent()).toBe("621");
    await goTo(page, "soon");
    await page.getByText("Write a line's number, or a time such as 14:03:22.").waitFor();
    await page.context().close();
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
    await page.context().close();
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
    await page.context().close();
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
    await page.context().close();
  });
});
