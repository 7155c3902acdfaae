// Hits of a search over time, and the way to those of a part of it.
import { describe, expect, it } from "vitest";
import { canRun, openPage, PATIENCE } from "./browser.ts";
import { PAGES } from "./server.ts";
import { setting } from "./setting.ts";

describe.skipIf(!canRun)("the histogram of a search", { timeout: PATIENCE }, () => {
  const at = setting();

  it("leads by keyboard to the lines of a part of the time, and back", async () => {
    const asked: URLSearchParams[] = [];
    const whole = at.served.recorded["/v1/logs/counts"] as { counts: object[] };
    at.served.instead.set("/v1/logs/counts", (url: URL) => {
      asked.push(url.searchParams);
      const later = { start: "2026-11-30T22:44:10Z", value: "info", lines: 2 };
      return { ...whole, counts: [...whole.counts, later] };
    });
    const { page, faults } = await openPage(at.browser, at.served.url, PAGES["search over time"]);
    const bars = page.getByRole("group", { name: /^Lines over time/ });
    await page.getByText("10 lines", { exact: true }).waitFor();
    expect([asked[0]?.get("interval"), asked[0]?.get("by")]).toEqual(["5", "level"]);
    expect(await bars.getByRole("button").count()).toBe(2);
    await bars.getByRole("button", { name: /^8 lines, 3 errors, / }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const narrowed = "cherry since:2026-11-30T22:44:10Z until:2026-11-30T22:44:15Z";
    await page.waitForFunction((q) => new URLSearchParams(location.search).get("q") === q, narrowed);
    expect(await page.getByRole("searchbox", { name: "Query" }).inputValue()).toBe(narrowed);
    await page.goBack();
    await page.getByText("10 lines", { exact: true }).waitFor();
    expect(await page.getByRole("searchbox", { name: "Query" }).inputValue()).toMatch(
      /^cherry since:2026-11-30T22:40 /,
    );
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("has none where the time of the query is not known", async () => {
    const { page } = await openPage(at.browser, at.served.url, "/ui/search?q=cherry+since:soon");
    await page.getByRole("region", { name: "Lines found" }).waitFor();
    expect(await page.getByRole("heading", { name: "Over time" }).count()).toBe(0);
    await page.context().close();
  });
});
