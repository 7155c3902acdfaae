// Is a pipeline healthy? What its last runs tell: how often they pass, how long they take, and which treatments take it.
import type { components } from "../api/types.ts";
import { counted, duration } from "./format.ts";
import { broke } from "./states.ts";

type Run = components["schemas"]["RunView"];
type Detail = components["schemas"]["RunWithTreatments"];

export interface Ended {
  run: Run;
  ms: number;
}

export interface Health {
  /** Runs that ended, the oldest first. Replays are runs of a treatment, and not among them. */
  ended: Ended[];
  passed: number;
  broken: number;
  /** Milliseconds of those that passed; null without any. */
  median: number | null;
  p95: number | null;
  /** How much longer the newer half of those that passed took than the older half, such as 0.25; null of fewer than 8. */
  change: number | null;
}

export function healthOf(runs: readonly Run[]): Health {
  const ended = runs
    .filter((run) => !run.replay_of && run.started_at && run.finished_at)
    .map((run) => ({ run, ms: Date.parse(run.finished_at as string) - Date.parse(run.started_at as string) }))
    .sort((a, b) => a.run.created_at.localeCompare(b.run.created_at));
  const passed = ended.filter(({ run }) => run.state === "succeeded").map(({ ms }) => ms);
  const half = Math.floor(passed.length / 2);
  const [before, after] = [middle(passed.slice(0, half)), middle(passed.slice(-half))];
  return {
    ended,
    passed: passed.length,
    broken: ended.filter(({ run }) => broke(run.state)).length,
    median: middle(passed),
    p95: at(passed, 0.95),
    change: passed.length >= 8 && before && after !== null ? after / before - 1 : null,
  };
}

/** The share of runs that passed, of those that passed or broke: "8 of 9 passed (89 %)". */
export function rateText({ passed, broken }: Health): string {
  const all = passed + broken;
  return all ? `${passed} of ${all} passed (${Math.floor((100 * passed) / all)} %)` : "no run ended yet";
}

/** "25 % longer than the runs before"; null where it is about the same. */
export function changeText({ change }: Health): string | null {
  if (change === null || Math.abs(change) < 0.1) return null;
  return `${Math.round(100 * Math.abs(change))} % ${change > 0 ? "longer" : "shorter"} than the runs before`;
}

export function trendText(health: Health): string {
  const times = health.median === null ? "" : `, median ${duration(health.median)}`;
  return `Durations of the last ${counted(health.ended.length, "run")}, the oldest first: ${rateText(health)}${times}`;
}

export interface Slow {
  name: string;
  /** Medians in milliseconds. */
  ran: number;
  waited: number;
  executions: number;
  broken: number;
}

/** The treatments by how long they run, the slowest first; instances of a group count as executions of it. */
export function slowest(details: readonly Pick<Detail, "treatments">[]): Slow[] {
  const found = new Map<string, { ran: number[]; waited: number[]; broken: number }>();
  for (const { name, ready_at, started_at, finished_at, state, kept_from } of details.flatMap(
    (one) => one.treatments,
  )) {
    if (!started_at || !finished_at || kept_from) continue;
    const group = name.replace(/:\d+$/, "");
    const of = found.get(group) ?? { ran: [], waited: [], broken: 0 };
    of.ran.push(Date.parse(finished_at) - Date.parse(started_at));
    if (ready_at) of.waited.push(Date.parse(started_at) - Date.parse(ready_at));
    if (broke(state)) of.broken += 1;
    found.set(group, of);
  }
  return [...found]
    .map(([name, { ran, waited, broken }]) => ({
      name,
      ran: middle(ran) ?? 0,
      waited: middle(waited) ?? 0,
      executions: ran.length,
      broken,
    }))
    .sort((a, b) => b.ran - a.ran || a.name.localeCompare(b.name));
}

const middle = (all: readonly number[]) => at(all, 0.5);

function at(all: readonly number[], share: number): number | null {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}
