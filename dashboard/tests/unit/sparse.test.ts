import { describe, expect, it } from "vitest";
import { CHUNK, placeOf, SparseLines } from "../../src/model/sparse.ts";

const lines = (first: number, count: number) => Array.from({ length: count }, (_, at) => ({ number: first + at }));

describe("lines of which parts are kept", () => {
  it("asks for whole chunks around what is looked at", () => {
    const kept = new SparseLines();
    kept.total = 10_000_000;
    expect(kept.missing(7_000_123, 40)).toEqual({ row: 7_000_000, count: CHUNK });
    kept.put(lines(7_000_001, CHUNK), 7_000_123);
    expect(kept.missing(7_000_123, 40)).toBeNull();
    expect(kept.at(7_000_123)).toEqual({ number: 7_000_124 });
    expect(kept.missing(7_000_490, 40)).toEqual({ row: 7_000_500, count: CHUNK });
    expect(kept.missing(9_999_990, 40)).toEqual({ row: 9_999_500, count: 500 });
  });

  it("reads on where a part of a chunk came, and ends with the log", () => {
    const kept = new SparseLines();
    kept.total = 730;
    kept.put(lines(501, 100), 0);
    expect(kept.missing(500, 300)).toEqual({ row: 600, count: 130 });
    kept.put(lines(601, 130), 0);
    expect(kept.missing(500, 300)).toBeNull();
    kept.put(lines(731, 2), 0);
    expect(kept.total).toBe(732);
    expect(new SparseLines().missing(0, 40)).toBeNull();
  });

  it("forgets what is far from what is looked at", () => {
    const kept = new SparseLines();
    for (let first = 1; first < 1_000_000; first += CHUNK) kept.put(lines(first, CHUNK), first);
    expect(kept.kept).toBeLessThanOrEqual(20_000);
    expect(kept.at(999_900)).toEqual({ number: 999_901 });
    expect(kept.at(0)).toBeUndefined();
    expect(kept.total).toBe(1_000_000);
  });
});

describe("a place in a log", () => {
  it.each(["12345", "12,345", "12 345", " 12345 "])("is the number %s", (text) => {
    expect(placeOf(text, null)).toEqual({ line: 12_345 });
  });

  it("is a time on the day of the log, or a date", () => {
    const near = new Date(2026, 10, 30, 9, 0).toISOString();
    expect(placeOf("14:03", near)).toEqual({ time: new Date(2026, 10, 30, 14, 3).toISOString() });
    expect(placeOf("14:03:22.5", near)).toEqual({ time: new Date(2026, 10, 30, 14, 3, 22, 500).toISOString() });
    expect(placeOf("2026-11-30T05:11:23Z", null)).toEqual({ time: "2026-11-30T05:11:23.000Z" });
  });

  it("is a day as it begins where the reader is", () => {
    const before = process.env.TZ;
    try {
      process.env.TZ = "America/New_York";
      expect(placeOf("2026-11-30", null)).toEqual({ time: "2026-11-30T05:00:00.000Z" });
      expect(placeOf("2026-11-30 00:00", null)).toEqual({ time: "2026-11-30T05:00:00.000Z" });
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  it.each(["", "0", "soon", "25h", "2026-13-90", "1e9"])("is not %j", (text) => {
    expect(placeOf(text, null)).toBeNull();
  });
});
