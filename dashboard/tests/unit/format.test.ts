import { expect, it } from "vitest";
import { hexdump, utf8 } from "../../src/model/bytes.ts";
import { ago, between, bytes, counted, duration, softFailures, unpreviewed } from "../../src/model/format.ts";
import { broke, counts, shownState, withoutGroups } from "../../src/model/states.ts";

it.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [2_130, "2.1 s"],
  [59_400, "59 s"],
  [66_000, "1 min 6 s"],
  [120_000, "2 min"],
  [3_600_000, "1 h"],
  [86_400_000, "1 d"],
  [90_000_000, "1 d 1 h"],
])("%i ms are %s", (ms, words) => {
  expect(duration(ms)).toBe(words);
});

it("counts from a start to an end, or to now", () => {
  expect(between(null, null, 0)).toBe("–");
  expect(between("1970-01-01T00:00:00Z", null, 1_500)).toBe("1.5 s");
  expect(ago("1970-01-01T00:00:00Z", 180_000)).toBe("3 min ago");
});

it("names sizes and counts", () => {
  expect([bytes(999), bytes(1_500), bytes(66_000_000)]).toEqual(["999 B", "1.5 kB", "66 MB"]);
  expect([counted(1, "line"), counted(1_200, "line")]).toEqual(["1 line", "1,200 lines"]);
});

it("puts what broke first", () => {
  expect(counts(["succeeded", "failed", "running", "failed"])).toEqual([
    ["failed", 2],
    ["running", 1],
    ["succeeded", 1],
  ]);
});

it("counts instances and not their groups", () => {
  const names = ["build", "test", "test:linux", "test:mac", "release"];
  const treatments = names.map((name) => ({ name }));
  expect(withoutGroups(treatments).map(({ name }) => name)).toEqual(["build", "test:linux", "test:mac", "release"]);
});

it("writes bytes as hexdump does", () => {
  const content = new TextEncoder().encode("hello, wide world\n");
  expect(hexdump(content, 16).split("\n")).toEqual([
    "00000010  68 65 6c 6c 6f 2c 20 77  69 64 65 20 77 6f 72 6c  |hello, wide worl|",
    "00000020  64 0a                                             |d.|",
  ]);
  expect(utf8(new Uint8Array([0x61, 0xff, 0x0a, 0x62]))).toBe("a�\nb");
});

it("shows a failure that does not fail its run as a state of its own", () => {
  expect(shownState({ state: "failed", soft_failed: true })).toBe("soft_failed");
  expect(shownState({ state: "failed", soft_failed: false })).toBe("failed");
  expect(shownState({ state: "running", soft_failed: true })).toBe("running");
  expect(broke("soft_failed")).toBe(false);
  expect([softFailures(0), softFailures(1), softFailures(2)]).toEqual([
    undefined,
    "(1 soft failure)",
    "(2 soft failures)",
  ]);
});

it("says what a value without a stored beginning is", () => {
  expect(unpreviewed("source-tree", 20_000)).toBe(
    "A tree of files, 20 kB in all. cadence value show RUN TREATMENT.source-tree --input lists them.",
  );
  expect(unpreviewed(undefined, 20_000)).toBe("There is no preview of it, 20 kB in all.");
});
