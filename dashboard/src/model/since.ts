// Since when a pipeline breaks, from its newest runs.
import { broke } from "./states.ts";

export interface Past {
  run_id: string;
  state: string;
  created_at: string;
  replay_of?: object | null;
}

export interface Since {
  /** The first run after the last that passed which broke. */
  first: Past;
  /** How many broke from that one to the one that is looked at. */
  count: number;
  /** Whether there may be earlier ones, beyond the runs that were read. */
  isAtLeast: boolean;
}

/** Ids of runs sort by time. `passed` is the last that passed before `run`, null if none did. */
export function sinceOf(runs: readonly Past[], run: string, passed: string | null): Since | null {
  const bad = runs
    .filter(
      (one) => one.run_id <= run && (passed === null || one.run_id > passed) && broke(one.state) && !one.replay_of,
    )
    .sort((a, b) => (a.run_id < b.run_id ? -1 : 1));
  const [first] = bad;
  if (!first) return null;
  const isWhole = passed === null ? false : runs.some((one) => one.run_id <= passed);
  return { first, count: bad.length, isAtLeast: !isWhole };
}
