import { describe, expect, it } from "vitest";
import { type TestCounts, testsInWords } from "../../src/model/tests.ts";

const NONE: TestCounts = {
  total: 0,
  passed: 0,
  failed: 0,
  errors: 0,
  skipped: 0,
  new: 0,
  known_flaky: 0,
  quarantined: 0,
};

describe("the tests of a run", () => {
  it("are counted where none failed", () => {
    expect(testsInWords({ ...NONE, total: 1, passed: 1 }, false)).toBe("1 test, none failed");
    expect(testsInWords({ ...NONE, total: 2_000, passed: 1_999, skipped: 1 }, true)).toBe(
      "2,000 tests, none failed, 1 skipped",
    );
  });

  it("tell new failures from those that are known", () => {
    const counts = { ...NONE, total: 120, failed: 5, errors: 1, new: 3, known_flaky: 1, quarantined: 1 };
    expect(testsInWords(counts, true)).toBe("6 of 120 tests failed: 3 new failures, 1 known as flaky, 1 in quarantine");
    expect(testsInWords({ ...NONE, total: 3, failed: 1 }, true)).toBe("1 of 3 tests failed");
    expect(testsInWords({ ...NONE, total: 3, failed: 1 }, false)).toBe(
      "1 of 3 tests failed: no earlier results to compare with",
    );
  });
});
