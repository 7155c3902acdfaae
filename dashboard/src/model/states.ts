// States of runs and treatments: their tone, and the order in which they matter to a reader.

export type Tone = "ok" | "bad" | "busy" | "wait" | "off";

const TONES: Record<string, Tone> = {
  succeeded: "ok",
  failed: "bad",
  lost: "bad",
  timed_out: "bad",
  soft_failed: "wait",
  running: "busy",
  placing: "busy",
  booting: "busy",
  cancelling: "busy",
  pending: "wait",
  ready: "wait",
  skipped: "off",
  cancelled: "off",
};

export function tone(state: string): Tone {
  return TONES[state] ?? "wait";
}

/** The state to show of a treatment: a failure that does not fail its run is one of its own. */
export function shownState(treatment: { state: string; soft_failed: boolean }): string {
  return treatment.soft_failed && broke(treatment.state) ? "soft_failed" : treatment.state;
}

export function words(state: string): string {
  return state.replaceAll("_", " ");
}

export function hasEnded(state: string): boolean {
  return ["succeeded", "failed", "lost", "timed_out", "skipped", "cancelled"].includes(state);
}

export function broke(state: string): boolean {
  return tone(state) === "bad";
}

/** Without the groups whose instances are there: these are what did the work. */
export function withoutGroups<T extends { name: string }>(treatments: readonly T[]): T[] {
  const groups = new Set(
    treatments.flatMap(({ name }) => (name.includes(":") ? [name.slice(0, name.indexOf(":"))] : [])),
  );
  return treatments.filter(({ name }) => !groups.has(name));
}

/** Counts by state, what broke first. */
export function counts(states: Iterable<string>): [string, number][] {
  const found = new Map<string, number>();
  for (const state of states) found.set(state, (found.get(state) ?? 0) + 1);
  const order: Tone[] = ["bad", "busy", "wait", "off", "ok"];
  return [...found].sort((a, b) => order.indexOf(tone(a[0])) - order.indexOf(tone(b[0])) || a[0].localeCompare(b[0]));
}
