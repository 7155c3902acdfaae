// The results of a run's tests in words.
import type { components } from "../api/types.ts";
import { counted } from "./format.ts";

export type TestCounts = Omit<components["schemas"]["CaseCountsView"], "seconds">;

/** "3 of 120 tests failed: 2 new failures, 1 known as flaky". */
export function testsInWords(counts: TestCounts, compared: boolean): string {
  const failing = counts.failed + counts.errors;
  const tests = counted(counts.total, "test");
  if (failing === 0) {
    return counts.skipped ? `${tests}, none failed, ${counts.skipped} skipped` : `${tests}, none failed`;
  }
  const kinds: string[] = [];
  if (counts.new > 0) kinds.push(counted(counts.new, "new failure"));
  if (counts.known_flaky > 0) kinds.push(`${counts.known_flaky} known as flaky`);
  if (counts.quarantined > 0) kinds.push(`${counts.quarantined} in quarantine`);
  if (!compared) kinds.push("no earlier results to compare with");
  const sentence = `${failing.toLocaleString("en")} of ${tests} failed`;
  return kinds.length > 0 ? `${sentence}: ${kinds.join(", ")}` : sentence;
}
