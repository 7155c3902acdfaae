// The critical path of a run as it was at a moment, by the same rules as that of now, which the API tells
// (`functions/cadence/domain/runs/critical_path.py`): a reader who drags through the time does not wait for an answer.
import { type Edge, groupOf } from "./groups.ts";
import type { Step } from "./path.ts";
import { hasEnded } from "./states.ts";
import type { Change } from "./travel.ts";

interface Treatment {
  name: string;
  state: string;
  attempt: number;
  kept_from: string | null;
  ready_at: string | null;
  started_at: string | null;
  finished_at: string | null;
}

/** A treatment until the moment, its times in milliseconds. */
interface Known {
  treatment: Treatment;
  /** When its first attempt was ready; null if none was. */
  ready: number | null;
  started: number | null;
  finished: number | null;
  changes: readonly Change[];
}

/** What a treatment waited for last, null for nothing, and when that let it go on. */
type Before = readonly [string | null, number];

/**
 * The steps by time; none if no treatment was ready yet. `treatments` are as they were `at` the moment, `planned` are the
 * names in the graph, whose `edges` lead from what lets a treatment go on.
 */
export function pathAt(
  treatments: readonly Treatment[],
  changes: ReadonlyMap<string, readonly Change[]>,
  planned: ReadonlySet<string>,
  edges: readonly Edge[],
  at: number,
): Step[] {
  const all = new Map(treatments.map((one) => [one.name, known(one, changes.get(one.name) ?? [], at)]));
  const producers = producersOf(all.keys(), planned, edges);
  const before = (name: string, until: number): Before => {
    const own = Math.min(all.get(name)?.ready ?? until, until);
    const found = (producers.get(name) ?? []).flatMap((producer): [string, number][] => {
      const moment = letGo(all.get(producer), until);
      return moment === null ? [] : [[producer, moment]];
    });
    return found.reduce<Before | null>((last, one) => (last && isBefore(one, last) ? last : one), null) ?? [null, own];
  };
  const steps = new Map<string, Step>();
  let [name, until] = lastOf([...all.values()], before, at);
  for (let one = all.get(name ?? ""); one && !steps.has(one.treatment.name); one = all.get(name ?? "")) {
    const [previous, since] = before(one.treatment.name, until);
    steps.set(one.treatment.name, stepOf(one, since, until));
    [name, until] = [previous, since];
  }
  return [...steps.values()].reverse();
}

function known(treatment: Treatment, changes: readonly Change[], at: number): Known {
  const time = (text: string | null) => (text === null ? null : Date.parse(text));
  const until = changes.filter((change) => change.at <= at);
  const [ready_at, started] = [time(treatment.ready_at), time(treatment.started_at)];
  const ready = until.find((change) => change.state === "ready")?.at ?? ready_at ?? started;
  return { treatment, ready, started, finished: time(treatment.finished_at), changes: until };
}

/** What each treatment waits for: a group for its instances, and an instance that is in no plan for what its group does. */
function producersOf(
  names: Iterable<string>,
  planned: ReadonlySet<string>,
  edges: readonly Edge[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const instances = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, name: string, one: string) => {
    const others = to.get(name);
    if (others) others.push(one);
    else to.set(name, [one]);
  };
  for (const { source, target } of edges) add(found, target, source);
  for (const name of names) {
    const group = groupOf(name);
    if (group === null || !planned.has(group)) continue;
    add(instances, group, name);
    if (!planned.has(name)) found.set(name, found.get(group) ?? []);
  }
  for (const [group, own] of instances) found.set(group, [...(found.get(group) ?? []), ...own]);
  return found;
}

/** The treatment that the path ends with, and when: the one that is under way longest, else the one that ended last. */
function lastOf(all: readonly Known[], before: (name: string, until: number) => Before, at: number): Before {
  const begun = all.filter((one) => one.treatment.kept_from === null && one.ready !== null);
  const order = (found: [string, number][]) => found.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  const open = begun.filter((one) => !hasEnded(one.treatment.state)).map((one) => one.treatment.name);
  const [longest] = order(open.map((name) => [name, before(name, at)[1]]));
  if (longest) return [longest[0], at];
  const ended = begun.flatMap(({ treatment, finished }): [string, number][] =>
    finished === null ? [] : [[treatment.name, finished]],
  );
  return order(ended).at(-1) ?? [null, at];
}

/** By time, then by name. */
function isBefore(a: Before, b: Before): boolean {
  return a[1] === b[1] ? (a[0] ?? "") < (b[0] ?? "") : a[1] < b[1];
}

/** When a producer last let others go on before `until`: by its end, or by its start if it still sent a stream. */
function letGo(producer: Known | undefined, until: number): number | null {
  if (!producer || producer.treatment.kept_from !== null) return null;
  const moments = [producer.finished, producer.started].filter((one) => one !== null && one <= until);
  return moments.length ? Math.max(...(moments as number[])) : null;
}

function stepOf({ treatment, started, finished, changes }: Known, since: number, until: number): Step {
  const shares = { booting: 0, running: 0 };
  const states = changes.length ? changes : [{ state: "running", at: started ?? until }]; // inside of an engine
  states.forEach(({ state, at }, index) => {
    const end = states[index + 1]?.at ?? finished ?? until;
    if (state !== "booting" && state !== "running") return;
    shares[state] += Math.max(0, Math.min(end, until) - Math.max(at, since)) / 1_000;
  });
  return {
    treatment: treatment.name,
    state: treatment.state,
    attempt: treatment.attempt,
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    queued: (until - since) / 1_000 - shares.booting - shares.running,
    booted: shares.booting,
    ran: shares.running,
  };
}
