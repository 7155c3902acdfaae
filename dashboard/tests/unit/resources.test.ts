import { expect, it } from "vitest";
import { cores, points } from "../../src/model/resources.ts";

const sample = (second: number, cpu_ms: number) => ({
  at: new Date(1_000 * second).toISOString(),
  cpu_ms,
  memory: 0,
  disk_bytes: null,
});

it("tells the cores that were used between samples", () => {
  expect(cores([sample(0, 0), sample(1, 500), sample(3, 4_500), sample(3, 4_500)])).toEqual([500, 2_000, 0]);
  expect(cores([sample(0, 0)])).toEqual([]);
});

it("draws values within their box", () => {
  expect(points([0, 5, 10, 99], 10)).toBe("0.0,20.0 33.3,10.0 66.7,0.0 100.0,0.0");
  expect(points([], 0)).toBe("");
});
