// Hits of a search over time, and the way to those of a part of it.
import { describe, expect, it } from "vitest";
import { canRun, isCut, looks, openPage, PATIENCE, violations } from "./browser.ts";
import { logLine } from "./lines.ts";
import { PAGES, Refusal } from "./server.ts";
import { setting } from "./setting.ts";

describe.skipIf(!canRun)("the histogram of a search", { timeout: PATIENCE }, () => {
  const at = setting();

  it("leads by keyboard to the lines of a part of the time, and back", async () => {
    const asked: URLSearchParams[] = [];
    const whole = at.served.recorded["/v1/logs/counts"] as { counts: object[] };
    at.served.instead.set("/v1/logs/counts", (url: URL) => {
      if (url.searchParams.get("by") !== "level") return { counts: [], complete: true };
      asked.push(url.searchParams);
      const later = { start: "2026-11-30T22:44:10Z", value: "info", lines: 2 };
      return { ...whole, counts: [...whole.counts, later] };
    });
    const { page, faults } = await openPage(at, PAGES["search over time"]);
    const bars = page.getByRole("group", { name: /^Lines over time/ });
    await page.getByText("10 lines", { exact: true }).waitFor();
    expect([asked[0]?.get("interval"), asked[0]?.get("by")]).toEqual(["5", "level"]);
    expect(await bars.getByRole("button").count()).toBe(2);
    await bars.getByRole("button", { name: /^8 lines, 3 errors, / }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const narrowed = "cherry since:2026-11-30T22:44:10Z until:2026-11-30T22:44:15Z";
    await page.waitForFunction((q) => new URLSearchParams(location.search).get("q") === q, narrowed);
    expect(await page.getByRole("combobox", { name: "Query" }).inputValue()).toBe(narrowed);
    await page.goBack();
    await page.getByText("10 lines", { exact: true }).waitFor();
    expect(await page.getByRole("combobox", { name: "Query" }).inputValue()).toMatch(/^cherry since:2026-11-30T22:40 /);
    expect(faults).toEqual([]);
  });

  it("has none where the time of the query is not known", async () => {
    const { page } = await openPage(at, "/ui/search?q=cherry+since:soon");
    await page.getByRole("region", { name: "Lines found" }).waitFor();
    expect(await page.getByRole("heading", { name: "Over time" }).count()).toBe(0);
  });
});

const found = (index: number) => ({ ...logLine(index, `refused ${index + 1}`), level: index % 2 ? "error" : "info" });
const COUNTS = [
  ["level", "error", 8],
  ["level", "info", 2],
  ["pipeline", "orders", 10],
  ["treatment", "total", 7],
  ["treatment", "say hello", 3],
].map(([field, value, lines]) => ({ field, start: null, value, lines }));

describe.skipIf(!canRun)("a search", { timeout: PATIENCE }, () => {
  const at = setting();

  it("completes fields, known values and values of the lines by keyboard", async () => {
    const asked: string[] = [];
    at.served.instead.set("/v1/logs/counts", (url: URL) => {
      asked.push(`${url.searchParams.get("by")} ${url.searchParams.get("q")}`);
      return { counts: COUNTS.slice(3), complete: true };
    });
    const { page, faults } = await openPage(at, "/ui/search");
    const field = page.getByRole("combobox", { name: "Query" });
    await field.focus();
    await page.keyboard.type("lev");
    await page.getByRole("option", { name: /^level:/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("option", { name: "warning" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    expect(await field.inputValue()).toBe("level:error ");
    await page.keyboard.type("treatment:");
    await page.getByRole("option", { name: /^say hello 3 lines/ }).waitFor();
    expect(await field.getAttribute("aria-expanded")).toBe("true");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    expect(await field.inputValue()).toBe('level:error treatment:"say hello" ');
    expect(asked).toEqual(["treatment since:1w"]);
    await page.keyboard.type("p");
    await page.getByRole("option", { name: /^pool:/ }).waitFor();
    await page.keyboard.press("Escape");
    expect(await page.getByRole("option").count()).toBe(0);
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => new URLSearchParams(location.search).get("q")?.startsWith("level:error"));
    expect(faults).toEqual([]);
  });

  it("is narrowed by what it counts, and widened again", async () => {
    at.served.instead.set("/v1/logs/counts", { counts: COUNTS, complete: false });
    const { page } = await openPage(at, "/ui/search?q=refused+since:2h");
    const q = () => new URL(page.url()).searchParams.get("q");
    const errors = page.getByRole("button", { name: /^level error 8 ?lines$/ });
    await errors.click();
    await page.waitForFunction(() => location.search.includes("level"));
    expect(q()).toBe("refused level:error since:2h");
    expect(await errors.getAttribute("aria-pressed")).toBe("true");
    await page.getByRole("button", { name: "Without treatment say hello" }).click();
    await page.waitForFunction(() => location.search.includes("say"));
    expect(q()).toBe('refused level:error -treatment:"say hello" since:2h');
    await errors.click();
    await page.waitForFunction(() => !location.search.includes("level"));
    expect(q()).toBe('refused -treatment:"say hello" since:2h');
  });

  it("follows lines that come, each once, also after a failure, and reads older ones", async () => {
    let written = 4;
    let isBroken = false;
    const asked: (string | null)[] = [];
    at.served.instead.set("/v1/logs", (url: URL) => {
      const older = url.searchParams.get("cursor") !== null;
      const numbers = older ? [1, 0] : [3, 2];
      return { lines: numbers.map(found), next: older ? null : "older", reached: null };
    });
    at.served.instead.set("/v1/logs/live", async (url: URL) => {
      const after = url.searchParams.get("after");
      asked.push(after);
      // The place was taken before the search: line 3 is in both.
      if (after === null) return { lines: [], after: "2", more: false };
      for (let times = 0; times < 20 && Number(after) >= written; times++)
        await new Promise((resolve) => setTimeout(resolve, 50));
      if (isBroken) return new Refusal(503, "Not now.");
      const lines = Array.from({ length: written - Number(after) }, (_, place) => found(Number(after) + place));
      return { lines, after: String(written), more: false };
    });
    let counted = 0;
    at.served.instead.set("/v1/logs/counts", (url: URL) => {
      if (!url.searchParams.has("interval")) counted += 1;
      return { counts: COUNTS, complete: true };
    });
    const { page, faults } = await openPage(at, "/ui/search?q=refused");
    await page.getByRole("heading", { name: "By field" }).waitFor();
    expect(counted).toBe(1);
    const texts = () => page.locator(".found .log-text").allTextContents();
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText("followed", { exact: true }).waitFor();
    expect(await texts()).toEqual(["refused 4", "refused 3"]);
    expect(await page.getByRole("heading", { name: "By field" }).count()).toBe(1);
    await expect.poll(() => counted, { timeout: 20_000 }).toBe(3); // when it was begun, and 15 seconds later
    written = 6;
    await page.getByText("2 new lines since then").waitFor();
    isBroken = true;
    await page.getByText("Not now.").waitFor();
    isBroken = false;
    await page.getByText("Not now.").waitFor({ state: "detached" });
    written = 7;
    await page.getByText("3 new lines since then").waitFor();
    expect(await texts()).toEqual(["refused 7", "refused 6", "refused 5", "refused 4", "refused 3"]);
    expect(await page.getByText("Not now.").count()).toBe(0);
    await page.getByRole("button", { name: "Older lines" }).click();
    await page.locator(".found .log-text").getByText("refused 1", { exact: true }).waitFor();
    expect(await texts()).toHaveLength(7);
    expect(new URL(page.url()).searchParams.get("follow")).toBe("1");
    expect(faults).toEqual([]);
    const before = asked.length;
    await page.getByRole("button", { name: "Follow" }).click();
    await page.waitForTimeout(1_500);
    expect(asked.length - before).toBeLessThanOrEqual(1);
  });

  it("with its completions is fit for all", async () => {
    at.served.instead.set("/v1/logs/counts", { counts: COUNTS, complete: true });
    const { page, faults } = await openPage(at, "/ui/search?q=refused+level:error");
    await page.getByRole("heading", { name: "By field" }).waitFor();
    const shoot = async (name: string) => {
      const file = `${process.env.PICTURES}/search-${name}.png`;
      if (process.env.PICTURES) await page.screenshot({ path: file, fullPage: true });
    };
    for await (const look of looks(page)) {
      await shoot(`found-${look}`);
      expect(await violations(page), look).toEqual([]);
    }
    await page.getByRole("combobox", { name: "Query" }).press("End");
    await page.keyboard.type(" treatment:");
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("ArrowDown");
    for await (const look of looks(page)) {
      await shoot(`completed-${look}`);
      expect(await isCut(page), look).toBe(false);
      expect(await violations(page), look).toEqual([]);
    }
    expect(faults).toEqual([]);
  });
});
