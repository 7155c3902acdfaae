// A run as it was at any moment, from the history of its treatments' states.
import type { components } from "../api/types.ts";
import { hasEnded } from "./states.ts";

type Treatment = components["schemas"]["TreatmentSummary"];

export interface Change {
  at: number;
  attempt: number;
  state: string;
}

export interface Travel {
  changes: ReadonlyMap<string, readonly Change[]>;
  /** Each time at which something changed, ascending. */
  moments: readonly number[];
}

interface Stored {
  name: string;
  changes: readonly { at: string; attempt: number; state: string }[];
}

export function travelled(treatments: readonly Stored[]): Travel {
  const changes = new Map<string, Change[]>();
  const moments = new Set<number>();
  for (const treatment of treatments) {
    const own = treatment.changes.map((change) => ({ ...change, at: Date.parse(change.at) }));
    changes.set(treatment.name, own);
    for (const change of own) moments.add(change.at);
  }
  return { changes, moments: [...moments].sort((a, b) => a - b) };
}

/** The index of the first element that is greater than `value`, of ascending ones. */
function above(count: number, at: (index: number) => number, value: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The moment before or after `time`; null where there is none. */
export function nextMoment({ moments }: Travel, time: number, step: 1 | -1): number | null {
  const after = above(moments.length, (index) => moments[index] as number, time);
  if (step === 1) return moments[after] ?? null;
  const here = after > 0 && moments[after - 1] === time ? after - 2 : after - 1;
  return moments[here] ?? null;
}

/**
 * A treatment as it was at `time`; null if it was not there yet. Its times are those of the attempt of then, and what is
 * only known since it ended is left out before.
 */
export function treatmentAt(
  treatment: Treatment,
  changes: readonly Change[] | undefined,
  time: number,
): Treatment | null {
  if (!changes?.length) return treatment; // its history is not known: as it is now
  const count = above(changes.length, (index) => (changes[index] as Change).at, time);
  if (!count) return null;
  if (count === changes.length) return treatment;
  const { state, attempt } = changes[count - 1] as Change;
  const own = changes.slice(0, count).filter((change) => change.attempt === attempt);
  const since = (wanted: (state: string) => boolean) => {
    const found = own.find((change) => wanted(change.state));
    return found ? new Date(found.at).toISOString() : null;
  };
  return {
    ...treatment,
    state,
    attempt,
    cause: null,
    waiting_for: null,
    exit_code: null,
    soft_failed: false,
    ready_at: since((one) => one === "ready"),
    started_at: since((one) => one === "running"),
    finished_at: since(hasEnded),
  };
}

export function treatmentsAt(treatments: readonly Treatment[], travel: Travel, time: number): Treatment[] {
  return treatments.flatMap((treatment) => treatmentAt(treatment, travel.changes.get(treatment.name), time) ?? []);
}
