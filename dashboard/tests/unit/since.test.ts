import { expect, it } from "vitest";
import { type Past, sinceOf } from "../../src/model/since.ts";

const run = (run_id: string, state: string, replay_of: object | null = null): Past => ({
  run_id,
  state,
  created_at: "2026-12-01T05:00:00Z",
  replay_of,
});

const RUNS = [
  run("06", "failed"),
  run("05", "failed"),
  run("04", "cancelled"),
  run("03", "timed_out"),
  run("02", "succeeded"),
  run("01", "failed"),
];

it("finds the first run that broke after the last that passed", () => {
  expect(sinceOf(RUNS, "05", "02")).toEqual({ first: RUNS[3], count: 2, isAtLeast: false });
});

it("counts at least what was read where the last that passed was not", () => {
  expect(sinceOf(RUNS.slice(0, 4), "06", "02")).toMatchObject({ count: 3, isAtLeast: true });
  expect(sinceOf(RUNS, "06", null)).toMatchObject({ first: RUNS[5], count: 4, isAtLeast: true });
});

it("leaves out replays, and says nothing where nothing broke", () => {
  expect(sinceOf([run("03", "failed", {}), run("02", "failed")], "03", "01")).toMatchObject({ count: 1 });
  expect(sinceOf([run("03", "succeeded")], "03", "01")).toBeNull();
});
