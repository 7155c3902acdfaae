import { describe, expect, it } from "vitest";
import { changesOf, textDiff } from "../../src/model/text_diff.ts";

const short = (older: string, newer: string) =>
  textDiff(older, newer).map(({ kind, text }) => `${{ same: " ", removed: "-", added: "+" }[kind]}${text}`);

describe("two texts", () => {
  it("differ line by line", () => {
    expect(short("a\nb\nc", "a\nB\nc")).toEqual([" a", "-b", "+B", " c"]);
    expect(short("a\nb\nc\nd", "b\nx\nd\ne")).toEqual(["-a", " b", "-c", "+x", " d", "+e"]);
    expect(short("a", "a")).toEqual([" a"]);
    expect(short("a\na\nb", "a\nb")).toEqual([" a", "-a", " b"]);
    expect(short("", "a")).toEqual(["-", "+a"]);
  });

  it("have lines with the numbers that they have there", () => {
    expect(textDiff("a\nb\nc", "b\nc\nd").map(({ before, after }) => [before, after])).toEqual([
      [1, null],
      [2, 1],
      [3, 2],
      [null, 3],
    ]);
  });

  it("give back both, however long", () => {
    const older = Array.from({ length: 3_000 }, (_, at) => `old ${at}`);
    const newer = Array.from({ length: 3_000 }, (_, at) => `new ${at}`);
    for (const [a, b] of [
      [older, newer],
      [older.slice(0, 40), [...older.slice(10, 30), ...newer.slice(0, 9)]],
    ] as const) {
      const lines = textDiff(a.join("\n"), b.join("\n"));
      expect(lines.filter((one) => one.kind !== "added").map((one) => one.text)).toEqual(a);
      expect(lines.filter((one) => one.kind !== "removed").map((one) => one.text)).toEqual(b);
    }
  });

  it("are shown by their changes, with some lines around", () => {
    const older = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const newer = older.map((text, at) => (at === 10 ? "another" : text));
    const changes = changesOf(textDiff(older.join("\n"), newer.join("\n")), 1);
    expect(changes.map((one) => (one.kind === "skipped" ? one.lines : one.text))).toEqual([
      9,
      "line 9",
      "line 10",
      "another",
      "line 11",
      8,
    ]);
  });
});
