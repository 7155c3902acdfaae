// The critical path in words and on the graph.
import { duration } from "./format.ts";
import { groupOf } from "./groups.ts";
import { hasEnded } from "./states.ts";

export interface Step {
  treatment: string;
  state: string;
  attempt: number;
  since: string;
  until: string;
  /** Seconds. */
  queued: number;
  booted: number;
  ran: number;
}

const MOST_NAMED = 12;
const MOST_LISTED = 50;

/** The names to show of the path; null stands for those in the middle that are left out. */
export function named(steps: readonly Step[]): (string | null)[] {
  const names = steps.map((step) => step.treatment);
  if (names.length <= MOST_NAMED) return names;
  return [...names.slice(0, MOST_NAMED / 2), null, ...names.slice(-MOST_NAMED / 2)];
}

/** When a step ended, in milliseconds; `now` where it goes on. */
export function endOf(step: Step, now: number): number {
  return hasEnded(step.state) ? Date.parse(step.until) : now;
}

/** Milliseconds from its beginning to its end, or to `now` where its last treatment goes on. */
export function took(steps: readonly Step[], now: number): number {
  const [first, last] = [steps[0], steps.at(-1)];
  return first && last ? endOf(last, now) - Date.parse(first.since) : 0;
}

/** Where its time went, such as `1.2 s queued, 12 s booting, 27 s running`. */
export function spent(steps: readonly Step[]): string {
  const sum = (of: "queued" | "booted" | "ran") => steps.reduce((all, step) => all + step[of], 0);
  return [[sum("queued"), "queued"] as const, [sum("booted"), "booting"] as const, [sum("ran"), "running"] as const]
    .filter(([seconds]) => seconds >= 0.001)
    .map(([seconds, word]) => `${duration(1_000 * seconds)} ${word}`)
    .join(", ");
}

/** The steps to list: all, or those that took longest, in their order. */
export function listed(steps: readonly Step[]): readonly Step[] {
  if (steps.length <= MOST_LISTED) return steps;
  const had = (step: Step) => Date.parse(step.until) - Date.parse(step.since);
  const longest = new Set([...steps].sort((a, b) => had(b) - had(a)).slice(0, MOST_LISTED));
  return steps.filter((step) => longest.has(step));
}

/** The path's nodes on a graph that shows `names`, each once, in order: an instance that is folded is its group. */
export function onGraph(steps: readonly Step[], names: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  for (const { treatment } of steps) {
    const name = names.has(treatment) ? treatment : groupOf(treatment);
    if (name !== null && names.has(name)) found.add(name);
  }
  return [...found];
}

/** The nodes of a path of names that are shown, each with the one after it. */
export function following(path: readonly string[], names: readonly string[]): ReadonlyMap<number, number | undefined> {
  const index = new Map(names.map((name, at) => [name, at]));
  const found = path.flatMap((name) => index.get(name) ?? []);
  return new Map(found.map((node, at) => [node, found[at + 1]]));
}
