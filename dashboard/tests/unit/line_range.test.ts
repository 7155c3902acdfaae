import { describe, expect, it } from "vitest";
import { between, isWithin, numbersOf, rangeOf, rangeText } from "../../src/model/line_range.ts";

describe("a range of lines in an address", () => {
  it("is one line or two, in whatever order", () => {
    expect(rangeOf("3:10")).toEqual({ first: "3:10", last: "3:10" });
    expect(rangeOf("3:10-2:400")).toEqual({ first: "2:400", last: "3:10" });
    expect(rangeText(between("2:10", "2:9"))).toBe("2:9-2:10");
    expect(rangeText(between("2:9", "2:9"))).toBe("2:9");
  });

  it("is none where something else is written", () => {
    for (const text of [null, "", "3", "a:b", "1:2-", "1:2-3:4-5:6", "-1:2", "1:2–3:4"])
      expect(rangeOf(text)).toBeNull();
  });

  it("holds the lines between its ends, over segments", () => {
    const range = between("1:8", "3:2");
    for (const [segment, index, is] of [
      [1, 7, false],
      [1, 8, true],
      [2, 0, true],
      [3, 2, true],
      [3, 3, false],
    ] as const)
      expect(isWithin(range, { segment, index })).toBe(is);
  });

  it("is written by a reader in numbers of lines", () => {
    expect(numbersOf("10-20")).toEqual({ first: 10, last: 20 });
    expect(numbersOf(" 7,700 – 7,654")).toEqual({ first: 7654, last: 7700 });
    for (const text of ["10", "10-", "0-5", "2026-11-30", "2026-11-30T10:00Z"]) expect(numbersOf(text)).toBeNull();
  });
});
