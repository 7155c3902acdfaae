// Signs in, says "ready", opens the page of the run that standard input names, and tells when each log line, and each end
// of a treatment, was first on the screen.
// usage: node scripts/watch.mjs CHROMIUM LINK
import { once } from "node:events";
import { createInterface } from "node:readline";
import { launch } from "./launch.mjs";

const [program, link] = process.argv.slice(2);
const browser = await launch(program);
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(300_000);
  await page.addInitScript(() => {
    const seen = { lines: {}, ends: {} };
    globalThis.seen = seen;
    const look = () => {
      const now = Date.now();
      for (const line of document.querySelectorAll(".log-text")) seen.lines[line.textContent] ??= now;
      for (const row of document.querySelectorAll(".treatments tbody tr")) {
        const name = row.querySelector("th")?.textContent;
        if (name && /succeeded|failed/.test(row.querySelector(".state")?.textContent ?? "")) seen.ends[name] ??= now;
      }
    };
    new MutationObserver(() => requestAnimationFrame(look)).observe(document, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  });
  await page.goto(link);
  await page.locator("h1").waitFor();
  process.stdout.write("ready\n");
  const [run] = await once(createInterface(process.stdin), "line");
  await page.goto(new URL(`/ui/runs/${run}`, link).href);
  await page.locator("h1 .state", { hasText: /succeeded|failed/ }).waitFor();
  await page.waitForTimeout(3_000); // the last lines may come after the end
  process.stdout.write(JSON.stringify(await page.evaluate(() => globalThis.seen)));
} finally {
  await browser.close();
}
