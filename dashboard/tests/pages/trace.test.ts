// A value is followed back to where it came from and on to where it went, over treatments and runs.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { canRun, openPage, PATIENCE } from "./browser.ts";
import { PAGES, RUN, TRACED } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${TRACED}/provenance`;

interface Node {
  id: string;
  kind: string;
  next: string | null;
  cut: boolean;
  part?: object;
}

interface Trace {
  nodes: Node[];
}

describe.skipIf(!canRun)("the page of a trace", { timeout: PATIENCE }, () => {
  const at = setting();
  const open = (path: string) => openPage(at, path);
  const query = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams);
  const step = (page: Page, text: RegExp) => page.getByRole("listitem").filter({ hasText: text });

  it("leads from a byte to the line that it came of, and on to what that line had an effect on", async () => {
    const { page, faults } = await open(PAGES.trace);
    await page.getByRole("heading", { name: "Trace of amount.n, byte 4" }).waitFor();
    await step(page, /^in ←.*rows\.out.*line 3.*all lines sent are in it, in order/).waitFor();
    await page.getByText("4 values of 4 treatments on 3 runners in 1 run").waitFor();
    await page.getByRole("button", { name: "Where it went" }).click();
    expect(query(page)).toEqual({ port: "amount.n", offset: "4", direction: "forward" });
    // The way on is another page, with an address of its own.
    await page.goto(`${at.served.url}${PAGES["trace of a line forward"]}`);
    await step(page, /run of ship-/).waitFor();
    await page.getByRole("link", { name: "another run" }).first().waitFor();
    await page.getByRole("button", { name: /^Follow the line at byte 17: cherry -7/, pressed: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it("follows another line by keyboard, and a byte that is written", async () => {
    const { page } = await open(PAGES["trace of a line forward"]);
    const whole = at.served.recorded[`${PATH}#forward`] as Trace;
    const [start, ...rest] = whole.nodes as [Node, ...Node[]];
    at.served.instead.set(PATH, (url: URL) => {
      const offset = Number(url.searchParams.get("offset"));
      return { ...whole, nodes: [{ ...start, part: { ...start.part, offset, line: null } }, ...rest] };
    });
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    await page.route(
      (url) => url.pathname === PATH && url.searchParams.get("offset") === "0",
      async (route) => {
        await arrived;
        await route.continue();
      },
    );
    const line = page.getByRole("button", { name: /^Follow the line at byte 0: apple 3/ });
    await line.focus();
    const asked = page.waitForRequest(
      (request) => request.url().includes(`${PATH}?`) && request.url().includes("offset=0"),
    );
    await page.keyboard.press("Enter");
    await asked;
    expect(query(page)).toEqual({ port: "rows.out", offset: "0", direction: "forward" });
    await page.keyboard.press("o");
    const byte = page.getByRole("spinbutton", { name: "Byte to follow" });
    await byte.fill("20");
    // What is typed stays when the answer to the step before arrives, and so does the focus.
    arrive();
    await page.getByRole("heading", { name: "Trace of rows.out, byte 0" }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/offset=20/);
    await page.getByRole("button", { name: "Whole value" }).click();
    expect(query(page)).toEqual({ port: "rows.out", direction: "forward" });
  });

  it("marks the step of the address, and reads further neighbours of a node", async () => {
    const whole = at.served.recorded[`${PATH}#forward`] as Trace;
    const [start, ...rest] = whole.nodes;
    at.served.instead.set(PATH, (url: URL) =>
      url.searchParams.has("cursor")
        ? whole
        : { ...whole, nodes: [{ ...start, next: "further" }, ...rest.filter((node) => node.kind !== "run")] },
    );
    const { page, faults } = await open(
      `${PAGES["trace of a line forward"]}&node=${encodeURIComponent(`treatment:${TRACED}/total`)}`,
    );
    await page.locator(".steps li.selected").getByRole("link", { name: "total", exact: true }).first().waitFor();
    expect(await step(page, /run of ship-/).count()).toBe(0);
    await page.getByRole("button", { name: "More of rows.out" }).click();
    await step(page, /run of ship-/).waitFor();
    expect(await page.getByRole("button", { name: "More of rows.out" }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it("is reached from a value and from the reason of a failure", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    const panel = page.getByRole("region", { name: "Why" });
    const back = await panel.getByRole("link", { name: "Trace it back" }).getAttribute("href");
    expect(back).toBe(`/ui/runs/${RUN}/trace?line=1%3A9`);
    const input = await panel.getByRole("link", { name: "Trace export.rows" }).getAttribute("href");
    expect(input).toBe(`/ui/runs/${RUN}/trace?port=export.rows`);
    await page.goto(`${at.served.url}/ui/runs/${RUN}/v/export.rows?offset=32`);
    const on = await page.getByRole("link", { name: "Where it went" }).getAttribute("href");
    expect(on).toBe(`/ui/runs/${RUN}/trace?port=export.rows&offset=32&direction=forward`);
  });
});
