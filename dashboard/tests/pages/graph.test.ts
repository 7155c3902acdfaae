// The graph of a run: always there, with its groups and the critical path.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { canRun, isCut, openPage, PATIENCE, violations } from "./browser.ts";
import { serveMany } from "./many.ts";
import { RUN } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

describe.skipIf(!canRun)("the graph of a run", { timeout: PATIENCE }, () => {
  const at = setting();
  const open = (path: string, width = 1440) => openPage(at, path, { width });
  const strip = (page: Page) => page.getByRole("group", { name: "Graph of the run, small" });

  /** Whether all of an element is on the screen, and nothing else over its middle. */
  const isInView = (page: Page, selector: string) =>
    page.locator(selector).evaluate((element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight && element.contains(over);
    });

  /** Whether something is drawn on a canvas. */
  const isDrawn = (page: Page, selector: string) =>
    page.waitForFunction((wanted) => {
      const canvas = document.querySelector<HTMLCanvasElement>(wanted);
      const context = canvas?.width ? canvas.getContext("2d") : null;
      const all = canvas && context?.getImageData(0, 0, canvas.width, canvas.height).data;
      return all?.some((value) => value > 0);
    }, selector);

  for (const width of [1440, 800, 320]) {
    it(`is in view from the reason to the end of the log, ${width} pixels wide`, async () => {
      const { page, faults } = await open(`/ui/runs/${RUN}`, width);
      await isDrawn(page, ".strip canvas");
      expect(await isInView(page, ".strip canvas")).toBe(true);
      await page.locator(".log-foot").scrollIntoViewIfNeeded();
      await strip(page).waitFor();
      expect(await isInView(page, ".strip canvas")).toBe(true);
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      expect(await isInView(page, ".strip canvas")).toBe(true);
      expect(await isCut(page)).toBe(false);
      expect(await violations(page)).toEqual([]);
      // The large one takes its place.
      await page.keyboard.press("v");
      await strip(page).waitFor({ state: "hidden" });
      expect(await isInView(page, ".graph canvas")).toBe(true);
      expect(faults).toEqual([]);
    });
  }

  it("chooses treatments by keyboard, and by a click on the strip", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    await strip(page).getByRole("button", { name: "The next treatment" }).waitFor();
    await page.keyboard.press("n");
    await strip(page).getByText("export").waitFor();
    await page.keyboard.press("n");
    await page.keyboard.press("n");
    await page.keyboard.press("p");
    await strip(page).getByText("rates").waitFor();
    expect(new URL(page.url()).searchParams.get("t")).toBe("rates");
    const canvas = strip(page).getByRole("img", { name: "Graph: 1 failed, 2 skipped, 3 succeeded" });
    await isDrawn(page, ".strip canvas");
    // The second column has `audit` above `total`.
    const box = await canvas.boundingBox();
    await page.mouse.click((box?.x ?? 0) + 8 + 72 + 10, (box?.y ?? 0) + 36);
    await strip(page).getByText("total").waitFor();
    // Its buttons are in view wherever the page is: it stays there.
    const place = await page.evaluate(() => scrollY);
    await strip(page).getByRole("button", { name: "The next treatment" }).focus();
    expect(await page.evaluate(() => scrollY)).toBe(place);
  });

  it("hides nothing that has the focus", async () => {
    const { page } = await open(`/ui/runs/${RUN}`, 800);
    await isDrawn(page, ".strip canvas");
    for (let pressed = 0; pressed < 60; pressed++) {
      await page.keyboard.press("Tab");
      const hidden = await page.evaluate(() => {
        const [element, bar] = [document.activeElement, document.querySelector(".strip:not([data-unneeded])")];
        if (!element || !bar || bar.contains(element) || element === document.body) return "";
        const below = element.getBoundingClientRect().top >= bar.getBoundingClientRect().top;
        return below ? (element.textContent ?? element.tagName) : "";
      });
      expect(hidden).toBe("");
    }
  });

  it("tells the critical path in words, with what each of its steps did", async () => {
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.getByText("rates → total, 45 s").waitFor();
    await page.getByText("28 s queued, 924 ms booting, 16 s running").waitFor();
    await page.getByText("Critical path:").click();
    const row = page.locator(".critical tbody tr", { hasText: "total" });
    await row.getByText("failed").waitFor();
    expect(await row.locator("td.number").allTextContents()).toEqual(["16 s", "845 ms", "924 ms", "15 s"]);
    expect(await page.locator(".bar-critical").count()).toBe(2);
    expect(await violations(page)).toEqual([]);
  });

  it("folds a group of 9,000 instances into one node", async () => {
    const recorded = at.served.recorded[PATH] as { treatments: Record<string, unknown>[] };
    const one = recorded.treatments.find(({ name }) => name === "total");
    const instances = Array.from({ length: 9_000 }, (_, n) => ({
      ...one,
      name: `total:${n}`,
      state: n < 2 ? "failed" : "succeeded",
    }));
    const graph = at.served.recorded[`${PATH}/graph`] as { nodes: Record<string, unknown>[] };
    const nodes = graph.nodes.map((node) =>
      node.name === "total" ? { ...node, kind: "each", instances: { failed: 2, succeeded: 8_998 } } : node,
    );
    at.served.instead.set(PATH, { ...recorded, treatments: [...recorded.treatments, ...instances] });
    at.served.instead.set(`${PATH}/graph`, { ...graph, nodes });
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    await page.getByRole("img", { name: "Graph of 6 treatments. The table below lists the same." }).waitFor();
    await page.getByText("9,001 succeeded").waitFor();
    expect(faults).toEqual([]);
  });

  it("shows 10,000 treatments in the strip with no more elements than of six", async () => {
    const few = await open(`/ui/runs/${RUN}`);
    await isDrawn(few.page, ".strip canvas");
    const elements = await few.page.locator(".strip *").count();
    serveMany(at.served, 10_000);
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.getByText("10,000 running").waitFor();
    await page.locator(".log-foot").scrollIntoViewIfNeeded();
    await isDrawn(page, ".strip canvas");
    expect(await page.locator(".strip *").count()).toBeLessThanOrEqual(elements);
  });
});
