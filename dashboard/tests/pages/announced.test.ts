// What is announced by WebSocket: the page reads it then, and asks for nothing in between.
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { canRun, isCut, openPage, PATIENCE, violations } from "./browser.ts";
import { logLine, logPage } from "./lines.ts";
import { RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

describe.skipIf(!canRun)("what is announced", { timeout: PATIENCE }, () => {
  const at = setting();

  beforeEach(() => {
    at.served.instead.set("/v1/live/tickets", {
      ticket: "once",
      url: "/v1/live/socket",
      expires_at: "2126-11-30T05:00:00Z",
    });
  });

  /** Takes the page's connection; returns what sends a message there, once it watches. */
  async function connected(
    page: Page,
    subject: object,
  ): Promise<{ send: (message: object) => void; ready: Promise<void> }> {
    let send: (message: object) => void = () => {};
    let isReady: () => void = () => {};
    const ready = new Promise<void>((resolve) => {
      isReady = resolve;
    });
    await page.routeWebSocket("**/v1/live/socket", (socket) => {
      send = (message) => socket.send(JSON.stringify(message));
      socket.onMessage((text) => {
        const message = JSON.parse(String(text)) as { action: string };
        if (message.action === "ping") send({ kind: "pong", runs: {} });
        if (message.action !== "watch") return;
        expect(message).toEqual({ action: "watch", ticket: "once", ...subject });
        send({ kind: "watching", number: 1, ...subject });
        isReady();
      });
    });
    return { send: (message) => send(message), ready };
  }

  function asked(page: Page, part: string): string[] {
    const found: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes(part)) found.push(request.url());
    });
    return found;
  }

  it("reads lines of a run when there are new ones", async () => {
    let written = 3;
    at.served.instead.set(PATH, { ...(at.served.recorded[PATH] as object), state: "running" });
    at.served.instead.set(`${PATH}/changes`, { run: {}, treatments: [], reload: false, after: "1" });
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, written, (index) => logLine(index, `tick ${index}`)),
    );
    const { page, faults } = await openPage(at, "/ui/search");
    const socket = await connected(page, { run: RUN });
    const requests = asked(page, `${PATH}/logs?after`);
    await page.goto(`${at.served.url}/ui/runs/${RUN}`);
    await socket.ready;
    await page.getByText("tick 2", { exact: true }).waitFor();
    await expect.poll(() => requests.at(-1), { timeout: PATIENCE }).toContain("wait=0");
    const before = requests.length;
    written = 5;
    await page.waitForTimeout(1_000);
    expect(requests.length).toBe(before);
    socket.send({ kind: "new", of: "lines", run: RUN });
    await page.getByText("tick 4", { exact: true }).waitFor();
    expect(await page.locator(".log-text").allTextContents()).toEqual([0, 1, 2, 3, 4].map((index) => `tick ${index}`));
    expect(faults).toEqual([]);
  });

  it("reads the list of runs when it has changed", async () => {
    const list = at.served.recorded["/v1/runs"] as { items: { pipeline: string; run_id: string }[] };
    let items = list.items;
    at.served.instead.set("/v1/runs", () => ({ ...list, items, version: String(items.length) }));
    const { page, faults } = await openPage(at, "/ui/search");
    const socket = await connected(page, {});
    const requests = asked(page, "/v1/runs?");
    await page.goto(`${at.served.url}/ui/runs`);
    await socket.ready;
    await expect.poll(() => requests.at(-1), { timeout: PATIENCE }).toContain("wait=0");
    await page.waitForTimeout(500);
    const before = requests.length;
    items = [{ ...(items[0] as (typeof items)[0]), run_id: "01new", pipeline: "brand-new" }, ...items];
    await page.waitForTimeout(2_500);
    expect(requests.length).toBe(before);
    socket.send({ kind: "new", of: "runs" });
    await page.getByRole("link", { name: "brand-new" }).waitFor();
    expect(faults).toEqual([]);
  });

  it("keeps its connection from the list to a run and to a treatment", async () => {
    at.served.instead.set(PATH, { ...(at.served.recorded[PATH] as object), state: "running" });
    at.served.instead.set(`${PATH}/changes`, { run: {}, treatments: [], reload: false, after: "1" });
    const total = { ...(at.served.recorded[`${PATH}/treatments/total`] as object), state: "running" };
    at.served.instead.set(`${PATH}/treatments/total`, total);
    const { page, faults } = await openPage(at, "/ui/search");
    const sent: object[] = [];
    let sockets = 0;
    await page.routeWebSocket("**/v1/live/socket", (socket) => {
      sockets += 1;
      socket.onMessage((text) => {
        const { action, run, ticket } = JSON.parse(String(text)) as { action: string; run?: string; ticket?: string };
        sent.push({ action, run, ticket });
        if (action === "watch") socket.send(JSON.stringify({ kind: "watching", run, number: 1 }));
      });
    });
    await page.goto(`${at.served.url}/ui/runs`);
    await expect.poll(() => sent.length, { timeout: PATIENCE }).toBe(1);
    await page.locator(`a[href="/ui/runs/${RUN}"]`).first().click();
    await expect.poll(() => sent.length, { timeout: PATIENCE }).toBeGreaterThanOrEqual(2);
    // The list is not watched any more, the run is.
    await expect.poll(() => sent, { timeout: PATIENCE }).toContainEqual({ action: "unwatch" });
    await page.locator(`a[href="/ui/runs/${RUN}/t/total"]`).first().click();
    await expect
      .poll(() => sent, { timeout: PATIENCE })
      .toEqual([
        { action: "watch", ticket: "once" },
        { action: "watch", run: RUN },
        { action: "unwatch" },
        { action: "watch", run: RUN },
      ]);
    expect(sockets).toBe(1);
    expect(faults).toEqual([]);
  });

  it("spends at most half of the time on a list that changes all the time", async () => {
    at.served.instead.set("/v1/runs", { ...(at.served.recorded["/v1/runs"] as object), version: "1" });
    const { page, faults } = await openPage(at, "/ui/search");
    const socket = await connected(page, {});
    await page.route("**/v1/runs?*", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      await route.continue();
    });
    const requests = asked(page, "/v1/runs?");
    await page.goto(`${at.served.url}/ui/runs`);
    await socket.ready;
    await expect.poll(() => requests.at(-1), { timeout: PATIENCE }).toContain("version=1&wait=0");
    const before = requests.length;
    for (let time = 0; time < 2_000; time += 20) {
      socket.send({ kind: "new", of: "runs" });
      await page.waitForTimeout(20);
    }
    const asks = requests.length - before;
    expect(asks).toBeGreaterThan(1);
    expect(asks).toBeLessThan(8);
    expect(faults).toEqual([]);
  });

  it.each([1440, 320])("shows what flows over an edge, %i pixels wide", async (width) => {
    const graph = at.served.recorded[`${PATH}/graph`] as { edges: { source: string; flow: string }[] };
    const run = at.served.recorded[PATH] as { treatments: { name: string; state: string }[] };
    at.served.instead.set(`${PATH}/graph`, {
      ...graph,
      edges: graph.edges.map((edge) => (edge.source === "export" ? { ...edge, flow: "stream" } : edge)),
    });
    at.served.instead.set(PATH, {
      ...run,
      state: "running",
      treatments: run.treatments.map((one) => (one.name === "export" ? { ...one, state: "running" } : one)),
    });
    at.served.instead.set(`${PATH}/changes`, { run: {}, treatments: [], reload: false, after: "1" });
    let size = 4_000_000;
    at.served.instead.set(`${PATH}/treatments/export/flows`, () => ({
      items: [{ port: "rows", size, ended: false, readers: [{ treatment: "total", behind: 1_200_000 }] }],
    }));
    const { page, faults } = await openPage(at, `/ui/search`, { width });
    const socket = await connected(page, { run: RUN });
    await page.goto(`${at.served.url}/ui/runs/${RUN}`);
    await socket.ready;
    const flows = page.getByRole("list", { name: "What flows" }).getByRole("listitem");
    await flows.first().waitFor();
    size = 9_000_000;
    await page.waitForTimeout(500);
    socket.send({ kind: "new", of: "flows", run: RUN });
    await flows.filter({ hasText: "9.0 MB" }).first().waitFor();
    expect(await flows.allTextContents()).toEqual([
      expect.stringMatching(/^export\.rows to total 9\.0 MB · [\d.]+ (kB|MB)\/s · 1\.2 MB behind$/),
      expect.stringMatching(/^export\.rows to audit 9\.0 MB · [\d.]+ (kB|MB)\/s$/),
    ]);
    // Nothing announces that a stream stalls.
    await flows.filter({ hasText: "9.0 MB · stalled · 1.2 MB behind" }).first().waitFor();
    expect(await isCut(page)).toBe(false);
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
    if (process.env.PICTURES)
      await page.screenshot({ path: `${process.env.PICTURES}/flows-${width}.png`, fullPage: true });
  });
});
