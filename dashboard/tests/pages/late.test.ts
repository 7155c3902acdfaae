// Answers that come late, places that are not there any more, and a sign-in that is not answered.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { canRun, openPage, PATIENCE } from "./browser.ts";
import { logLine, logPage } from "./lines.ts";
import { PAGES, RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

/** An answer that comes when it is let go. */
function held(answer: unknown) {
  let asked = () => {};
  let letGo = () => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const answered = new Promise((resolve) => {
    letGo = () => resolve(answer);
  });
  const wait = () => {
    asked();
    return answered;
  };
  return { isAsked, wait, letGo: () => letGo() };
}

describe.skipIf(!canRun)("what comes late", { timeout: PATIENCE }, () => {
  const at = setting();
  const open = (path: string) => openPage(at, path);
  const alerts = (page: Page) => page.locator(".logs [role=alert]").count();

  it("is said of a sign-in by link, which can be tried again", async () => {
    const { page } = await openPage(at, "/ui", { signedIn: false });
    await page.route("**/v1/sessions", (route) => route.abort("internetdisconnected"));
    await page.goto("about:blank");
    await page.goto(`${at.served.url}/ui/runs#code=once`);
    await page.getByRole("alert").getByText("Cadence does not answer.").waitFor();
    await page.getByLabel("Or paste a token").fill("cad_x");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").getByText("Cadence does not answer. Try again.").waitFor();
    await page.unroute("**/v1/sessions");
    await page.reload();
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    expect(page.url()).toBe(`${at.served.url}/ui/runs`);
  });

  it("is no link that is opened where the page is shown already", async () => {
    const { page, faults } = await openPage(at, "/ui/runs", { signedIn: false });
    await page.goto(`${at.served.url}/ui/runs#code=once`);
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    expect(page.url()).toBe(`${at.served.url}/ui/runs`);
    expect(faults).toEqual([]);
  });

  it("does not replace what is newer", async () => {
    const { items } = at.served.recorded["/v1/runs"] as { items: { pipeline: string }[] };
    const listed = (pipeline: string) => ({ items: [{ ...items[0], pipeline }], next: null });
    const [older, further] = [held(listed("older")), held(listed("further"))];
    const answers = [() => listed("first"), older.wait, () => listed("newer"), further.wait];
    const { page } = await open("/ui");
    // The server is not asked: the browser's store would have the second request wait for the first.
    await page.route("**/v1/runs?*", async (route) => route.fulfill({ json: await answers.shift()?.() }));
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    const row = page.getByRole("list", { name: "Runs, newest first" });
    await row.getByText("first").waitFor();
    await older.isAsked;
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await row.getByText("newer").waitFor();
    const come = page.waitForResponse(async (response) => (await response.text()).includes("older"));
    older.letGo();
    await come;
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    expect(await row.getByText("newer").count()).toBe(1);
    further.letGo();
    await row.getByText("further").waitFor();
  });

  it("lets the moment that is looked at stay, while the history is read once more at the run's end", async () => {
    const run = at.served.recorded[PATH] as { treatments: object[] };
    const history = at.served.recorded[`${PATH}/history`];
    const again = held(history);
    const changes = held({ run: { state: "failed" }, treatments: [], reload: false, after: "2" });
    at.served.instead.set(PATH, { ...run, state: "running" });
    at.served.instead.set(`${PATH}/changes`, (url: URL) =>
      url.searchParams.get("after")
        ? changes.wait()
        : { run: { state: "running" }, treatments: [], reload: false, after: "1" },
    );
    const { page } = await open(PAGES["run at a moment"]);
    const slider = page.getByRole("slider", { name: "Moment of the run" });
    const moment = await slider.getAttribute("aria-valuetext");
    expect(moment).toMatch(/after it was created$/);
    await changes.isAsked;
    at.served.instead.set(`${PATH}/history`, again.wait);
    changes.letGo();
    await page.getByRole("button", { name: "Rerun failed" }).waitFor();
    await again.isAsked;
    expect(await slider.getAttribute("aria-valuetext")).toBe(moment);
    again.letGo();
  });

  it("leaves no empty table where fewer treatments were there at a moment", async () => {
    const run = at.served.recorded[PATH] as { treatments: object[] };
    const name = (n: number) => `t${String(n).padStart(4, "0")}`;
    const treatments = Array.from({ length: 480 }, (_, n) => ({ ...run.treatments[0], name: name(n) }));
    const since = (n: number) => (n < 200 ? "2026-11-30T05:10:45.000Z" : "2026-11-30T05:11:30.000Z");
    at.served.instead.set(PATH, { ...run, treatments });
    at.served.instead.set(`${PATH}/history`, {
      treatments: treatments.map((one, n) => ({
        name: one.name,
        changes: [{ at: since(n), attempt: 1, state: "running" }],
      })),
      next: null,
    });
    const { page } = await open(`/ui/runs/${RUN}`);
    const table = page.getByRole("region", { name: "Table of treatments" });
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await table.getByRole("link", { name: name(479) }).waitFor();
    await table.evaluate((element) => {
      element.addEventListener("scroll", () => {
        element.setAttribute("data-scrolled", `${element.getAttribute("data-scrolled") ?? ""}.`);
      });
    });
    await page.getByRole("slider", { name: "Moment of the run" }).fill("1000");
    await page.getByText("200 succeeded").waitFor();
    await table.getByRole("link", { name: name(199) }).waitFor();
    // To the last row at once, not through empty ones.
    expect((await table.getAttribute("data-scrolled"))?.length).toBeLessThan(4);
  });

  it("leaves the slider of a value where it is: the next piece takes the place of what is shown", async () => {
    const value = `${PATH}/treatments/export/outputs/rows`;
    const content = at.served.recorded[value] as object;
    const piece = held({ ...content, size: 40_000, offset: 16 });
    at.served.instead.set(value, (url: URL) =>
      url.searchParams.get("offset") === "0" ? { ...content, size: 40_000 } : piece.wait(),
    );
    const { page } = await open(PAGES.value);
    const slider = page.getByLabel("Offset in bytes");
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await piece.isAsked;
    await page.getByRole("heading", { name: /^Bytes 0 to / }).waitFor();
    piece.letGo();
    await page.getByRole("heading", { name: /^Bytes 16 to / }).waitFor();
    expect(await slider.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it("tells the critical path of the moment that is shown", async () => {
    const { page } = await open(PAGES["run at a moment"]);
    // `total` boots, `audit` runs since `export` has ended.
    await page.getByText("export → audit, 30 s").waitFor();
    expect(await page.locator(".bar-critical").count()).toBe(2);
    await page.locator(".travel").getByRole("button", { name: "To the end" }).click();
    await page.getByText("rates → total, 45 s").waitFor();
  });

  it("is no shape of a graph that stays the same: of a run that goes on only its critical path is read again", async () => {
    const asked: (string | null)[] = [];
    at.served.instead.set(PATH, { ...(at.served.recorded[PATH] as object), state: "running" });
    at.served.instead.set(`${PATH}/changes`, { run: { state: "running" }, treatments: [], reload: false, after: "1" });
    at.served.instead.set(`${PATH}/graph`, (url: URL) => {
      const graph = at.served.recorded[`${PATH}/graph`] as object;
      asked.push(url.searchParams.get("only"));
      return url.searchParams.has("only") ? { ...graph, nodes: [], edges: [] } : graph;
    });
    const { page } = await open(`/ui/runs/${RUN}`);
    await expect
      .poll(() => asked.filter((only) => only === "critical_path").length, { timeout: PATIENCE })
      .toBeGreaterThan(1);
    expect(asked.filter((only) => only === null)).toHaveLength(1);
    await page.getByRole("img", { name: "Graph of 6 treatments." }).waitFor();
  });

  it("marks the same line after earlier ones were read, and stays there", async () => {
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, 50_000, (index) => logLine(index, `line number ${index + 1}`)),
    );
    const { page } = await open(`/ui/runs/${RUN}/t/total`);
    await page.getByText("50,000 lines").waitFor();
    await page.getByRole("searchbox", { name: "Find in the log (regular expression)" }).fill("line");
    await page.keyboard.press("Enter");
    await page.getByText("50,000 lines").waitFor();
    await page.getByRole("button", { name: "To the end" }).click();
    await page.getByLabel("Go to a line, a range of lines or a time").fill("40000");
    await page.keyboard.press("Enter");
    const marked = page.locator(".log-row.marked .log-number");
    await marked.getByText("40000").waitFor();
    const count = await page.locator(".logs [role=status]").first().textContent();
    await page.getByRole("button", { name: "Read earlier lines" }).click();
    await page.waitForFunction(
      (before) => document.querySelector(".logs [role=status]")?.textContent !== before,
      count,
    );
    await marked.getByText("40000").waitFor();
  });

  it("says nothing of an error that was looked for in another log", async () => {
    const never = held(undefined);
    at.served.instead.set(`${PATH}/logs`, (url: URL) => {
      const page = logPage(url, 30, (index) => ({ ...logLine(index, `line ${index + 1}`), level: "info" }));
      return url.searchParams.get("level") === "error" && url.searchParams.get("limit") === "1" ? never.wait() : page;
    });
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.getByText("30 lines").waitFor();
    await page.keyboard.press("e");
    await never.isAsked;
    const failed = page.waitForEvent("requestfailed");
    await page.getByRole("button", { name: "info", exact: true }).click();
    await failed;
    await page.getByText("30 lines").waitFor();
    expect(await alerts(page)).toBe(0);
    // Nor of one log in the next.
    await page.keyboard.press("e");
    await page.getByText("No line of it is an error.").waitFor();
    await page.getByRole("button", { name: "info", exact: true }).click();
    await page.getByText("No line of it is an error.").waitFor({ state: "hidden" });
    never.letGo();
  });

  it("shows the lines of its instances where a group is chosen", async () => {
    const run = at.served.recorded[PATH] as { treatments: { name: string }[] };
    const graph = at.served.recorded[`${PATH}/graph`] as { nodes: { name: string }[] };
    const total = run.treatments.find(({ name }) => name === "total");
    const names = ["total:linux", "total:mac"];
    const treatments = [...run.treatments, ...names.map((name) => ({ ...total, name }))];
    at.served.instead.set(PATH, { ...run, treatments });
    at.served.instead.set(`${PATH}/graph`, {
      ...graph,
      nodes: graph.nodes.map((node) => (node.name === "total" ? { ...node, instances: { failed: 2 } } : node)),
    });
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, 9, (index) => ({
        ...logLine(index, index < 2 ? "::group::Build" : `line ${index + 1}`),
        treatment: ["total:linux", "total:mac", "export"][index % 3] as string,
      })),
    );
    const { page, faults } = await open(`/ui/runs/${RUN}?t=total`);
    await page.getByText("6 lines", { exact: true }).waitFor();
    // Which instance wrote a line is said, and lines of several are in no common group.
    expect(await page.locator(".log-treatment").allTextContents()).toEqual([...names, ...names, ...names]);
    expect(await page.locator(".log-group").count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
