// Takes a picture of each page in both themes, as WebP.
// usage: node scripts/pictures.mjs CHROMIUM DIRECTORY [WIDTH] < JSON
// The JSON has `links`, one that signs in for each theme, and `pages`, addresses by the picture's name.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./launch.mjs";

const [program, directory, width = "1440"] = process.argv.slice(2);
const { links, pages } = JSON.parse(readFileSync(0, "utf8"));
const TALLEST = 1_120;
const MOST_BYTES = 150_000;

mkdirSync(directory, { recursive: true });
const browser = await launch(program);
try {
  const signedIn = [];
  for (const [theme, link] of Object.entries(links)) {
    // All sign in first: the code of a link ends after a minute.
    const viewport = { width: Number(width), height: 800 };
    const context = await browser.newContext({ viewport, colorScheme: theme, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(link);
    await page.locator("h1").waitFor();
    signedIn.push([theme, link, page]);
  }
  for (const [theme, link, page] of signedIn) {
    const session = await page.context().newCDPSession(page);
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(new URL(path, link).href);
      await page.locator("h1").first().waitFor();
      await page.waitForFunction(() => !document.querySelector(".loading"));
      await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => undefined); // pages that follow something never are
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const file = join(directory, `${name}${theme === "dark" ? "-dark" : ""}.webp`);
      writeFileSync(file, await picture(page, session));
      process.stdout.write(`${file}\n`);
    }
  }
} finally {
  await browser.close();
}

/** The page from its top, as much of it as there is, in the best quality that keeps the file small. */
async function picture(page, session) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const clip = { x: 0, y: 0, width: Number(width), height: Math.min(height, TALLEST), scale: 1 };
  for (const quality of [76, 66, 56]) {
    const taken = await session.send("Page.captureScreenshot", {
      format: "webp",
      quality,
      clip,
      captureBeyondViewport: true,
    });
    const bytes = Buffer.from(taken.data, "base64");
    if (bytes.length < MOST_BYTES) return bytes;
  }
  throw new Error(`The picture of ${page.url()} is too large.`);
}
