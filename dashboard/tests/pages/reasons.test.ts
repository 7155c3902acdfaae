// What helps to decide: since when it breaks, what instances have in common, resources, alerts' rules, a new run.
import { describe, expect, it } from "vitest";
import { canRun, isCut, openPage, PATIENCE, violations } from "./browser.ts";
import { RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

describe.skipIf(!canRun)("what helps to decide", { timeout: PATIENCE }, () => {
  const at = setting();

  it("tells since when a pipeline breaks, and which runs have the same error", async () => {
    const of = (run_id: string, state: string) => ({
      ...(at.served.recorded["/v1/runs"] as { items: object[] }).items[0],
      run_id,
      state,
      created_at: new Date(Date.now() - 3 * 3_600_000).toISOString(),
    });
    const items = [of(RUN, "failed"), of("01m8ndr", "failed"), of("01m8ndq", "succeeded")];
    at.served.instead.set(`${PATH}/last-passed`, { run_id: "01m8ndq" });
    at.served.instead.set("/v1/runs", { items, next: null });
    const counts = [RUN, "01m8ndr"].map((value) => ({ start: null, value, lines: 1 }));
    at.served.instead.set("/v1/logs/counts", { counts, complete: true });
    const { page, faults } = await openPage(at, `/ui/runs/${RUN}`);
    const why = page.getByRole("region", { name: "Why" });
    await why.getByText("Since 3 h ago: 2 runs broke; the last that passed.").waitFor();
    expect(await why.getByRole("link", { name: "3 h ago" }).getAttribute("href")).toBe("/ui/runs/01m8ndr");
    await why.getByRole("link", { name: "The same error in 2 runs" }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it("tells on the run's page what failed instances have in common", async () => {
    const run = at.served.recorded[PATH] as { treatments: Record<string, unknown>[] };
    const total = run.treatments.find(({ name }) => name === "total");
    const systems = ["linux 1", "mac 1", "mac 2", "linux 2"];
    const instances = systems.map((matrix) => ({
      ...total,
      name: `total:${matrix}`,
      state: matrix.startsWith("mac") ? "failed" : "succeeded",
    }));
    at.served.instead.set(PATH, { ...run, treatments: [...run.treatments, ...instances] });
    for (const { name } of instances)
      at.served.instead.set(
        `${PATH}/treatments/${encodeURIComponent(name)}`,
        at.served.recorded[`${PATH}/treatments/total`],
      );
    const items = instances.map(({ name, state }) => {
      const [os, version] = name.slice("total:".length).split(" ");
      return { name, state, soft_failed: false, matrix: { os, version } };
    });
    at.served.instead.set(`${PATH}/treatments/total/instances`, { items, next: null });
    const { page, faults } = await openPage(at, `/ui/runs/${RUN}`);
    const why = page.getByRole("region", { name: "Why" });
    await why.getByText("Of total: All failed instances have os = mac, and all instances with it failed.").waitFor();
    // The group broke because of its instances.
    expect(await why.getByRole("heading", { level: 3 }).allTextContents()).toEqual([
      expect.stringMatching(/^total:mac 1/),
      expect.stringMatching(/^total:mac 2/),
    ]);
    await why.getByText("As a consequence 3 treatments did not succeed").waitFor();
    expect(faults).toEqual([]);
  });

  it.each([1440, 320])("shows instances and resources, %i pixels wide", async (width) => {
    const name = `${PATH}/treatments/total`;
    const total = at.served.recorded[name] as { spec: object };
    at.served.instead.set(name, { ...total, spec: { ...total.spec, kind: "gather" } });
    const instance = (os: string, state: string) => ({
      name: `total:${os}`,
      state,
      cause: null,
      exit_code: state === "failed" ? 2 : 0,
      soft_failed: false,
      attempt: 1,
      pool: "local",
      matrix: { os },
      element: null,
      times: { ran: 3.2 },
      usage: { memory_peak: 48_000_000 },
      outputs: {},
    });
    const items = [instance("linux", "succeeded"), instance("mac", "failed"), instance("bsd", "succeeded")];
    at.served.instead.set(`${name}/instances`, { items, next: null });
    const sample = (second: number, cpu_ms: number, memory: number) => ({
      at: new Date(1_000 * second).toISOString(),
      cpu_ms,
      memory,
      disk_bytes: null,
    });
    at.served.instead.set(`${name}/resources`, {
      attempt: 1,
      samples: [sample(0, 0, 20_000_000), sample(2, 3_000, 90_000_000), sample(4, 3_500, 60_000_000)],
      limits: { cpu: 2_000, memory: 512_000_000, disk: null, enforced: true, machine_cpu: null, machine_memory: null },
    });
    const { page, faults } = await openPage(at, `/ui/runs/${RUN}/t/total`, { width });
    await page.getByText("All failed instances have os = mac, and all instances with it failed.").waitFor();
    expect(await page.getByRole("region", { name: "Instances" }).locator("tbody th").allTextContents()).toEqual([
      "total:mac",
      "total:linux",
      "total:bsd",
    ]);
    await page.getByText("CPU 1.50 cores at most of 2.00 cores").waitFor();
    await page.getByText("Memory 90 MB at most of 512 MB").waitFor();
    expect(await isCut(page)).toBe(false);
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
    if (process.env.PICTURES)
      await page.screenshot({ path: `${process.env.PICTURES}/treatment-${width}.png`, fullPage: true });
  });

  it.each([1440, 320])("tries rules and silences alerts, %i pixels wide", async (width) => {
    const rule = { when: { run: {} }, channels: ["team"], description: "Look at the first error." };
    const one = { project: "default", name: "a-run-failed", rule, revision: 1, open_alerts: 2, updated_by: "ada" };
    at.served.instead.set("/v1/alerts/rules", { items: [one], next: null });
    at.served.instead.set("/v1/alerts/dry-runs", { fired: 3, runs: 40, complete: true, alerts: [], messages: {} });
    let posted: Record<string, unknown> = {};
    const { page, faults } = await openPage(at, "/ui/alerts", { width });
    await page.route("**/v1/alerts/silences", async (route) => {
      if (route.request().method() === "POST") posted = route.request().postDataJSON();
      await route.fallback();
    });
    await page.getByRole("button", { name: "Try a-run-failed" }).click();
    await page.getByText("would have fired 3 times, over 40 runs").waitFor();
    await page.getByText("Silence alerts").click();
    await page.getByLabel("Rule (optional)").fill("a-run-failed");
    await page.getByRole("button", { name: "Silence", exact: true }).click();
    await page.getByText(/^Alerts of default are kept, and sent after/).waitFor();
    expect(posted).toMatchObject({ project: "default", where: { rule: "a-run-failed" } });
    expect(Date.parse(String(posted.ends_at)) - Date.now()).toBeGreaterThan(1.9 * 3_600_000);
    expect(await isCut(page)).toBe(false);
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
    if (process.env.PICTURES)
      await page.screenshot({ path: `${process.env.PICTURES}/alerts-${width}.png`, fullPage: true });
  });

  it("starts a run of a pipeline with parameters", async () => {
    at.served.instead.set("/v1/projects/default/pipelines/orders/runs", { run_id: RUN, state: "pending" });
    let posted: unknown = null;
    const { page, faults } = await openPage(at, "/ui/pipelines/default/orders");
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/orders/runs")) posted = request.postDataJSON();
    });
    await page.getByText("Start a run").click();
    const parameters = page.getByLabel("Parameters, one NAME=VALUE a line");
    await parameters.fill("fifth");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByText('"fifth" is none').waitFor();
    await parameters.fill("fifth=twelve");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.waitForURL(`**/ui/runs/${RUN}`);
    expect(posted).toEqual({ parameters: { fifth: "twelve" }, version: null });
    expect(faults).toEqual([]);
  });
});
