import { describe, expect, it } from "vitest";
import { nextMoment, travelled, treatmentAt, treatmentsAt } from "../../src/model/travel.ts";

const at = (seconds: number) => `2026-11-30T05:00:${String(seconds).padStart(2, "0")}.000Z`;
const ms = (seconds: number) => Date.parse(at(seconds));
const BUILD = {
  name: "build",
  state: "succeeded",
  attempt: 2,
  cause: null,
  waiting_for: null,
  kept_from: null,
  exit_code: 0,
  soft_failed: false,
  pool: "local",
  ready_at: at(10),
  started_at: at(12),
  finished_at: at(20),
};
const LATER = { ...BUILD, name: "later", attempt: 1 };
const TRAVEL = travelled([
  {
    name: "build",
    changes: [
      { at: at(0), attempt: 1, state: "pending" },
      { at: at(1), attempt: 1, state: "ready" },
      { at: at(3), attempt: 1, state: "running" },
      { at: at(8), attempt: 1, state: "lost" },
      { at: at(10), attempt: 2, state: "ready" },
      { at: at(12), attempt: 2, state: "running" },
      { at: at(20), attempt: 2, state: "succeeded" },
    ],
  },
  { name: "later", changes: [{ at: at(8), attempt: 1, state: "pending" }] },
]);

describe("a treatment at a moment", () => {
  it.each([
    [0, "pending", 1, null, null, null],
    [2, "ready", 1, at(1), null, null],
    [3, "running", 1, at(1), at(3), null],
    [9, "lost", 1, at(1), at(3), at(8)],
    [11, "ready", 2, at(10), null, null],
    [19, "running", 2, at(10), at(12), null],
  ])("is after %d s in the attempt of then", (second, state, attempt, ready, started, finished) => {
    const found = treatmentAt(BUILD, TRAVEL.changes.get("build"), ms(second));
    expect(found).toMatchObject({ state, attempt, ready_at: ready, started_at: started, finished_at: finished });
    expect(found?.exit_code).toBeNull();
  });

  it("is as it is now after its last change, and where nothing is known of its past", () => {
    expect(treatmentAt(BUILD, TRAVEL.changes.get("build"), ms(20))).toBe(BUILD);
    expect(treatmentAt(BUILD, undefined, ms(0))).toBe(BUILD);
  });

  it("is not there before its first change", () => {
    expect(treatmentsAt([BUILD, LATER], TRAVEL, ms(7)).map((one) => one.name)).toEqual(["build"]);
    expect(treatmentsAt([BUILD, LATER], TRAVEL, ms(8)).map((one) => one.name)).toEqual(["build", "later"]);
    expect(treatmentsAt([BUILD, LATER], TRAVEL, ms(0) - 1)).toEqual([]);
  });
});

describe("moments", () => {
  it("are those of changes, each once", () => {
    expect(TRAVEL.moments.map((time) => (time - ms(0)) / 1000)).toEqual([0, 1, 3, 8, 10, 12, 20]);
  });

  it.each([
    [8, 1, 10],
    [8, -1, 3],
    [9, 1, 10],
    [9, -1, 8],
    [0, -1, null],
    [20, 1, null],
    [30, -1, 20],
  ] as const)("from second %d by %d lead to %s", (from, step, to) => {
    expect(nextMoment(TRAVEL, ms(from), step)).toBe(to === null ? null : ms(to));
  });
});
