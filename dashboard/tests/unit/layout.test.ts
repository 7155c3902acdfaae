import { describe, expect, it } from "vitest";
import { type Edge, layered, longestPaths, settle } from "../../src/model/layout.ts";

function chain(count: number): Edge[] {
  return Array.from({ length: count - 1 }, (_, at) => ({ from: at, to: at + 1 }));
}

describe("layers", () => {
  it("puts a node after the last of those before it", () => {
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 2 },
      { from: 0, to: 2 },
    ];
    expect([...longestPaths(3, edges)]).toEqual([0, 1, 2]);
  });

  it("comes to an end with a circle", () => {
    expect([...longestPaths(2, [...chain(2), { from: 1, to: 0 }])]).toEqual([0, 0]);
  });
});

describe("rows", () => {
  it("keep their order and a distance of one", () => {
    const placed = settle([5, 1, 1, 9]);
    for (let at = 1; at < placed.length; at++) {
      expect((placed[at] as number) - (placed[at - 1] as number)).toBeGreaterThanOrEqual(1 - 1e-9);
    }
    expect(placed[3]).toBe(9);
  });
});

describe("a layout", () => {
  it("has no two nodes at one place", () => {
    const edges: Edge[] = [];
    for (let from = 0; from < 60; from++)
      for (const step of [1, 7, 13]) if (from + step < 60) edges.push({ from, to: from + step });
    const { x, y } = layered(60, edges);
    for (let one = 0; one < 60; one++) {
      for (let other = 0; other < one; other++) {
        if (x[one] === x[other]) expect(Math.abs((y[one] as number) - (y[other] as number))).toBeGreaterThan(0.99);
      }
    }
  });

  it("leads a long edge through each layer between", () => {
    const { routes } = layered(3, [...chain(3), { from: 0, to: 2 }]);
    expect(routes[2]).toHaveLength(6);
  });

  it("is empty for nothing, and straight for a chain", () => {
    expect(layered(0, [])).toMatchObject({ width: 1, height: 1 });
    expect([...layered(5, chain(5)).y]).toEqual([0, 0, 0, 0, 0]);
  });

  it("holds ten thousand nodes", () => {
    const edges: Edge[] = [];
    for (let node = 100; node < 10_000; node++) edges.push({ from: node - 100 + ((node * 7) % 90), to: node });
    const layout = layered(
      10_000,
      edges.filter(({ from, to }) => from < to),
    );
    expect(layout.x).toHaveLength(10_000);
    expect(layout.y.every((value) => Number.isFinite(value))).toBe(true);
  });
});
