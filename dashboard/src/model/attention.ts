// What needs attention: pipelines whose last run broke, and pools that have a problem.
import { type Amounts, money, shares } from "./budget.ts";
import { broke, hasEnded } from "./states.ts";

interface Run {
  project: string;
  pipeline: string;
  branch: string | null;
  state: string;
  replay_of: unknown;
  generated: boolean;
}

export interface Broken<R extends Run> {
  run: R;
  /** How many of its newest runs broke in a row. */
  times: number;
}

/** Pipelines whose newest ended run broke; `runs` are the newest first. Replays and parts of other runs do not count. */
export function brokenPipelines<R extends Run>(runs: readonly R[]): Broken<R>[] {
  const streaks = new Map<string, Broken<R> & { over: boolean }>();
  for (const run of runs) {
    if (!hasEnded(run.state) || run.state === "cancelled" || run.replay_of || run.generated) continue;
    const key = `${run.project}/${run.pipeline}`;
    const known = streaks.get(key);
    if (!known) streaks.set(key, { run, times: broke(run.state) ? 1 : 0, over: !broke(run.state) });
    else if (!known.over && broke(run.state)) known.times += 1;
    else known.over = true;
  }
  return [...streaks.values()].filter((one) => one.times > 0).map(({ run, times }) => ({ run, times }));
}

interface Pool {
  pool: { name: string; provider: string };
  probe: { passed: boolean; error: string | null } | null;
  refusals: readonly { offer: string; reason: string; until: string }[];
  queue: readonly unknown[];
  spending: (Amounts & { currency: string }) | null;
}

interface Host {
  pool: string;
  name: string;
  last_seen: string;
  draining: boolean;
}

export interface Problem {
  pool: string;
  problem: string;
}

// A host's agent asks for work at least every 20 seconds.
const SILENT = 120_000;

export function poolProblems(pools: readonly Pool[], hosts: readonly Host[], now: number): Problem[] {
  return pools.flatMap(({ pool, probe, refusals, queue, spending }) => {
    const found: Problem[] = [];
    const tell = (problem: string) => found.push({ pool: pool.name, problem });
    if (probe && !probe.passed) tell(probe.error ?? "its last probe did not pass");
    for (const refusal of refusals)
      if (Date.parse(refusal.until) > now) tell(`${refusal.offer} is refused: ${refusal.reason}`);
    if (spending && shares(spending).tone === "bad")
      tell(`nothing is left of this month's budget of ${money(spending.per_month, spending.currency)}`);
    if (pool.provider === "host") {
      const own = hosts.filter((host) => host.pool === pool.name);
      const silent = own.filter((host) => now - Date.parse(host.last_seen) > SILENT);
      if (queue.length && own.length === silent.length) tell(`${queue.length} wait, and no host asks for work`);
      else for (const host of silent) if (!host.draining) tell(`host ${host.name} is silent`);
    }
    return found;
  });
}
