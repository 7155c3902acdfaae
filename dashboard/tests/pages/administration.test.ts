// Secrets, exports, dead letters, limits and retention: what is changed, after which question, and what is never shown.
import { describe, expect, it } from "vitest";
import { canRun, type Opened, openPage, PATIENCE } from "./browser.ts";
import { LETTER, Refusal } from "./server.ts";
import { setting } from "./setting.ts";

describe.skipIf(!canRun)("the administration", { timeout: PATIENCE }, () => {
  const at = setting();

  const open = (path: string): Promise<Opened> => openPage(at, path);

  it("shows who gets a secret and where it is used, and replaces its value without showing it", async () => {
    const { page, faults } = await open("/ui/admin/secrets");
    const row = page.getByRole("row", { name: /^warehouse-password/ });
    const use = row.getByRole("link", { name: "orders:10" });
    await use.waitFor();
    expect(await use.getAttribute("href")).toBe("/ui/pipelines/default/orders?line=10");
    await page
      .getByRole("row", { name: /^deploy-key/ })
      .getByText("treatments of production")
      .waitFor();
    await row.getByRole("button", { name: "Replace warehouse-password" }).click();
    const value = page.getByLabel("Value");
    await value.fill("  two\nlines\n");
    expect(await value.evaluate((field) => getComputedStyle(field).getPropertyValue("-webkit-text-security"))).toBe(
      "disc",
    );
    const made = { name: "warehouse-password", version: 2, updated_at: "2026-11-30T23:00:00Z", environment: null };
    at.served.instead.set("/v1/projects/default/secrets/warehouse-password", made);
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await page.getByRole("button", { name: "Replace", exact: true }).click();
    // The value is sent as it was written, and the secret stays bound as it is.
    expect((await sent).postDataJSON()).toEqual({ value: "  two\nlines\n" });
    await page.getByText("Version 2 of warehouse-password is set.").waitFor();
    expect(await value.inputValue()).toBe("");
    expect(faults).toEqual([]);
  });

  it("asks before lines and values are lost", async () => {
    const { page } = await open("/ui/admin/retention");
    const sent: unknown[] = [];
    page.on("request", (request) => {
      if (request.method() === "PUT") sent.push(request.postDataJSON());
    });
    await page.getByRole("button", { name: "Change default" }).click();
    await page.getByLabel(/^Days, at most/).fill("3");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByRole("alert").getByText("Lines and values older than 3 days are removed").waitFor();
    expect(sent).toEqual([]);
    await page.getByRole("button", { name: "Really set?" }).click();
    await page.getByText("It is set for default.").waitFor();
    expect(sent).toEqual([{ days: 3 }, { mebibytes: null }]);
  });

  it("sets quotas, and shows what they leave", async () => {
    const { page } = await open("/ui/admin/limits");
    await page.getByRole("region", { name: "Quotas" }).getByText("of 20").waitFor();
    await page.getByText("Change the quotas").click();
    await page.getByLabel("Runners at once, none for no limit (optional)").fill("");
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await page.getByRole("region", { name: "Quotas" }).getByRole("button", { name: "Set" }).click();
    expect((await sent).postDataJSON()).toEqual({ max_running_runs: 50, max_runners: null });
  });

  it("pauses an export with everything else as it was, and shows what its receiver answers", async () => {
    const { page } = await open("/ui/admin/exports");
    const row = page.getByRole("row", { name: /^warehouse/ });
    await row.getByText("gives up").waitFor();
    const answers = { logs: "400: the dataset is closed for writing" };
    at.served.instead.set("/v1/exports/warehouse/test", { ok: false, answers });
    await row.getByRole("button", { name: "Test export warehouse" }).click();
    await row.getByText("not accepted (logs: 400: the dataset is closed for writing)").waitFor();
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await row.getByRole("button", { name: "Pause export warehouse" }).click();
    const { kind, url, signals, projects } = (await sent).postDataJSON() as Record<string, unknown>;
    expect({ kind, url, signals, projects }).toEqual({
      kind: "loki",
      url: "http://127.0.0.1:3100/refuse",
      signals: ["logs"],
      projects: ["default"],
    });
    expect((await sent).postDataJSON()).toMatchObject({ enabled: false });
  });

  it("redrives dead letters, says which stay, and drops one after a question", async () => {
    const letters = at.served.recorded["/v1/dead-letters"] as { items: { id: string; what: string }[] };
    const [first, second, third] = letters.items;
    if (!first || !second || !third) throw new Error("three dead letters are recorded");
    at.served.instead.set(`/v1/dead-letters/${first.id}/redrive`, first);
    at.served.instead.set(`/v1/dead-letters/${second.id}/redrive`, new Refusal(404, "It is not there any more."));
    at.served.instead.set(`/v1/dead-letters/${third.id}/redrive`, third);
    const { page } = await open("/ui/admin/dead-letters?kind=export");
    expect(await page.getByLabel("Kind").inputValue()).toBe("export");
    await page.getByRole("button", { name: "Redrive all 3 dead letters" }).click();
    await page.getByText("2 dead letters redriven, 1 failed: It is not there any more.").waitFor();
    const deleted: string[] = [];
    page.on("request", (request) => {
      if (request.method() === "DELETE") deleted.push(new URL(request.url()).pathname);
    });
    await page.getByRole("button", { name: `Drop ${first.what}` }).click();
    const again = page.getByRole("button", { name: `Press again to drop ${first.what}` });
    await again.waitFor();
    expect(deleted).toEqual([]);
    const sent = page.waitForRequest((request) => request.method() === "DELETE");
    await again.click();
    await sent;
    expect(deleted).toEqual([`/v1/dead-letters/${first.id}`]);
    await page.getByRole("link", { name: first.what }).click();
    await page.getByRole("region", { name: "Dead letter" }).getByText('"kind": "segment"').waitFor();
    expect(new URL(page.url()).pathname).toBe(`/ui/admin/dead-letters/${LETTER}`);
  });

  it("offers no change to those who may only read", async () => {
    const self = at.served.recorded["/v1/self"] as object;
    const held = ["secrets:read", "exports:read", "dead-letters:read", "organizations:read", "projects:read"];
    at.served.instead.set("/v1/self", { ...self, held });
    const { page, faults } = await open("/ui/admin/secrets");
    const parts = page.getByRole("navigation", { name: "Administration" }).getByRole("link");
    await parts.filter({ hasText: "Members" }).waitFor({ state: "hidden" });
    expect(await parts.allTextContents()).toEqual(["Secrets", "Exports", "Dead letters", "Limits", "Retention"]);
    for (const part of ["secrets", "exports", "exports/warehouse", "dead-letters", "limits", "retention"]) {
      await page.goto(`${at.served.url}/ui/admin/${part}`);
      await page.locator("main section h2").first().waitFor();
      await page.locator("main summary").waitFor({ state: "hidden" });
      const buttons = page.locator("main").getByRole("button");
      await buttons.first().waitFor({ state: "hidden" });
      expect(await buttons.count(), part).toBe(0);
    }
    expect(faults).toEqual([]);
  });
});
