// The pages in a real browser: no violation that axe finds, nothing cut, nothing foreign, no report of the policy.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { ADMIN_PARTS } from "../../src/routes.ts";
import { canRun, isCut, loaded, looks, type Opened, openPage, PATIENCE, violations } from "./browser.ts";
import { LETTER, NOW, PAGES, Refusal, RUN, THEN } from "./server.ts";
import { setting } from "./setting.ts";

describe.skipIf(!canRun)("the pages", { timeout: PATIENCE }, () => {
  const at = setting();

  const open = (path: string, width = 1440, theme: "light" | "dark" = "light", signedIn = true): Promise<Opened> =>
    openPage(at, path, { width, theme, signedIn });

  it.each(Object.entries(PAGES))("%s: axe finds nothing, and nothing is cut", async (_, path) => {
    const { page, faults } = await open(path);
    for await (const look of looks(page, [1440])) expect(await violations(page), look).toEqual([]);
    for (const width of [800, 320]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await isCut(page), `at ${width} pixels`).toBe(false);
    }
    expect(faults).toEqual([]);
  });

  it("shows what treatments wrote, of which nothing runs or loads", async () => {
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    const summary = page.locator(".markdown");
    await summary.locator("table").waitFor();

    expect(await summary.locator("img, script, iframe, style").count()).toBe(0);
    expect(await summary.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))).toEqual([
      "https://example.com/report",
    ]);
    expect(await summary.textContent()).toContain("<script>document.title = 'changed'</script>");
    expect(await page.title()).not.toContain("changed");
    expect(faults).toEqual([]);
  });

  it("shows who approved a treatment, when and why", async () => {
    const path = `/v1/runs/${RUN}/treatments/total`;
    const decision = { treatment: "total", decision: "approve", by: "ada", at: "2026-11-30T05:11:20.000Z" };
    at.served.instead.set(path, {
      ...(at.served.recorded[path] as object),
      approval: {
        environment: "production",
        required: 2,
        approvers: ["ada", "grace"],
        asked_at: "2026-11-30T05:11:10.000Z",
        expires_at: "2026-12-01T05:11:10.000Z",
        decisions: [
          { ...decision, comment: "The rates are from today." },
          { ...decision, by: "grace\u202e", decision: "refuse", comment: "" },
        ],
      },
    });
    const { page, faults } = await open(`/ui/runs/${RUN}/t/total`);
    const approval = page.getByRole("region", { name: "Approval" });
    await approval.getByText("1 of 2 approvals for environment production, by ada, grace").waitFor();
    expect(await approval.getByRole("listitem").allInnerTexts()).toEqual([
      expect.stringMatching(/approved\s+by ada: The rates are from today\./),
      expect.stringMatching(/refused\s+by grace.*U\+202E/),
    ]);
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 320, height: 800 });
    expect(await isCut(page)).toBe(false);
    expect(faults).toEqual([]);
  });

  it("administration: axe finds nothing, and nothing is cut", async () => {
    const { page, faults } = await open("/ui/admin/members");
    for (const part of [...ADMIN_PARTS, "exports/warehouse", `dead-letters/${LETTER}`]) {
      await page.goto(`${at.served.url}/ui/admin/${part}`);
      await page.locator("main section h2").first().waitFor();
      await loaded(page);
      for await (const look of looks(page, [1440])) {
        expect(await violations(page), `${part}, ${look}`).toEqual([]);
        expect(await isCut(page), `${part}, ${look}`).toBe(false);
      }
      await page.setViewportSize({ width: 320, height: 800 });
      expect(await isCut(page), `${part} at 320 pixels`).toBe(false);
    }
    expect(faults).toEqual([]);
  });

  it("signs in, and takes the code out of the address", async () => {
    const { page } = await open("/ui/runs");
    expect(new URL(page.url()).hash).toBe("");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it("signs in with a directory, and asks which one where there are several", async () => {
    const { page, faults } = await open("/ui/runs", 1440, "light", false);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    at.served.instead.set("/v1/sign-in/default", { items: [], directories: ["corp", "labs"] });
    at.served.instead.set("/v1/sign-in/directory", { token: "cad_x", expires_in: 60, member_id: "m", name: "Ada" });
    await page.getByText("With the company's directory").click();
    await page.getByLabel("Name", { exact: true }).fill("ada");
    await page.getByLabel("Password").fill("secret");
    const button = page.getByRole("button", { name: "Sign in with the directory" });
    await button.click();
    await page.getByRole("alert").getByText("Choose one").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Directory").selectOption("labs");
    const sent = page.waitForRequest("**/v1/sign-in/directory");
    await button.click();
    const body = { organization: "default", directory: "labs", user: "ada", password: "secret" };
    expect((await sent).postDataJSON()).toEqual(body);
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    expect(faults).toEqual([]);
  });

  it("says in words why a directory refuses", async () => {
    const { page } = await open("/ui/runs", 1440, "light", false);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.getByText("With the company's directory").click();
    await page.getByLabel("Name", { exact: true }).fill("ada");
    await page.getByLabel("Password").fill("wrong");
    const button = page.getByRole("button", { name: "Sign in with the directory" });
    await button.click();
    await page.getByRole("alert").getByText("has no directory to sign in with").waitFor();
    at.served.instead.set("/v1/sign-in/default", { items: [], directories: ["corp"] });
    at.served.instead.set("/v1/sign-in/directory", new Refusal(401, "The name or the password is wrong."));
    await button.click();
    await page.getByRole("alert").getByText("The name or the password is wrong.").waitFor();
  });

  it("leads from the failed run to error, frame and input without a click", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    const panel = page.getByRole("region", { name: "Why" });
    await panel.getByText("ValueError: could not convert string to float: 'twelve'").first().waitFor();
    await panel.getByRole("link", { name: "total.py:3" }).waitFor();
    await panel.getByRole("cell", { name: "twelve" }).waitFor();
    await panel.getByText("As a consequence 2 treatments did not succeed").waitFor();
  });

  it("tells new failures of tests from flaky ones", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    const panel = page.getByRole("region", { name: "Tests" });
    await panel.getByText("2 of 4 tests failed: 1 new failure, 1 known as flaky").waitFor();
    await panel.getByText("tests/rows.py:12").waitFor();
    await panel.getByText("known as flaky", { exact: true }).waitFor();
  });

  /** Presses Tab until what has the focus has this name, as it is done without a mouse. */
  async function tabTo(page: Page, name: RegExp): Promise<void> {
    const met: string[] = [];
    for (let pressed = 0; pressed < 80; pressed++) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        return element?.getAttribute("aria-label") ?? element?.textContent ?? "";
      });
      if (name.test(focused)) return;
      met.push(focused);
    }
    throw new Error(`Tab does not lead to ${name}; it met ${met.join(" | ")}`);
  }

  it("tells the story by keyboard alone: list, run, line, input, origin", async () => {
    const { page } = await open("/ui");
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
    await page.getByRole("link", { name: "orders" }).first().waitFor();
    await tabTo(page, /^orders$/);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "total.py:3" }).waitFor();
    await page.keyboard.press("o");
    await page.getByRole("heading", { name: /^total/, level: 1 }).waitFor();
    await page
      .locator(".log-row.marked")
      .getByText(/total\.py", line 3, in amount/)
      .waitFor();
    await tabTo(page, /^from export.rows$/);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /rows/, level: 1 }).waitFor();
    expect(page.url()).toContain("/v/export.rows");
  });

  it("lists its keys on ?, and turns them off", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.getByRole("link", { name: "total.py:3" }).waitFor();
    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keys" });
    await sheet.getByText("Next error").waitFor();
    await sheet.getByText("This sheet", { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
    await sheet.getByRole("checkbox").uncheck();
    await page.keyboard.press("Escape");
    await sheet.waitFor({ state: "hidden" });
    await page.keyboard.press("?");
    await page.keyboard.press("o");
    expect(await sheet.isVisible()).toBe(false);
    expect(new URL(page.url()).pathname).toBe(`/ui/runs/${RUN}`);
  });

  it("opens the sheet of its keys before anything is painted, so that the next key finds it", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    const isOpen = await page.evaluate(async () => {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true, cancelable: true }));
      // What is drawn is drawn in microtasks, what is painted after them.
      for (let times = 0; times < 20; times++) await Promise.resolve();
      return document.querySelector("dialog")?.open;
    });
    expect(isOpen).toBe(true);
  });

  it("tells the first divergence, and leads to it from the failed run", async () => {
    at.served.instead.set(`/v1/runs/${RUN}/last-passed`, { run_id: THEN });
    const { page } = await open(`/ui/runs/${RUN}`);
    const link = page.getByRole("link", { name: "Compare with the last that passed" });
    await link.waitFor();
    expect(await link.getAttribute("href")).toBe(`/ui/runs/${THEN}/diff/${RUN}`);
    await page.goto(`${at.served.url}/ui/runs/${THEN}/diff/${NOW}`);
    const found = page.getByRole("region", { name: "The first divergence" });
    await found.getByText("export: $CADENCE_PARAM_fifth changed").waitFor();
    await found.getByText("line 6, column 3").waitFor();
  });

  it("shows the steps of a treatment with their states", async () => {
    const path = `/v1/runs/${RUN}/treatments/export`;
    const step = { started_at: null, finished_at: null, exit_code: null, soft_fail: false };
    at.served.instead.set(path, {
      ...(at.served.recorded[path] as object),
      steps: [
        { ...step, number: 1, name: "lint", state: "failed", exit_code: 3, soft_fail: true },
        { ...step, number: 2, name: "publish", state: "skipped" },
      ],
    });
    const { page } = await open(`/ui/runs/${RUN}/t/export`);
    const steps = page.getByRole("region", { name: "Steps" }).getByRole("listitem");
    await steps.filter({ hasText: "lint" }).getByText("(exit 3)").waitFor();
    await steps.filter({ hasText: "publish" }).getByText("skipped").waitFor();
  });

  it("follows a run: what changed replaces what was there", async () => {
    const path = `/v1/runs/${RUN}`;
    const ended = at.served.recorded[path] as { state: string; treatments: { name: string; state: string }[] };
    const running = { ...ended, state: "running" };
    at.served.instead.set(path, running);
    at.served.instead.set(`${path}/changes`, { run: running, treatments: [], reload: false, after: "1" });
    const { page } = await open(`/ui/runs/${RUN}`);
    const row = page.getByRole("row", { name: /^audit/ });
    await row.getByText("succeeded").waitFor();
    const audit = ended.treatments.find((one) => one.name === "audit");
    at.served.instead.set(`${path}/changes`, {
      run: ended,
      treatments: [{ ...audit, state: "timed_out" }],
      reload: false,
      after: "2",
    });
    await row.getByText("timed out").waitFor();
    expect(await page.getByRole("row", { name: /^audit/ }).count()).toBe(1);
    await page.getByRole("heading", { name: "orders failed" }).waitFor();
  });

  it("approves with a reason, and shows what remains", async () => {
    const { page } = await open("/ui/approvals");
    await page.getByPlaceholder("Reason (optional)").fill("looked at it");
    at.served.instead.set("/v1/approvals", { items: [], next: null });
    const sent = page.waitForRequest((request) => request.method() === "POST");
    await page.getByRole("button", { name: "Approve deploy" }).click();
    expect((await sent).postDataJSON()).toEqual({ decision: "approve", comment: "looked at it" });
    await page.getByText("Nothing waits for an approval.").waitFor();
  });

  it("offers what one may do, and no more", async () => {
    const self = at.served.recorded["/v1/self"] as object;
    at.served.instead.set("/v1/self", { ...self, held: ["runs:read", "members:read"] });
    const { page } = await open("/ui/admin/members");
    await page
      .getByRole("navigation", { name: "Pages" })
      .getByRole("link", { name: "Fleet" })
      .waitFor({ state: "hidden" });
    const parts = page.getByRole("navigation", { name: "Administration" }).getByRole("link");
    expect(await parts.allTextContents()).toEqual(["Members"]);
    await page.getByRole("row", { name: /Ada Lovelace/ }).waitFor();
    expect(await page.getByRole("button", { name: /Remove/ }).count()).toBe(0);
    expect(await page.getByText("Invite a member").count()).toBe(0);
  });

  it("shows pools to those who may not see hosts, with budget, probe and what waits", async () => {
    const self = at.served.recorded["/v1/self"] as object;
    at.served.instead.set("/v1/self", { ...self, held: ["pools:read"] });
    at.served.instead.set("/v1/hosts", new Refusal(403, "This needs the permission hosts:read."));
    const local = at.served.recorded["/v1/pools/local"] as { pool: object };
    at.served.instead.set("/v1/pools/local", {
      ...local,
      pool: { ...local.pool, budget: { per_month: 250 }, price: { per_hour: 0.2, currency: "EUR" } },
      spending: { month: "2026-11", per_month: 250, spent: 200, set_aside: 31.5, currency: "EUR" },
      probe: { at: "2026-11-30T05:00:00Z", passed: false, checks: [], error: "The zone has no such machine." },
      queue: [{ run_id: RUN, treatment: "total", position: 1, estimate_seconds: 90 }],
    });
    const { page } = await open("/ui/fleet");
    const pool = page.getByRole("region", { name: "Pool local" });
    await pool.getByText("200 of 250 EUR spent in November 2026, 31.50 set aside for active runners: little").waitFor();
    expect(
      await pool.locator(".budget-bar i").evaluateAll((bars) => bars.map((bar) => (bar as HTMLElement).style.width)),
    ).toEqual(["80%", "12.6%"]);
    await pool.getByText(/^The last probe did not pass .*: The zone has no such machine\.$/).waitFor();
    expect(await pool.getByRole("link", { name: "total, in 1 min 30 s" }).getAttribute("href")).toBe(
      `/ui/runs/${RUN}/t/total`,
    );
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await violations(page)).toEqual([]);
  });

  it("tells at home which runs wait, and for what", async () => {
    const { items } = at.served.recorded["/v1/runs"] as { items: object[] };
    const waiting = { ...items[0], state: "pending", waiting_for: "a place in the group deploy", generated: false };
    at.served.instead.set("/v1/runs", { items: [waiting], next: null });
    const { page } = await open("/ui");
    await page
      .getByRole("region", { name: "Waiting" })
      .getByText(/, waits for a place in the group deploy$/)
      .waitFor();
  });

  it("tells at home which of your runs go on", async () => {
    const { items } = at.served.recorded["/v1/runs"] as { items: object[] };
    at.served.instead.set("/v1/runs", { items: [{ ...items[0], state: "running", generated: false }], next: null });
    const { page } = await open("/ui");
    expect(await page.getByRole("region", { name: "Your running runs" }).getByRole("link").count()).toBeGreaterThan(0);
    await page.getByText("Nothing needs you.").waitFor({ state: "detached" });
  });

  it("tells that a part of a page could not be fetched", async () => {
    const { page } = await open("/ui/runs");
    const graph = /\/graph[^/]*\.js$/;
    await page.route(graph, (route) => route.abort("internetdisconnected"));
    await page.goto(`${at.served.url}${PAGES["failed run"]}`);
    const note = page.getByRole("alert").filter({ hasText: "A part of this page could not be fetched" });
    await note.waitFor();
    await page.unroute(graph);
    await note.getByRole("button", { name: "Load the page again" }).click();
    await page
      .getByLabel(/^Graph of/)
      .first()
      .waitFor();
    expect(await note.count()).toBe(0);
  });

  it("asks before it takes something away", async () => {
    const { page } = await open("/ui/admin/tokens");
    const deleted: string[] = [];
    page.on("request", (request) => {
      if (request.method() === "DELETE") deleted.push(request.url());
    });
    await page.getByRole("button", { name: "Revoke token ci" }).click();
    const again = page.getByRole("button", { name: "Press again to revoke token ci" });
    await again.waitFor();
    expect(deleted).toEqual([]);
    const sent = page.waitForRequest((request) => request.method() === "DELETE");
    await again.click();
    expect((await sent).url()).toContain("/v1/tokens/");
  });
});
