// The critical path at a moment: at the end of a run it is the one that the API tells.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { components } from "../../src/api/types.ts";
import { pathAt } from "../../src/model/path_at.ts";
import { travelled, treatmentsAt } from "../../src/model/travel.ts";

type Schemas = components["schemas"];

const recorded = JSON.parse(readFileSync(new URL("../pages/answers.json", import.meta.url), "utf8"));
const PATH = "/v1/runs/01m8ndsm7fhdaqgt41f8h842tg";
const run: Schemas["RunWithTreatments"] = recorded[PATH];
const graph: Schemas["GraphView"] = recorded[`${PATH}/graph`];
const history: Schemas["RunHistoryView"] = recorded[`${PATH}/history`];

/** Of a run of `treatments`, each with its states and since which second it had them. */
function path(
  treatments: Record<string, [number, string][]>,
  edges: [string, string][],
  at: number,
  planned = Object.keys(treatments),
) {
  const travel = travelled(
    Object.entries(treatments).map(([name, states]) => ({
      name,
      changes: states.map(([second, state]) => ({ at: new Date(second * 1_000).toISOString(), attempt: 1, state })),
    })),
  );
  const template = { kept_from: null, ready_at: null, started_at: null, finished_at: null, soft_failed: false };
  const all = Object.keys(treatments).map((name) => ({ ...template, name, state: "succeeded", attempt: 1 }));
  const then = treatmentsAt(all as unknown as Schemas["TreatmentSummary"][], travel, at * 1_000);
  const links = edges.map(([source, target]) => ({ source, target }));
  return pathAt(then, travel.changes, new Set(planned), links, at * 1_000);
}

const ran = (ready: number, started: number, ended: number): [number, string][] => [
  [0, "pending"],
  [ready, "ready"],
  [started, "running"],
  [ended, "succeeded"],
  [1_000, "succeeded"], // so that each moment of the test is one of the past
];
const names = (steps: ReturnType<typeof path>) => steps.map((step) => step.treatment);

describe("the critical path at a moment", () => {
  it("is at the end the path that the API tells", () => {
    const travel = travelled(history.treatments);
    const end = Date.parse(run.finished_at as string);
    const planned = new Set(graph.nodes.map((node) => node.name));
    const found = pathAt(treatmentsAt(run.treatments, travel, end), travel.changes, planned, graph.edges, end);
    const told = graph.critical_path ?? [];
    expect(found.map((step) => [step.treatment, step.state, step.attempt])).toEqual(
      told.map((step) => [step.treatment, step.state, step.attempt]),
    );
    found.forEach((step, at) => {
      for (const key of ["queued", "booted", "ran"] as const) expect(step[key]).toBeCloseTo(told[at]?.[key] ?? -1, 2);
      for (const key of ["since", "until"] as const)
        expect(Date.parse(step[key])).toBe(Date.parse(told[at]?.[key] ?? ""));
    });
  });

  it("leads to what is under way longest, by what let it go on last", () => {
    const treatments = { a: ran(1, 2, 10), b: ran(1, 2, 12), c: ran(12, 15, 30), d: ran(10, 11, 20) };
    const edges: [string, string][] = [
      ["a", "c"],
      ["b", "c"],
      ["a", "d"],
    ];
    expect(path(treatments, edges, 0)).toEqual([]);
    expect(names(path(treatments, edges, 5))).toEqual(["a"]);
    expect(names(path(treatments, edges, 14))).toEqual(["a", "d"]);
    const later = path(treatments, edges, 25);
    expect(names(later)).toEqual(["b", "c"]);
    expect(later.map(({ queued, ran: seconds }) => [queued, seconds])).toEqual([
      [1, 10],
      [3, 10],
    ]);
  });

  it("leads through the instances of a group, also of those that are in no plan", () => {
    const treatments = {
      list: ran(1, 2, 5),
      each: ran(5, 5, 20),
      "each:1": ran(5, 6, 19),
      "each:2": ran(5, 6, 9),
    };
    expect(names(path(treatments, [["list", "each"]], 15, ["list", "each"]))).toEqual(["list", "each:1"]);
    expect(names(path(treatments, [["list", "each"]], 30, ["list", "each"]))).toEqual(["list", "each:1", "each"]);
  });
});
