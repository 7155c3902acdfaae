// A run of many treatments, and a log of many lines, made of recorded answers.
import { logLine, logPage } from "./lines.ts";
import { RUN, type Served } from "./server.ts";

const PATH = `/v1/runs/${RUN}`;

/** Lets the run have so many running treatments, each but the first hundred after another; returns them. */
export function serveMany(served: Served, count: number): Record<string, unknown>[] {
  const recorded = served.recorded[PATH] as { treatments: Record<string, unknown>[] };
  const name = (at: number) => `t${String(at).padStart(5, "0")}`;
  const treatments = Array.from({ length: count }, (_, at) => ({
    ...recorded.treatments[0],
    name: name(at),
    state: "running",
  }));
  const nodes = treatments.map((one) => ({ name: one.name, state: "running", inputs: [], outputs: [] }));
  const edge = { source_port: "out", target_port: "in", flow: "block", type: "string", sha256: null, size: null };
  const edges = nodes
    .slice(100)
    .map((node, at) => ({ ...edge, source: name(at + ((at * 7) % 90)), target: node.name }));
  served.instead.set(PATH, { ...recorded, state: "running", treatments });
  served.instead.set(`${PATH}/graph`, { nodes, edges, next: null });
  serveChange(served, [], "1");
  return treatments;
}

export function serveChange(served: Served, treatments: readonly object[], after: string): void {
  served.instead.set(`${PATH}/changes`, { run: { state: "running" }, treatments, reload: false, after });
}

/** Lets the run's log have so many lines, a page at a time. */
export function serveLines(served: Served, count: number, text: (index: number) => string): void {
  served.instead.set(`${PATH}/logs`, (url: URL) => logPage(url, count, (index) => logLine(index, text(index))));
}
