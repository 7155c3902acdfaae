// What others fail at: runs of 10,000 treatments, long logs and lines, and texts that want to be more than text.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { ADMIN_PARTS } from "../../src/routes.ts";
import { canRun, loaded, type Opened, openPage, PATIENCE } from "./browser.ts";
import { HOSTILE, hostile } from "./hostile.ts";
import { logLine, logPage } from "./lines.ts";
import { serveChange, serveLines, serveMany } from "./many.ts";
import { NOW, RUN, THEN, TRACED } from "./server.ts";
import { setting } from "./setting.ts";

const PATH = `/v1/runs/${RUN}`;

describe.skipIf(!canRun)("at its limits a page", { timeout: PATIENCE }, () => {
  const at = setting();

  const open = (path: string): Promise<Opened> => openPage(at, path);

  /** Waits until the graph is drawn. */
  async function drawn(page: Page): Promise<void> {
    await page.waitForFunction(() => {
      const canvas = document.querySelector("canvas");
      const context = canvas?.getContext("2d");
      if (!canvas?.width || !context) return false;
      return context.getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
    });
  }

  it("shows 10,000 treatments with few elements, and follows them", async () => {
    const treatments = serveMany(at.served, 10_000);
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    await page.getByText("10,000 running").waitFor();
    await drawn(page);
    expect(await page.locator(".graph *").count()).toBeLessThan(300);
    expect(await page.locator(".treatments tbody tr").count()).toBeLessThan(60);
    serveChange(at.served, [{ ...treatments[7], state: "failed" }], "2");
    await page.getByText("9,999 running").waitFor();
    await page.getByText("1 failed", { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it("makes few rows of many lines, and reaches the last", async () => {
    serveLines(at.served, 50_000, (index) => `line number ${index}`);
    const { page } = await open(`/ui/runs/${RUN}`);
    await page.getByText("line number 0", { exact: true }).waitFor();
    await page.getByText("50,000 lines", { exact: true }).waitFor();
    await page.getByRole("button", { name: "To the end" }).click();
    await page.getByText("line number 49999", { exact: true }).waitFor();
    expect(await page.locator(".log-row").count()).toBeLessThan(200);
  });

  it("shows hostile lines as text", async () => {
    const texts = [
      "<img src=x onerror=\"fetch('https://evil.example')\"><script>alert(1)</script>",
      "\u001b]8;;https://evil.example\u001b\\a link\u001b]8;;\u001b\\",
      "\u202egnp.exe",
      "x".repeat(10_000_000),
    ];
    at.served.instead.set(`${PATH}/logs`, (url: URL) =>
      logPage(url, texts.length, (index) => logLine(index, texts[index] as string)),
    );
    const { page, faults } = await open(`/ui/runs/${RUN}`);
    const log = page.getByRole("log");
    await log.getByText("<script>alert(1)</script>").waitFor();
    await log.getByText("a link", { exact: true }).waitFor();
    await log.getByText("⟨U+202E⟩gnp.exe").waitFor();
    await log.getByText("(9,996,000 more characters)").waitFor();
    expect(await page.locator("img, .log-box script, .log-text a").count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it("shows hostile texts of everything else as text", { timeout: 4 * PATIENCE }, async () => {
    for (const [path, answer] of Object.entries(at.served.recorded)) at.served.instead.set(path, hostile(answer));
    const { page, faults } = await open("/ui");
    const paths = [
      ...["", "/runs", `/runs/${RUN}`, `/runs/${RUN}/t/total`, `/runs/${RUN}/v/export.rows`, "/search?q=twelve"],
      `/runs/${TRACED}/trace?port=rows.out&direction=forward`,
      ...[`/runs/${THEN}/diff/${NOW}`, "/pipelines", "/fleet", "/alerts", "/approvals"],
      ...ADMIN_PARTS.map((part) => `/admin/${part}`),
    ];
    let shown = 0;
    for (const path of paths) {
      await page.goto(`${at.served.url}/ui${path}`);
      await loaded(page);
      const found = await page.evaluate(() => ({
        text: document.body.textContent ?? "",
        elements: document.querySelectorAll("main :is(img, script, iframe, object, embed, form[action])").length,
        // Links of Markdown that treatments wrote may lead elsewhere; nothing follows them by itself.
        foreign: [...document.links]
          .filter((link) => !link.closest(".markdown"))
          .map((link) => link.href)
          .filter((link) => !link.startsWith(location.origin)),
      }));
      expect.soft([found.elements, found.foreign], path).toEqual([0, []]);
      // Characters that turn text around, or talk to terminals, are not on the page.
      expect.soft(/.{0,60}[\u202e\u001b]/.exec(found.text)?.[0] ?? "", path).toBe("");
      if (found.text.includes(HOSTILE.slice(0, 20))) shown += 1;
    }
    expect(shown).toBeGreaterThan(paths.length / 2);
    expect(faults).toEqual([]);
  });
});
