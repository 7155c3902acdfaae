import { describe, expect, it } from "vitest";
import { type Box, inIslands } from "../../src/model/islands.ts";
import { layered } from "../../src/model/layout.ts";

const overlaps = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe("the layout of islands", () => {
  it("is that of one graph where there is one island", () => {
    const edges = [{ from: 0, to: 1 }];
    expect(inIslands(2, edges, [0, 0])).toEqual(layered(2, edges));
  });

  it("keeps islands apart, and causes left of their effects", () => {
    // Two in the first, which feed both of the others; the third feeds the second as well.
    const islands = [0, 0, 1, 1, 2];
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 2 },
      { from: 2, to: 3 },
      { from: 1, to: 4 },
      { from: 4, to: 3 },
    ];
    const { x, y, routes, boxes = [], height } = inIslands(5, edges, islands);
    expect(boxes).toHaveLength(3);
    for (const one of boxes) for (const other of boxes) if (one !== other) expect(overlaps(one, other)).toBe(false);
    edges.forEach(({ from, to }, edge) => {
      expect(x[to]).toBeGreaterThan(x[from] as number);
      const route = routes[edge] as Float32Array;
      expect([...route.slice(0, 2)]).toEqual([x[from], y[from]]);
      expect([...route.slice(-2)]).toEqual([x[to], y[to]]);
    });
    for (let node = 0; node < 5; node++) {
      const box = boxes[islands[node] as number] as Box;
      expect(x[node]).toBeGreaterThanOrEqual(box.x);
      expect(y[node]).toBeLessThan(box.y + box.height);
      expect(y[node]).toBeLessThan(height);
    }
  });

  it("ends with islands that feed each other, and with many", () => {
    const circle = inIslands(
      2,
      [
        { from: 0, to: 1 },
        { from: 1, to: 0 },
      ],
      [0, 1],
    );
    expect(circle.boxes).toHaveLength(2);
    const many = Array.from({ length: 400 }, (_, node) => node);
    const chain = many.slice(1).map((node) => ({ from: node - 1, to: node }));
    expect(inIslands(400, chain, many).routes).toHaveLength(399);
  });
});
