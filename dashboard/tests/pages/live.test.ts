// What a page keeps while its connection, its tab or the whole stack goes away: nothing is lost, nothing comes twice.
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { canRun, openPage, PATIENCE } from "./browser.ts";
import { logLine, logPage } from "./lines.ts";
import { Kept, PAGES, RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

interface Run {
  state: string;
  treatments: { name: string; state: string }[];
}

describe.skipIf(!canRun)("a page that follows a run", { timeout: PATIENCE }, () => {
  const at = setting();
  /** How many lines are written so far, and the run as it is now; each change of the run has a number. */
  let written = 0;
  let now: Run;
  let version = 1;

  beforeEach(() => {
    at.served.isCut = false;
    written = 3;
    version = 1;
    now = { ...(at.served.recorded[PATH] as Run), state: "running" };
    at.served.instead.set(PATH, () => now);
    at.served.instead.set(`${PATH}/changes`, (url: URL) => {
      const after = url.searchParams.get("after");
      const { treatments, ...run } = now;
      return { run, treatments: after === String(version) ? [] : treatments, reload: false, after: String(version) };
    });
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, written, (index) => logLine(index, `tick ${index}`)),
    );
  });

  function end(name: string, state: string): void {
    now = { ...now, treatments: now.treatments.map((one) => (one.name === name ? { ...one, state } : one)) };
    version += 1;
  }

  async function expectLines(page: Page, count: number): Promise<void> {
    await page.getByText(`tick ${count - 1}`, { exact: true }).waitFor();
    const found = await page.locator(".log-text").allTextContents();
    expect(found).toEqual(Array.from({ length: count }, (_, at) => `tick ${at}`));
  }

  async function expectState(page: Page, name: string, state: string): Promise<void> {
    await page
      .getByRole("row", { name: new RegExp(`^${name}`) })
      .getByText(state)
      .waitFor();
    expect(await page.getByRole("row", { name: new RegExp(`^${name}`) }).count()).toBe(1);
    expect(await page.locator(".treatments tbody tr").count()).toBe(now.treatments.length);
  }

  it("goes on where it was after the stack was away", async () => {
    const { page, faults } = await openPage(at, `/ui/runs/${RUN}`);
    await expectLines(page, 3);
    at.served.isCut = true;
    await page.getByText("Cadence does not answer.").first().waitFor();
    // What was shown stays.
    await expectLines(page, 3);
    written = 7;
    end("audit", "timed_out");
    at.served.isCut = false;
    await expectLines(page, 7);
    await expectState(page, "audit", "timed out");
    await page.getByText("Cadence does not answer.").first().waitFor({ state: "hidden" });
    expect(faults).toEqual([]);
  });

  it("shows what is not live as well, once Cadence can be reached", async () => {
    const { page } = await openPage(at, "/ui/pipelines");
    await page.getByRole("link", { name: "orders" }).first().waitFor();
    await page.route("**/v1/**", (route) => route.abort("internetdisconnected"));
    await page.reload();
    await page.getByText("Cadence does not answer.").first().waitFor();
    await page.unroute("**/v1/**");
    await page.getByRole("link", { name: "orders" }).first().waitFor();
  });

  it("has what has ended sent once, and asks whether it still holds", async () => {
    const ended = new Kept(at.served.recorded[`/v1/runs/${RUN}`]);
    at.served.instead.set(`/v1/runs/${RUN}`, ended);
    const { page, faults } = await openPage(at, PAGES["failed run"]);
    await page.getByRole("heading", { name: "Why" }).waitFor();
    const { sent, asked } = ended;
    expect(sent).toBe(1);
    await page.reload();
    await page.getByRole("heading", { name: "Why" }).waitFor();
    expect(ended.sent).toBe(1);
    expect(ended.asked).toBeGreaterThan(asked);
    expect(faults).toEqual([]);
  });

  it("has everything once a hidden tab is shown again", async () => {
    const { page } = await openPage(at, `/ui/runs/${RUN}`);
    await expectLines(page, 3);
    const see = (hidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await see(true);
    written = 5;
    end("audit", "lost");
    written = 9;
    await see(false);
    await expectLines(page, 9);
    await expectState(page, "audit", "lost");
  });

  it("takes deltas by WebSocket, reads after a gap, and polls once the connection is gone", async () => {
    at.served.instead.set("/v1/live/tickets", {
      ticket: "once",
      url: "/v1/live/socket",
      expires_at: "2126-11-30T05:00:00Z",
    });
    const { page, faults } = await openPage(at, "/ui/search");
    const asked: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/changes?after")) asked.push(request.url());
    });
    let number = 4;
    let push: (message: { number: number; treatments: object[] }) => void = () => {};
    let close = () => {};
    let watch: () => void = () => {};
    const watched = new Promise<void>((resolve) => {
      watch = resolve;
    });
    await page.routeWebSocket("**/v1/live/socket", (socket) => {
      push = (message) => {
        number = message.number;
        socket.send(JSON.stringify({ kind: "states", run: RUN, state: {}, ...message }));
      };
      close = () => void socket.close();
      socket.onMessage((text) => {
        const { action, ...rest } = JSON.parse(String(text)) as { action: string };
        if (action === "ping") socket.send(JSON.stringify({ kind: "pong", runs: { [RUN]: number } }));
        if (action !== "watch") return;
        expect(rest).toEqual({ run: RUN, ticket: "once" });
        socket.send(JSON.stringify({ kind: "watching", run: RUN, number }));
        watch();
      });
    });
    await page.goto(`${at.served.url}/ui/runs/${RUN}`);
    await watched;
    // The position is read once more after the connection is made.
    await expect.poll(() => asked.some((url) => !url.includes("wait=2")), { timeout: PATIENCE }).toBe(true);

    const one = now.treatments.find((treatment) => treatment.name === "audit") as Run["treatments"][0];
    now = {
      ...now,
      treatments: now.treatments.map((other) => (other === one ? { ...one, state: "timed_out" } : other)),
    };
    // By HTTP it is not to be had: the position is still the same.
    push({ number: 5, treatments: [{ ...one, state: "timed_out" }] });
    await expectState(page, "audit", "timed out");

    end("audit", "lost");
    push({ number: 7, treatments: [] });
    await expectState(page, "audit", "lost");

    end("rates", "cancelled");
    close();
    await expectState(page, "rates", "cancelled");
    expect(faults).toEqual([]);
  });

  it("reads a run again that was changed by more than can be told", async () => {
    const { page } = await openPage(at, `/ui/runs/${RUN}`);
    await expectLines(page, 3);
    end("rates", "failed");
    at.served.instead.set(`${PATH}/changes`, () => ({
      run: now,
      treatments: [],
      reload: true,
      after: String(version),
    }));
    await expectState(page, "rates", "failed");
  });
});
