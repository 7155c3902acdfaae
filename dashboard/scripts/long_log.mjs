// Opens the page of a run whose log is long, and prints in milliseconds how long its end and places in it take, from the
// key or click until the lines are drawn, and the heap in MB.
// usage: node scripts/long_log.mjs CHROMIUM LINK LINES
import { launch } from "./launch.mjs";

const [program, link, lines] = process.argv.slice(2);
const count = Number(lines);
const browser = await launch(program);
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(60_000);
  await page.goto(link);
  await page.locator(".log-text").first().waitFor();
  const found = { open: await page.evaluate(() => performance.now()), any: [] };
  found.end = await until(page, count, () => [...document.querySelectorAll(".log-foot button")].at(-1).click());
  // Places of all parts of the log, none of which was shown before.
  for (const part of [0.5, 0.13, 0.87, 0.31, 0.69, 0.07, 0.95, 0.42, 0.77]) {
    const wanted = Math.floor(count * part);
    await page.locator("input.place").fill(String(wanted));
    found.any.push(
      await until(page, wanted, () =>
        document
          .querySelector("input.place")
          .dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true })),
      ),
    );
  }
  found.any.sort((a, b) => a - b);
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  found.heap = (await session.send("Runtime.getHeapUsage")).usedSize / 1e6;
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}

/** Does something, and waits for the first frame in which the line of a number is there with its text. */
async function until(page, number, act) {
  await page.evaluate((wanted) => {
    globalThis.shown = new Promise((resolve) => {
      const began = performance.now();
      const look = () => {
        const row = [...document.querySelectorAll(".log-row")].find(
          (one) => Number(one.querySelector(".log-number")?.textContent.replaceAll(",", "")) === wanted,
        );
        if (row?.querySelector(".log-text")) resolve(performance.now() - began);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
  }, number);
  await page.evaluate(act);
  const took = await page.evaluate(() => globalThis.shown);
  // The lines around it are read after it; the next place is not to wait for them.
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".log-row")].every((row) => row.querySelector(".log-text")),
  );
  return took;
}
