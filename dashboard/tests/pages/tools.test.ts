// A run at any moment, files of what is seen, environments; and every page while the API refuses or has nothing.
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { canRun, isCut, loaded, type Opened, openPage, PATIENCE, violations } from "./browser.ts";
import { MOMENT, PAGES, Refusal, RUN } from "./server.ts";
import { setting } from "./setting.ts";

describe.skipIf(!canRun)("the tools of the pages", { timeout: PATIENCE }, () => {
  const at = setting();

  const open = (path: string, theme: "light" | "dark" = "light"): Promise<Opened> => openPage(at, path, { theme });

  async function download(page: Page, button: string): Promise<{ name: string; content: string }> {
    const begun = page.waitForEvent("download");
    await page.getByRole("button", { name: button, exact: true }).click();
    const file = await begun;
    return { name: file.suggestedFilename(), content: readFileSync(await file.path(), "utf8") };
  }

  it("show the run at the moment of the address, and lead from change to change by keyboard", async () => {
    const { page, faults } = await open(`/ui/runs/${RUN}?at=${MOMENT}`);
    const row = (name: string) => page.getByRole("row", { name: new RegExp(`^${name}`) });
    await row("audit").getByText("running").waitFor();
    await row("total").getByText("booting").waitFor();
    await row("mail").getByText("pending").waitFor();
    await page.getByText("39 s after it was created").waitFor();
    // The next change is the start of `total`.
    await page.keyboard.press("]");
    await row("total").getByText("running").waitFor();
    expect(new URL(page.url()).searchParams.get("at")).toBe("2026-11-30T05:11:23.496Z");
    await page.keyboard.press("[");
    await page.keyboard.press("[");
    await row("total").getByText("ready").waitFor();
    await page.getByRole("slider", { name: "Moment of the run" }).press("End");
    await row("total").getByText("failed (exit 1)").waitFor();
    expect(new URL(page.url()).searchParams.get("at")).toBeNull();
    expect(faults).toEqual([]);
  });

  it("store the table, the lines and a value as files", async () => {
    const { page, faults } = await open(`/ui/runs/${RUN}?at=${MOMENT}`);
    await page
      .getByRole("row", { name: /^audit/ })
      .getByText("running")
      .waitFor();
    const table = await download(page, "Save CSV of the table of treatments");
    expect(table.name).toBe(`treatments-${RUN}.csv`);
    expect(table.content).toContain(
      "\r\naudit,running,1,2026-11-30T05:11:20.779Z,2026-11-30T05:11:22.236Z,,,local,,\r\n",
    );
    const log = await download(page, "Save lines");
    expect(log.name).toBe(`${RUN}.log`);
    expect(log.content).toContain("ValueError: could not convert string to float: 'twelve'\n");
    const { lines } = at.served.recorded[`/v1/runs/${RUN}/logs`] as { lines: { text: string }[] };
    expect(log.content.trimEnd().split("\n")).toHaveLength(lines.length);

    const path = `/v1/runs/${RUN}/treatments/export/outputs/rows`;
    const whole = Buffer.from((at.served.recorded[path] as { content_base64: string }).content_base64, "base64");
    // In two pieces, as a long value comes.
    at.served.instead.set(path, (url: URL) => {
      const offset = Number(url.searchParams.get("offset"));
      const piece = offset ? whole.subarray(offset) : whole.subarray(0, 10);
      const next = offset ? null : 10;
      return { ...(at.served.recorded[path] as object), offset, content_base64: piece.toString("base64"), next };
    });
    await page.goto(`${at.served.url}/ui/runs/${RUN}/v/export.rows`);
    const value = await download(page, "Save as a file");
    expect([value.name, value.content]).toEqual([`${RUN}-export.rows.csv`, whole.toString()]);
    expect(faults).toEqual([]);
  });

  it("change an environment from what it was", async () => {
    const { page } = await open("/ui/admin/environments");
    const row = page.getByRole("row", { name: /^production/ });
    await row.getByText("release/*, main, if the code host protects them").waitFor();
    await row.getByText("2 approvals within 1 d, not by who started the run").waitFor();
    await row.getByRole("link", { name: "release / deploy" }).waitFor();
    await row.getByRole("button", { name: "Change production" }).click();
    await page.getByLabel("Branches (optional)").fill("main");
    at.served.instead.set("/v1/projects/default/environments/production", (url: URL) => ({ name: url.pathname }));
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await page.getByRole("button", { name: "Replace" }).click();
    expect((await sent).postDataJSON()).toEqual({
      env: { REGION: "eu-west-1", LOG_LEVEL: "info" },
      secrets: {},
      branches: ["main"],
      protected_branches: true,
      approvals: { required: 2, timeout: 86_400, approvers: null, not_by_starter: true },
    });
  });

  it("read the audit log on, with the filters of the address", async () => {
    const whole = at.served.recorded["/v1/audit"] as { items: object[] };
    const asked: string[] = [];
    at.served.instead.set("/v1/audit", (url: URL) => {
      asked.push(url.search);
      return url.searchParams.has("cursor")
        ? { items: whole.items.slice(5), next: null }
        : { items: whole.items.slice(0, 5), next: "further" };
    });
    const { page } = await open("/ui/admin/audit?kind=change");
    await page.getByRole("row").nth(5).waitFor();
    await page.getByRole("button", { name: "Read on" }).click();
    await page.getByRole("row").nth(whole.items.length).waitFor();
    expect(await page.getByRole("row").count()).toBe(whole.items.length + 1);
    expect(asked.every((query) => query.includes("kind=change"))).toBe(true);
  });

  const EMPTY = { items: [], lines: [], treatments: [], nodes: [], edges: [], next: null, more: false, after: "end" };
  const ADMIN = ["members", "environments", "secrets", "exports", "dead-letters", "limits", "retention", "audit"].map(
    (part) => `/ui/admin/${part}`,
  );
  const LISTS = [PAGES.home, PAGES["list of runs"], PAGES.approvals, PAGES.search, PAGES.pipelines, PAGES.fleet];

  for (const [state, theme, paths] of [
    ["refused", "light", [...Object.values(PAGES), ...ADMIN]],
    ["empty", "dark", [...LISTS, PAGES.alerts, ...ADMIN]],
  ] as const) {
    it(`are whole while everything is ${state}: axe finds nothing, and nothing is cut`, {
      timeout: 4 * PATIENCE,
    }, async () => {
      const { page, faults } = await open("/ui", theme);
      await page.setViewportSize({ width: 320, height: 800 });
      const self = at.served.recorded["/v1/self"];
      for (const path of paths) {
        at.served.instead.set("/v1/self", self);
        if (state === "refused") at.served.always = new Refusal(503, "The control plane is being upgraded. Try again.");
        else
          for (const one of Object.keys(at.served.recorded))
            at.served.instead.set(one, isList(one) ? EMPTY : undefined);
        await page.goto(`${at.served.url}${path}`);
        await loaded(page);
        expect.soft(await violations(page), path).toEqual([]);
        expect.soft(await isCut(page), path).toBe(false);
      }
      expect(faults).toEqual([]);
    });
  }

  /** Whether what is recorded there is a list, which may be empty; everything else is then not there at all. */
  function isList(path: string): boolean {
    const answer = at.served.recorded[path] as object;
    return "items" in answer || ("lines" in answer && !("state" in answer));
  }
});
