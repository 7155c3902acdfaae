// Uses the types that openapi-typescript made of the API's document, with openapi-fetch.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

declare const process: { argv: string[] };
const [url, token, runId] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

function answer<T>(from: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (from.data === undefined) throw new Error(`no answer: ${JSON.stringify(from.error)}`);
  return from.data;
}

const runs = answer(await client.GET("/v1/runs", { params: { query: { limit: 1 } } }));
const run = answer(await client.GET("/v1/runs/{run_id}", { params: { path: { run_id: runId } } }));
const treatment = answer(
  await client.GET("/v1/runs/{run_id}/treatments/{treatment}", {
    params: { path: { run_id: runId, treatment: "greet" } },
  }),
);
const pools = answer(await client.GET("/v1/pools"));
const checked = answer(
  await client.POST("/v1/projects/{project}/pipelines:validate", {
    params: { path: { project: "default" } },
    body: { document: "cadence: 1" },
  }),
);
const refused = await client.GET("/v1/runs/{run_id}", { params: { path: { run_id: "0".repeat(26) } } });
console.log(
  JSON.stringify({
    newest: runs.items.length,
    states: run.treatments.map((one) => one.state),
    outputs: treatment.outputs.map((one) => one.port),
    pools: pools.items.map((one) => one.name),
    findings: checked.findings.length,
    refused: refused.error?.status,
  }),
);
