// Holds the built page to its budget: what a browser fetches before it shows anything, and for a run's page, compressed.
// usage: node scripts/sizes.mjs DIRECTORY
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const FIRST_SCREEN = 45_000;
const RUN_PAGE = 90_000;
// Every other page, beside what the first screen has fetched already.
const OTHER_PAGE = 20_000;

const page = process.argv[2];
const names = readdirSync(join(page, "assets")).filter((name) => !name.endsWith(".gz"));

function size(name) {
  const file = join(page, "assets", name);
  return statSync(statSync(`${file}.gz`, { throwIfNoEntry: false }) ? `${file}.gz` : file).size;
}

/** The files with what they import, and the workers that they start; what is imported later is not among them. */
function closure(roots) {
  const found = new Set();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(page, "assets", name), "utf8");
    for (const [, other] of text.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) open.push(other);
    for (const [, other] of text.matchAll(/["'`]\/ui\/assets\/([\w.-]+\.js)["'`]/g)) open.push(other);
  }
  return found;
}

const bytes = (files) => [...files].reduce((sum, name) => sum + size(name), 0);
const html = readFileSync(join(page, "index.html"), "utf8");
const first = closure(names.filter((name) => html.includes(`assets/${name}`)));
const entries = new Map(); // the pages that are fetched later: none of the files before imports them
for (const name of names.filter((one) => one.endsWith(".js") && !first.has(one)))
  entries.set(name, new Set([...closure([name])].filter((one) => !first.has(one))));
const run = [...entries.keys()].find((name) => name.startsWith("run-"));
if (run === undefined) throw new Error(`There is no page of a run in ${page}.`);

const budgets = [
  ["first screen", bytes(first), FIRST_SCREEN],
  ["run page", bytes(first) + bytes(entries.get(run)), RUN_PAGE],
  ...[...entries].map(([name, files]) => [name.replace(/-[^-]*\.js$/, ""), bytes(files), OTHER_PAGE]),
];
const [largest] = budgets.slice(2).sort((a, b) => b[1] - a[1]);
for (const [what, found, budget] of [...budgets.slice(0, 2), largest])
  console.log(`${what} ${found} of ${budget} bytes`);
const over = budgets.filter(([, found, budget]) => found > budget);
for (const [what, found, budget] of over) console.error(`${what} is too large: ${found} bytes, at most ${budget}.`);
if (over.length) process.exit(1);
