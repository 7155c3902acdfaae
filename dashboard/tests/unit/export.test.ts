import { describe, expect, it } from "vitest";
import { csv, fileName, jsonLines, logText } from "../../src/model/export.ts";

describe("a table as CSV", () => {
  it("quotes what RFC 4180 asks for, and keeps lists as JSON", () => {
    const rows = [
      { name: 'a "b", c', count: 3, gone: null, teams: ["x", "y"] },
      { name: "two\nlines", count: -1.5, gone: undefined, teams: [] },
    ];
    expect(csv(rows)).toBe('name,count,gone,teams\r\n"a ""b"", c",3,,"[""x"",""y""]"\r\n"two\nlines",-1.5,,[]\r\n');
  });

  it.each(["=1+1", "+1", "-1", "@x", "\t=1"])("makes no formula of the text %j", (text) => {
    expect(csv([{ text }])).toBe(`text\r\n'${text}\r\n`);
  });

  it("is empty but for a head without rows", () => {
    expect(csv([])).toBe("\r\n");
  });
});

describe("a log as text", () => {
  it("has no colours, and says where lines are missing", () => {
    const line = { time: "2026-11-30T05:00:00Z", treatment: "build", level: "info" };
    const lines = [
      { ...line, text: "\u001b[31mred\u001b[0m", gap: null },
      { ...line, text: "its host was lost", gap: 3 },
    ];
    expect(logText(lines)).toBe(
      "2026-11-30T05:00:00Z build red\n2026-11-30T05:00:00Z build — lines are missing here: its host was lost\n",
    );
  });
});

describe("JSON lines", () => {
  it("are read back as they were", () => {
    const rows = [{ text: "a\nb" }, { text: "\u202e" }];
    expect(
      jsonLines(rows)
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(rows);
  });
});

describe("names of files", () => {
  it.each([
    [["orders", "01hx", "csv"], "orders-01hx.csv"],
    [["main/build#2", "log"], "main-build-2.log"],
    [["../../etc/passwd", "txt"], "etc-passwd.txt"],
    [["", "bin"], "cadence.bin"],
  ])("%j", (parts, name) => {
    expect(fileName(...parts)).toBe(name);
  });
});
