import { describe, expect, it } from "vitest";
import { firstVisible, ROW, scrollTo, visibleWindow } from "../../src/model/scroll.ts";

describe.each([0, 1, 100, 400_000, 10_000_000])("%i rows", (rows) => {
  const viewport = 600;

  it("make few elements, wherever the reader is", () => {
    const { height } = visibleWindow(rows, 0, viewport);
    for (const part of [0, 0.1, 0.5, 0.99, 1]) {
      const found = visibleWindow(rows, part * Math.max(0, height - viewport), viewport);
      expect(found.count).toBeLessThan(80);
      expect(found.first + found.count).toBeLessThanOrEqual(rows);
    }
  });

  it("reach the first and the last row", () => {
    const { height } = visibleWindow(rows, 0, viewport);
    const end = Math.max(0, height - viewport);
    expect(firstVisible(rows, 0, viewport)).toBe(0);
    const last = visibleWindow(rows, end, viewport);
    expect(last.first + last.count).toBe(rows);
  });

  it("put a row into view", () => {
    const row = Math.floor(rows / 3);
    const first = firstVisible(rows, scrollTo(row, rows, viewport), viewport);
    expect(row).toBeGreaterThanOrEqual(Math.floor(first) - (rows ? 0 : 1));
    expect(row).toBeLessThan(first + viewport / ROW + 1);
  });
});

it("places rows exactly where a short list has them", () => {
  const found = visibleWindow(1_000, 4_000, 600);
  expect(found.top).toBeCloseTo(found.first * ROW, 3);
});
