// Measures the built page in a browser, over answers of a run of 10,000 treatments and a log of 10 million lines, and
// prints milliseconds, frames a second, and MB as JSON; first what this browser does on this machine without the page.
// usage: node scripts/budgets.mjs CHROMIUM DIRECTORY
import { logLine, logPage } from "../tests/pages/lines.ts";
import { serveChange, serveLines, serveMany } from "../tests/pages/many.ts";
import { RUN, serve } from "../tests/pages/server.ts";
import { launch } from "./launch.mjs";

const [program, built] = process.argv.slice(2);
const TREATMENTS = 10_000;
const LINES = 10_000_000;
const ANY = 7_654_321;
/** Lines a second of a log that is followed, and for how many seconds. */
const RATE = 5_000;
const SECONDS = 10;
const served = await serve(built);
const browser = await launch(program);
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(60_000);
  const found = await calibration(page);
  await page.goto(`${served.url}/ui/runs#code=once`);
  await page.locator(".run-list").waitFor();

  // A warm page, as for who comes back: its files are in the browser's cache.
  await page.reload();
  await page.locator(".run-list").waitFor();
  found.paint = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const watch = (list) => resolve(list.getEntries().at(-1).startTime);
        new PerformanceObserver(watch).observe({ type: "largest-contentful-paint", buffered: true });
      }),
  );

  found.interaction = await slowest(page, async () => {
    await page.keyboard.press("?");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Fleet" }).click();
    await page.getByRole("heading", { name: "Fleet", level: 1 }).waitFor();
    await page.goBack();
  });

  // The graph is readable with the first frame in which its canvas has something after the answer was there.
  const treatments = serveMany(served, TREATMENTS);
  served.instead.set(`/v1/runs/${RUN}/logs`, { lines: [], after: "end", more: false });
  await page.addInitScript(() => {
    const look = () => {
      const canvas = document.querySelector(".graph canvas");
      const context = canvas?.width ? canvas.getContext("2d") : null;
      if (context?.getImageData(0, canvas.height / 2, canvas.width, 1).data.some((value) => value > 0))
        globalThis.drawnAt = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.goto(`${served.url}/ui/runs/${RUN}`);
  await page.waitForFunction(() => globalThis.drawnAt);
  found.graph = await page.evaluate(() => {
    const answers = performance
      .getEntriesByType("resource")
      .filter((entry) => /\/v1\/runs\/\w+(\/graph)?$/.test(entry.name));
    return globalThis.drawnAt - Math.max(...answers.map((entry) => entry.responseEnd));
  });
  found.elements = await page.locator("*").count();

  // A state on screen, counted from when its message was there.
  await page.evaluate(() => {
    new MutationObserver(() => {
      if (!globalThis.changedAt && document.querySelector(".counts")?.textContent?.includes("1 failed"))
        requestAnimationFrame(() => {
          globalThis.changedAt = performance.now();
        });
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
    performance.setResourceTimingBufferSize(10_000);
  });
  serveChange(served, [{ ...treatments[7], state: "failed" }], "2");
  await page.waitForFunction(() => globalThis.changedAt);
  found.state = await page.evaluate(() => {
    const told = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/changes"));
    const before = told.map((entry) => entry.responseEnd).filter((end) => end <= globalThis.changedAt);
    // The message is the first with the change: the page shows it before it asks again.
    return globalThis.changedAt - Math.max(...before);
  });

  const box = await page.locator(".graph canvas").boundingBox();
  found.panned = await dragged(page, box.x + box.width / 2, box.y + box.height / 2);

  found.many = await slowest(page, async () => {
    await page.locator(".treatments tbody tr th a").first().click();
    for (const key of ["n", "n", "p", "v", "["]) await page.keyboard.press(key);
  });

  // A long log: its end, then any line of it, then scrolled through.
  served.instead.delete(`/v1/runs/${RUN}`);
  served.instead.delete(`/v1/runs/${RUN}/graph`);
  serveLines(served, LINES, (index) => `line number ${index} of a log that somebody's build wrote at length`);
  await page.goto(`${served.url}/ui/runs/${RUN}`);
  await page.getByText(`${LINES.toLocaleString("en")} lines`, { exact: true }).waitFor();
  found.end = await page.evaluate(
    (last) =>
      new Promise((resolve) => {
        const began = performance.now();
        const look = () => {
          const text = [...document.querySelectorAll(".log-text")].at(-1)?.textContent ?? "";
          if (text.startsWith(`line number ${last} `)) resolve(performance.now() - began);
          else requestAnimationFrame(look);
        };
        [...document.querySelectorAll(".log-foot button")].at(-1).click();
        look();
      }),
    LINES - 1,
  );
  await page.getByLabel("Go to a line, a range of lines or a time").fill(String(ANY + 1));
  found.any = await page.evaluate(
    (wanted) =>
      new Promise((resolve) => {
        const began = performance.now();
        const look = () => {
          const text = document.querySelector(".log-row.marked .log-text")?.textContent ?? "";
          if (text.startsWith(`line number ${wanted} `)) resolve(performance.now() - began);
          else requestAnimationFrame(look);
        };
        const place = document.querySelector("input.place");
        place.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
        look();
      }),
    ANY,
  );
  await frames(page);
  found.rows = await page.evaluate(async () => {
    const element = document.querySelector(".log-box");
    let most = 0;
    for (let step = 0; step < 240; step++) {
      element.scrollTop -= 1_700;
      await new Promise(requestAnimationFrame);
      most = Math.max(most, document.querySelectorAll(".log-row").length);
    }
    return most;
  });
  const scrolled = (await stop(page)).sort((a, b) => a - b);
  found.scrolled = scrolled[Math.floor(scrolled.length * 0.95)];
  found.lines = await slowest(page, async () => {
    await page.getByRole("log").focus();
    for (const key of ["PageUp", "PageDown", "Shift+ArrowDown", "Shift+ArrowDown", "Escape"])
      await page.keyboard.press(key);
    await page.getByRole("button", { name: "Wide lines" }).click();
  });
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  found.heap = (await session.send("Runtime.getHeapUsage")).usedSize / 1e6;
  Object.assign(found, await flooded(page));
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
  await served.close();
}

/** What the machine does without the page: frames of an empty page that is moved, and milliseconds for a sum. */
async function calibration(page) {
  await page.setContent("<main style='height: 100vh'></main>");
  const empty = await dragged(page, 720, 450);
  const computing = await page.evaluate(() => {
    const began = performance.now();
    const numbers = Array.from({ length: 1_000_000 }, (_, at) => (at * 7_919) % 1_000_003);
    numbers.sort((a, b) => a - b);
    return performance.now() - began;
  });
  return { empty, computing };
}

/** Frames a second while what is at a place is dragged around. */
async function dragged(page, x, y) {
  await page.mouse.move(x, y);
  await page.mouse.down();
  await frames(page);
  for (let step = 0; step < 120; step++) await page.mouse.move(x + 3 * (step % 60), y + (step % 40));
  const moved = await stop(page);
  await page.mouse.up();
  return (1_000 * moved.length) / moved.reduce((sum, ms) => sum + ms, 0);
}

/** The slowest interaction of some, from the event to the next paint, as browsers time events (8 ms at a time). */
async function slowest(page, interact) {
  await page.evaluate(() => {
    globalThis.interactions = [];
    globalThis.timing = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.interactionId) globalThis.interactions.push(entry.duration);
    });
    globalThis.timing.observe({ type: "event", durationThreshold: 16 });
  });
  await interact();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 200))));
  return page.evaluate(() => {
    globalThis.timing.disconnect();
    // What is quicker than the smallest threshold is not told.
    return Math.max(16, ...globalThis.interactions);
  });
}

