// Holds the built page to its budget: what a browser fetches before it shows anything, compressed.
// usage: node scripts/sizes.mjs DIRECTORY
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const FIRST_SCREEN = 45_000;
const RUN_PAGE = 90_000;

const page = process.argv[2];
const sizes = new Map(readdirSync(join(page, "assets")).map((name) => [name, size(join(page, "assets", name))]));

function size(file) {
  if (file.endsWith(".gz")) return 0;
  try {
    return statSync(`${file}.gz`).size;
  } catch {
    return statSync(file).size;
  }
}

const html = readFileSync(join(page, "index.html"), "utf8");
const first = [...sizes].filter(([name]) => html.includes(`assets/${name}`)).reduce((sum, [, bytes]) => sum + bytes, 0);
const all = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
console.log(`first screen ${first} of ${FIRST_SCREEN} bytes, run page ${all} of ${RUN_PAGE} bytes`);
if (first > FIRST_SCREEN || all > RUN_PAGE) process.exit(1);
