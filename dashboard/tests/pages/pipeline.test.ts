// The page of a pipeline: its health, its document with findings, and what a version changed.
import { describe, expect, it } from "vitest";
import { canRun, openPage, PATIENCE } from "./browser.ts";
import { setting } from "./setting.ts";

const PATH = "/v1/projects/default/pipelines/orders";

describe.skipIf(!canRun)("the page of a pipeline", { timeout: PATIENCE }, () => {
  const at = setting();

  it("tells how often it passes, how long it takes, and what is flaky", async () => {
    const { page, faults } = await openPage(at, "/ui/pipelines");
    await page.getByRole("link", { name: "orders", exact: true }).click();
    await page.getByRole("heading", { name: "orders", level: 1 }).waitFor();
    const health = page.getByRole("region", { name: "Health" });
    await health.getByText("8 of 9 passed (88 %)").waitFor();
    await health.getByRole("img", { name: /^Durations of the last 9 runs/ }).waitFor();
    expect(await health.getByRole("listitem").count()).toBe(5);
    await page
      .getByRole("region", { name: "Slowest treatments" })
      .getByRole("row", { name: /^audit/ })
      .waitFor();
    await page.getByRole("region", { name: "Flaky tests" }).getByText("site.search::finds_a_word").waitFor();
    expect(new URL(page.url()).pathname).toBe("/ui/pipelines/default/orders");
    expect(faults).toEqual([]);
  });

  it("marks the line of a finding, by keyboard as well", async () => {
    const { page } = await openPage(at, "/ui/pipelines/default/orders");
    const part = page.getByRole("region", { name: "Document" });
    await part.getByText("1 finding").waitFor();
    await part.getByRole("button", { name: "line 10" }).focus();
    await page.keyboard.press("Enter");
    await part.locator("li.marked", { hasText: "WAREHOUSE_PASSWORD" }).waitFor();
    expect(new URL(page.url()).search).toBe("?line=10");
  });

  it("tells whose secret each name means, and what is missing", async () => {
    const { page, faults } = await openPage(at, "/ui/pipelines/default/orders");
    const rows = page.getByRole("table", { name: "Secrets of the document" }).getByRole("row");
    await rows.nth(3).waitFor();
    expect((await rows.allTextContents()).slice(1)).toEqual([
      "deploy-keymailthe project, for production",
      "registry-tokenexport in gputhe team web",
      "warehouse-passwordexportmissing The project has no secret “warehouse-password”.",
    ]);
    expect(faults).toEqual([]);
  });

  it("shows what a version changed", async () => {
    const newest = at.served.recorded[PATH] as { document: string };
    at.served.instead.set(PATH, (url: URL) =>
      url.searchParams.get("version") === "1"
        ? { ...newest, version: 1, document: newest.document.replace("sleep 1", "sleep 3") }
        : newest,
    );
    const { page } = await openPage(at, "/ui/pipelines/default/orders");
    await page.getByRole("link", { name: "since 1 in version 2" }).click();
    const changes = page.getByRole("list", { name: "Changed lines" });
    await changes.getByText("sleep 3").waitFor();
    expect(await changes.locator(".removed").allTextContents()).toEqual([expect.stringContaining("sleep 3")]);
    expect(await changes.locator(".added").allTextContents()).toEqual([expect.stringContaining("sleep 1")]);
    await page.getByRole("button", { name: "Show the newest" }).click();
    await page.getByRole("list", { name: "Lines of the document" }).waitFor();
  });
});