/** A log that is followed while it grows: the longest frame, and how long after it was written a line was shown. */
async function flooded(page) {
  const run = served.recorded[`/v1/runs/${RUN}`];
  let began = Date.now();
  const count = () => Math.floor((Math.min(Date.now() - began, 1_000 * SECONDS) * RATE) / 1_000);
  served.instead.set(`/v1/runs/${RUN}`, { ...run, state: "running" });
  served.instead.set(`/v1/runs/${RUN}/logs`, (url) => logPage(url, count(), (at) => logLine(at, `${began + at / 5}`)));
  await page.goto(`${served.url}/ui/runs/${RUN}`);
  await page.locator(".log-text").first().waitFor();
  began = Date.now();
  await page.reload();
  await page.locator(".log-text").first().waitFor();
  await frames(page);
  const late = await page.evaluate(
    async (until) => {
      const all = [];
      let last = "";
      while (Date.now() < until) {
        await new Promise(requestAnimationFrame);
        const shown = [...document.querySelectorAll(".log-text")].at(-1)?.textContent ?? "";
        if (shown && shown !== last) all.push(Date.now() - Number(shown));
        last = shown;
      }
      return all.sort((a, b) => a - b);
    },
    began + 1_000 * SECONDS,
  );
  const taken = await stop(page);
  return { stalled: Math.max(...taken), late: late[Math.floor(late.length / 2)], shown: late.length };
}

/** Begins to note how long each frame takes; `stop` returns these milliseconds. */
async function frames(page) {
  await page.evaluate(() => {
    const taken = [];
    let last = 0;
    globalThis.noting = true;
    globalThis.taken = taken;
    const note = (now) => {
      if (last) taken.push(now - last);
      last = now;
      if (globalThis.noting) requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
}

async function stop(page) {
  return page.evaluate(() => {
    globalThis.noting = false;
    return globalThis.taken;
  });
}
