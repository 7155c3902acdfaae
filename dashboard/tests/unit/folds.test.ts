import { describe, expect, it } from "vitest";
import { type GroupedLine, Groups, ShownRows } from "../../src/model/folds.ts";

const line = (number: number, text: string, more: Partial<GroupedLine> = {}): GroupedLine => ({
  number,
  text,
  level: "info",
  attempt: 1,
  step: null,
  ...more,
});

function found(lines: readonly GroupedLine[]): (string | number | null)[][] {
  const groups = new Groups();
  // As they come: one after the other.
  for (let count = 1; count <= lines.length; count++) groups.take(count, (row) => lines[row]);
  return groups.all.map((group) => [group.title ?? `step ${group.step}`, group.first, group.last, group.errors]);
}

describe("groups of lines", () => {
  it("are those that a command marks, in three notations", () => {
    const texts = [
      "before",
      "::group::Install",
      "a",
      "::endgroup::",
      "between",
      "##[group]Build",
      "b",
      "::group::Next", // the group before it ends here
      "c",
      "##[endgroup]",
      "section_start:1700000000:test[collapsed=true]\r\u001b[0K\u001b[1mTest\u001b[0m",
      "section_start:1700000001:inner\r\u001b[0K",
      "section_end:1700000002:inner\r\u001b[0K",
      "section_end:1700000003:test\r\u001b[0K",
      "after",
    ];
    expect(found(texts.map((text, at) => line(at + 1, text)))).toEqual([
      ["Install", 1, 3, 0],
      ["Build", 5, 6, 0],
      ["Next", 7, 9, 0],
      ["Test", 10, 13, 0],
      ["inner", 11, 12, 0],
    ]);
  });

  it("are the steps of each attempt, with their errors; lines of the agent end none", () => {
    const lines = [
      line(1, "starts"),
      line(2, "a", { step: 1 }),
      line(3, "agent"),
      line(4, "b", { step: 1, level: "error" }),
      line(5, "::group::Pack", { step: 2 }),
      line(6, "c", { step: 2, level: "error" }),
      line(7, "ends"),
      line(8, "a", { step: 1, attempt: 2 }),
      line(9, "b", { step: 1, attempt: 2 }),
    ];
    expect(found(lines)).toEqual([
      ["step 1", 1, 3, 1],
      ["step 2", 4, 5, 1],
      ["Pack", 4, 5, 1],
      ["step 1", 7, 8, 0],
    ]);
  });

  it("begin anew where earlier lines are read", () => {
    const groups = new Groups();
    const some = [line(5, "::group::A"), line(6, "a"), line(7, "::endgroup::")];
    groups.take(some.length, (row) => some[row]);
    const all = [line(4, "before"), ...some];
    groups.take(all.length, (row) => all[row]);
    expect(groups.all.map(({ first, last, key }) => [first, last, key])).toEqual([[1, 3, "5g"]]);
  });

  it("are no deeper than twenty, however many sections are begun and not ended", () => {
    const texts = Array.from({ length: 30 }, (_, at) => `section_start:1700000000:s${at}\r`);
    const all = [
      ...texts,
      "section_end:1700000001:s25\r",
      "section_end:1700000002:s0\r",
      "section_start:3:after\r",
      "x",
    ];
    const groups = found(all.map((text, at) => line(at + 1, text)));
    expect(groups.map(([title]) => title)).toEqual([...texts.slice(0, 20).map((_, at) => `s${at}`), "after"]);
    expect([groups[0], groups.at(-1)]).toEqual([
      ["s0", 0, 31, 0],
      ["after", 32, 33, 0],
    ]);
  });
});

describe("rows of a log with folded groups", () => {
  const group = (first: number, last: number) => ({ first, last, title: "x", step: null, errors: 0, key: `${first}` });

  it("leave out what is folded, also within each other, and know their places", () => {
    const rows = new ShownRows(12, [group(6, 9), group(1, 3), group(2, 3)]);
    const shown = Array.from({ length: rows.count }, (_, place) => rows.rowAt(place));
    expect(shown).toEqual([0, 1, 4, 5, 6, 10, 11]);
    shown.forEach((row, place) => {
      expect(rows.placeOf(row)).toBe(place);
    });
    expect([2, 3, 7, 9].map((row) => rows.placeOf(row))).toEqual([1, 1, 4, 4]);
  });

  it("are all of them where nothing is folded", () => {
    const rows = new ShownRows(3, []);
    expect([rows.count, rows.rowAt(2), rows.placeOf(2)]).toEqual([3, 2, 2]);
  });
});
