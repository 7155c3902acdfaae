// A run that is followed: whole at first, then what changed. What comes twice changes nothing, and a client that was away
// goes on from its position, so that nothing is lost.

export interface Named {
  name: string;
  attempt?: number;
  started_at?: string | null;
  finished_at?: string | null;
}

export interface Followed<T extends Named> {
  state: string;
  treatments: T[];
}

export interface Changes<T extends Named> {
  run: object;
  treatments: T[];
  reload: boolean;
  after: string;
  /** They came by themselves: what was read meanwhile may be newer. */
  pushed?: boolean;
}

/** How far a treatment is. */
const stage = (one: Named) => (one.attempt ?? 0) * 4 + (one.started_at ? 1 : 0) + (one.finished_at ? 2 : 0);

/** The run with what changed in place of what it had; what it had not yet comes last. */
export function merged<T extends Named, R extends Followed<T>>(run: R, changes: Changes<T>): R {
  const changed = new Map(changes.treatments.map((one) => [one.name, one]));
  const treatments = run.treatments.map((one) => {
    const found = changed.get(one.name);
    changed.delete(one.name);
    return found && !(changes.pushed && stage(found) < stage(one)) ? found : one;
  });
  return { ...run, ...changes.run, treatments: [...treatments, ...changed.values()] };
}

export interface Source<T extends Named, R extends Followed<T>> {
  /** The position of now. */
  position(): Promise<string>;
  whole(): Promise<R>;
  /** What changed since the position; waits for the first change. */
  changes(after: string): Promise<Changes<T>>;
  /** Resolves once the page is looked at: at once, or when a hidden tab is shown again. */
  shown(): Promise<void>;
  sleep(ms: number): Promise<void>;
}

const LONGEST_PAUSE = 10_000;
const UNCHANGED_PAUSE = 50;

/** Follows a run until it has ended. `aborted` ends it before; where nothing can be had, it asks less and less often. */
export async function follow<T extends Named, R extends Followed<T>>(
  source: Source<T, R>,
  ended: (run: R) => boolean,
  show: (run: R | null, error: Error | null) => void,
  aborted: () => boolean,
): Promise<void> {
  let run: R | null = null;
  let after: string | null = null;
  let failures = 0;
  while (!aborted()) {
    try {
      if (run === null || after === null) {
        // The position is taken first: a change in between comes twice rather than not at all.
        const position = source.position().catch(() => null);
        run = await source.whole();
        if (aborted()) return;
        show(run, null);
        after = await position;
        if (after === null) await source.sleep(1_000); // no channel: whole runs, one after the other
      } else {
        const changes: Changes<T> = await source.changes(after);
        if (aborted()) return;
        if (changes.reload) run = await source.whole();
        else if (changes.pushed || changes.after !== after) run = merged<T, R>(run, changes);
        else await source.sleep(UNCHANGED_PAUSE); // where requests do not wait, they are not repeated without a pause
        after = changes.after;
        if (aborted()) return;
        show(run, null);
      }
      failures = 0;
      if (ended(run)) return;
    } catch (error) {
      if (aborted()) return;
      failures += 1;
      show(run, error as Error);
      await source.sleep(Math.min(LONGEST_PAUSE, 250 * 2 ** failures));
      // A channel that is cut twice is given up for a whole run; its position is kept for one that was cut once.
      if (failures > 1) after = null;
    }
    await source.shown();
  }
}
