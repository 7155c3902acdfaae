// Writes the types of the API's answers, src/api/types.ts, from docs/openapi.json; with `--check` it only compares.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const target = new URL("../src/api/types.ts", import.meta.url);
const document = JSON.parse(await readFile(new URL("../../docs/openapi.json", import.meta.url), "utf8"));
// Shapes only: addresses are written where they are requested.
const types = astToString(await openapiTS({ ...document, paths: {} }));
const text = `// Generated from docs/openapi.json by \`npm run types\`: change the routes, not this file.\n${types}`;
if (process.argv.includes("--check")) {
  if ((await readFile(target, "utf8").catch(() => "")) !== text) {
    console.error("dashboard/src/api/types.ts is out of date: run `npm run types` in dashboard");
    process.exit(1);
  }
} else {
  await writeFile(target, text);
}
