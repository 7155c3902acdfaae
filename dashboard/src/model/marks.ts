// The symbol of each state, as a path in a circle of 16 by 16: in texts and on the graph it is the same.

const MARKS: Record<string, string> = {
  succeeded: "M4.2 8.2 7 11l4.8-5.6",
  failed: "m5.3 5.3 5.4 5.4m0-5.4-5.4 5.4",
  soft_failed: "M8 4.6v4m0 2.6v.2",
  lost: "M6 6.3c.2-1.4 1-1.9 2-1.9s2 .7 2 1.8c0 1.5-2 1.6-2 3.1m0 2v.4",
  timed_out: "M8 4.6V8.2l2.4 1.6",
  running: "M6.4 5.2v5.6L11 8z",
  placing: "M4.8 8h.1M8 8h.1m3.1 0h.1",
  booting: "M4.8 8h.1M8 8h.1m3.1 0h.1",
  cancelling: "M5 8h6",
  ready: "M8 8h.1",
  skipped: "m5.2 5.2 2.9 2.8-2.9 2.8m3.3-5.6L11.4 8l-2.9 2.8",
  cancelled: "m4.9 11.1 6.2-6.2",
};

/** The path of a state's symbol; empty for a state that is an empty circle. */
export function markOf(state: string): string {
  return MARKS[state] ?? "";
}
