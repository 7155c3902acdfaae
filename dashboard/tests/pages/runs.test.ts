// The list of runs: of a time, and of a state among those that are counted.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { canRun, isCut, looks, openPage, PATIENCE, violations } from "./browser.ts";
import { setting } from "./setting.ts";

describe.skipIf(!canRun)("the list of runs", { timeout: PATIENCE }, () => {
  const at = setting();

  /** The list's requests, and those of the counts. */
  function serveCounts(
    counts: Record<string, number>,
    reached: string | null = null,
  ): [URLSearchParams[], URLSearchParams[]] {
    const asked: [URLSearchParams[], URLSearchParams[]] = [[], []];
    at.served.instead.set("/v1/runs", (url: URL) => {
      asked[0].push(url.searchParams);
      return at.served.recorded["/v1/runs"];
    });
    at.served.instead.set("/v1/runs/counts", (url: URL) => {
      asked[1].push(url.searchParams);
      const listed = Object.entries(counts).map(([state, runs]) => ({ state, runs }));
      return { counts: listed, complete: reached === null, reached };
    });
    return asked;
  }
  const button = (page: Page, name: RegExp) =>
    page.getByRole("group", { name: "Runs by state" }).getByRole("button", { name });

  it("counts runs by state, and shows those of one", async () => {
    const [lists, counts] = serveCounts({ running: 2, failed: 1_234, timed_out: 1 });
    const { page, faults } = await openPage(at, "/ui/runs?branch=main");
    await button(page, /^All 1,237$/).waitFor();
    await button(page, /^failed 1,234$/).click();
    await page.waitForFunction(() => location.search.includes("state=failed"));
    expect(await button(page, /^failed/).getAttribute("aria-pressed")).toBe("true");
    await page.getByRole("list", { name: "Runs, newest first" }).waitFor();
    expect(lists.at(-1)?.get("state")).toBe("failed");
    // The counts are those of all states; they are not asked for again.
    expect(counts.map((query) => [query.get("branch"), query.get("state")])).toEqual([["main", null]]);
    await button(page, /^failed/).click();
    await page.waitForFunction(() => !location.search.includes("state"));
    expect(faults).toEqual([]);
  });

  it("is that of a time, which is part of the address as the same for all", async () => {
    const [lists, counts] = serveCounts({ failed: 3 });
    const { page } = await openPage(at, "/ui/runs");
    const until = page.getByLabel("Until", { exact: true });
    await until.fill("2026-11-30T12:00");
    await until.press("Enter");
    await page.waitForFunction(() => location.search.includes("until"));
    const time = await page.evaluate(() => new Date("2026-11-30T12:00").toISOString());
    expect(new URL(page.url()).searchParams.get("until")).toBe(time);
    await page.getByRole("list", { name: "Runs, newest first" }).waitFor();
    expect([lists.at(-1)?.get("until"), counts.at(-1)?.get("until")]).toEqual([time, time]);
    expect(await until.inputValue()).toBe("2026-11-30T12:00");
  });

  it("says how far it has counted where there are more", async () => {
    serveCounts({ failed: 900, running: 100 }, "2026-11-01T00:00:00Z");
    const { page } = await openPage(at, "/ui/runs");
    await button(page, /^failed 900\+$/).waitFor();
    await page.getByText(/^counted since/).waitFor();
  });

  it("with its counts is fit for all", async () => {
    serveCounts(
      { pending: 2, running: 12, succeeded: 740, failed: 230, cancelled: 15, timed_out: 1 },
      "2026-11-01T00:00:00Z",
    );
    const { page } = await openPage(at, "/ui/runs?state=failed");
    await button(page, /^failed/).waitFor();
    for await (const look of looks(page)) {
      const file = `${process.env.PICTURES}/runs-${look}.png`;
      if (process.env.PICTURES) await page.screenshot({ path: file });
      expect(await isCut(page), look).toBe(false);
      expect(await violations(page), look).toEqual([]);
    }
  });
});
