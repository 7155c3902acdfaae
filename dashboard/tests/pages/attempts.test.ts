// A treatment that was tried several times: each attempt has an address, and is shown as it was.
import { describe, expect, it } from "vitest";
import { canRun, isCut, looks, openPage, PATIENCE, violations } from "./browser.ts";
import { logLine } from "./lines.ts";
import { RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}/treatments/total`;
const PAGE = `/ui/runs/${RUN}/t/total`;
const STATES = ["lost", "failed", "succeeded"];

describe.skipIf(!canRun)("attempts of a treatment", { timeout: PATIENCE }, () => {
  const at = setting();

  /** Three attempts, of which the last succeeded, with two lines each. */
  function serveAttempts(): void {
    const recorded = at.served.recorded[PATH] as Record<string, unknown>;
    const history = STATES.flatMap((state, before) => [
      { at: `2026-11-30T05:1${before}:00Z`, attempt: before + 1, state: "running", note: "" },
      { at: `2026-11-30T05:1${before}:09Z`, attempt: before + 1, state, note: `end ${before + 1}` },
    ]);
    const [runner] = recorded.runners as Record<string, unknown>[];
    const runners = [3, 2, 1].map((attempt) => ({ ...runner, attempt, pool: `pool-${attempt}`, lines_left_out: 0 }));
    at.served.instead.set(PATH, (url: URL) => {
      const attempt = Number(url.searchParams.get("attempt") ?? 3);
      const state = STATES[attempt - 1] as string;
      const ran = { ...(recorded.times as object), ran: attempt * 10 };
      return { ...recorded, attempt, latest_attempt: 3, state, cause: `end ${attempt}`, times: ran, history, runners };
    });
    const lines = STATES.flatMap((_, before) =>
      [0, 1].map((index) => ({
        ...logLine(2 * before + index, `line ${index + 1} of attempt ${before + 1}`),
        attempt: before + 1,
      })),
    );
    at.served.instead.set(`/v1/runs/${RUN}/logs`, { lines });
  }

  it("shows the latest one and all lines, and leads to each", async () => {
    serveAttempts();
    const { page, faults } = await openPage(at, PAGE);
    const log = page.getByRole("log", { name: "Lines" });
    await page.getByText("3 of 3").waitFor();
    await log.getByText("line 1 of attempt 1").waitFor();
    await log.getByText("line 2 of attempt 3").waitFor();
    expect(await page.getByText("This is an earlier attempt").count()).toBe(0);

    await page.getByRole("link", { name: "Attempt 2" }).click();
    await page.getByText("This is an earlier attempt, 2 of 3.").waitFor();
    expect(new URL(page.url()).search).toBe("?attempt=2");
    await page.getByRole("heading", { name: "Log of attempt 2" }).waitFor();
    await log.getByText("line 2 of attempt 2").waitFor();
    expect(await log.getByText(/of attempt [13]/).count()).toBe(0);
    await page.getByText("end 2", { exact: true }).first().waitFor();
    await page.getByText("in pool-2").waitFor();
    expect(await page.getByRole("link", { name: "Attempt 2" }).getAttribute("aria-current")).toBe("true");

    // A line's address names the attempt as well.
    expect(await log.getByRole("link").first().getAttribute("href")).toBe(`${PAGE}?attempt=2&line=1%3A2`);

    await page.getByRole("button", { name: "All attempts" }).click();
    await log.getByText("line 1 of attempt 1").waitFor();
    expect(new URL(page.url()).search).toBe("");
    await page.getByText("3 of 3").waitFor();
    expect(faults).toEqual([]);
  });

  it("opens at an earlier attempt: axe finds nothing, and nothing is cut", async () => {
    serveAttempts();
    const { page, faults } = await openPage(at, `${PAGE}?attempt=1`);
    const note = page.getByText("This is an earlier attempt, 1 of 3.");
    await note.waitFor();
    const latest = page.locator(".earlier");
    expect(await latest.textContent()).toContain("The latest attempt");
    expect(await latest.locator(".state").textContent()).toContain("succeeded");
    await page.getByRole("log").getByText("line 1 of attempt 1").waitFor();
    for await (const look of looks(page, [1440])) expect(await violations(page), look).toEqual([]);
    await page.setViewportSize({ width: 320, height: 800 });
    expect(await isCut(page)).toBe(false);
    expect(faults).toEqual([]);
  });
});
