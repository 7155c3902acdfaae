import { describe, expect, it } from "vitest";
import { pieces, plain, visible } from "../../src/model/ansi.ts";

const ESC = "\u001b";

describe("pieces of a line", () => {
  it("have their colours and weights", () => {
    expect(pieces(`a${ESC}[1;31mb${ESC}[0mc`)).toEqual([
      { text: "a", look: "" },
      { text: "b", look: "fg1 bold" },
      { text: "c", look: "" },
    ]);
  });

  it("know bright, extended and true colours", () => {
    expect(pieces(`${ESC}[92mx`)).toEqual([{ text: "x", look: "fg10" }]);
    expect(pieces(`${ESC}[38;5;196mx`)[0]?.colour).toBe("rgb(255 0 0)");
    expect(pieces(`${ESC}[38;2;1;2;300mx`)[0]?.colour).toBe("rgb(1 2 255)");
  });

  it("lose links, titles and other commands to a terminal", () => {
    const hostile = [
      `a${ESC}]8;;https://evil.example${ESC}\\b${ESC}]8;;${ESC}\\c`,
      `a${ESC}]0;title\u0007bc`,
      `a${ESC}[2J${ESC}[Hbc`,
      `a${ESC}Pq${ESC}\\bc`,
      `abc${ESC}]8;;unfinished`,
      `abc${ESC}[38;5`,
    ];
    for (const line of hostile) expect(plain(line)).toBe("abc");
  });

  it("show what would turn or hide text", () => {
    expect(visible("a\u202eb\u200bc")).toBe("a⟨U+202E⟩b⟨U+200B⟩c");
    expect(visible("a\u0008b\r")).toBe("a␈b");
    expect(visible("tab\tand ünïcode 漢")).toBe("tab\tand ünïcode 漢");
  });

  it("mark bytes that are not UTF-8, and hidden characters", () => {
    expect(pieces(`a\ufffd\ufffdb${ESC}[31mc\u202ed\r`)).toEqual([
      { text: "a", look: "" },
      { text: "\ufffd\ufffd", look: "odd", odd: "Bytes that are not UTF-8" },
      { text: "b", look: "" },
      { text: "c", look: "fg1" },
      { text: "⟨U+202E⟩", look: "odd fg1", odd: "Hidden characters" },
      { text: "d", look: "fg1" },
    ]);
    expect(plain("a\u0000\ufffdb")).toBe("a␀\ufffdb");
  });

  it("leave markup as text", () => {
    expect(plain("<img src=x onerror=alert(1)>")).toBe("<img src=x onerror=alert(1)>");
  });

  it("take a line of ten megabytes", () => {
    const long = `${ESC}[31m${"x".repeat(10_000_000)}`;
    expect(plain(long)).toHaveLength(10_000_000);
    expect(plain(`${ESC}[`.repeat(100_000))).toHaveLength(0);
  });
});
