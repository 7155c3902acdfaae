// What ran: a live list, filtered by the address.
import { get, pages } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { between, duration, softFailures } from "../model/format.ts";
import { localMinute, moment } from "../model/moments.ts";
import { hasEnded, words } from "../model/states.ts";
import { location_, setQuery } from "../navigation.ts";
import { Ago } from "../parts/ago.tsx";
import { heard } from "../parts/announced.ts";
import { useLoaded, useNow, useWatch } from "../parts/data.ts";
import { Field } from "../parts/field.tsx";
import { useTitle } from "../parts/head.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";
import { State, StateMark } from "../parts/state.tsx";
import { href } from "../routes.ts";

type RunList = components["schemas"]["RunList"];
type Run = components["schemas"]["RunView"];
type Counts = components["schemas"]["RunCounts"];

/** Counting reads up to a thousand runs, so it is not done again with each change of the list. */
const COUNT_EVERY = 30_000;

export function Runs() {
  useTitle("Runs");
  const query = new URLSearchParams(location_.value.search);
  const filters = Object.fromEntries(
    ["project", "pipeline", "state", "branch", "commit", "by", "since", "until"].map((name) => [name, query.get(name)]),
  );
  const loaded = useLoaded<RunList[]>(
    `runs?${JSON.stringify(filters)}`,
    // Where nothing announces changes, the answer comes once the list is another one, or after two seconds.
    (signal, last) => {
      const version = last?.at(0)?.version;
      const wait = version && heard("runs") === null ? 2 : 0;
      return pages<RunList>(["runs"], { ...filters, limit: 50, version, wait }, signal, 1);
    },
    (last) => (last?.at(0)?.version ? 250 : 3_000),
    "runs",
  );
  useWatch(null);
  const now = useNow(true);
  const runs = loaded.value?.flatMap((page) => page.items) ?? [];
  const medians = medianDurations(runs);
  return (
    <>
      <div class="title-row">
        <h1>Runs</h1>
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <Filter name="pipeline" label="Pipeline" value={filters.pipeline ?? ""} />
          <Filter name="branch" label="Branch" value={filters.branch ?? ""} />
          <Filter name="commit" label="Commit" value={filters.commit ?? ""} />
          <Filter name="by" label="Started by" value={filters.by ?? ""} />
          <Time name="since" label="Since" value={filters.since} />
          <Time name="until" label="Until" value={filters.until} />
        </form>
      </div>
      <States filters={filters} />
      {loaded.error && <Failure error={loaded.error} />}
      {!loaded.value && !loaded.error && <Loading what="runs" />}
      {loaded.value && runs.length === 0 && (
        <Nothing>
          No run matches. Start one with <code>cadence run FILE</code>.
        </Nothing>
      )}
      {runs.length > 0 && (
        <ol class="run-list card" aria-label="Runs, newest first">
          {runs.map((run) => (
            <RunRow key={run.run_id} run={run} now={now} median={medians.get(run.pipeline)} />
          ))}
        </ol>
      )}
      {loaded.value?.at(-1)?.next && <p class="note">The newest {runs.length} are shown. Filters reach older ones.</p>}
    </>
  );
}

function Filter({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <label>
      <span>{label}</span>
      <Field type="search" value={value} size={12} commit={(text) => setQuery({ [name]: text || null })} />
    </label>
  );
}

/** A time of the address, which is the same for all who follow it; the field shows it as local time. */
function Time({ name, label, value }: { name: string; label: string; value: string | null | undefined }) {
  return (
    <label>
      <span>{label}</span>
      <Field type="datetime-local" value={localMinute(value)} commit={(text) => setQuery({ [name]: moment(text) })} />
    </label>
  );
}

/** How many runs are in which state; one of them can be chosen. */
function States({ filters }: { filters: Record<string, string | null> }) {
  const { state, ...others } = filters;
  const loaded = useLoaded(
    `run-counts?${JSON.stringify(others)}`,
    (signal) => get<Counts>(["runs", "counts"], others, signal),
    () => COUNT_EVERY,
  );
  const found = loaded.value;
  if (!found) return loaded.error ? <Failure error={loaded.error} /> : <p class="run-states" />;
  const all = found.counts.reduce((sum, one) => sum + one.runs, 0);
  const counts =
    found.counts.some((one) => one.state === state) || !state ? found.counts : [...found.counts, { state, runs: 0 }];
  return (
    <div class="run-states" role="group" aria-label="Runs by state">
      <button type="button" aria-pressed={!state} onClick={() => setQuery({ state: null })}>
        All <span class="quiet-text">{counted(all, found.complete)}</span>
      </button>
      {counts.map((one) => (
        <button
          key={one.state}
          type="button"
          aria-pressed={one.state === state}
          onClick={() => setQuery({ state: one.state === state ? null : one.state })}
        >
          <StateMark state={one.state} /> {words(one.state)}{" "}
          <span class="quiet-text">{counted(one.runs, found.complete)}</span>
        </button>
      ))}
      {!found.complete && found.reached && (
        <span class="quiet-text">
          counted since <Ago time={found.reached} />
        </span>
      )}
    </div>
  );
}

function counted(runs: number, isComplete: boolean): string {
  return `${runs.toLocaleString("en")}${isComplete ? "" : "+"}`;
}

function RunRow({ run, now, median }: { run: Run; now: number; median: number | undefined }) {
  const detail = run.state === "succeeded" ? null : (run.cause ?? run.waiting_for);
  return (
    <li>
      <State state={run.state} note={softFailures(run.soft_failures)} />
      <div class="run-what">
        <a class="run-name" href={href({ page: "run", run: run.run_id })}>
          {run.pipeline}
        </a>
        <span class="run-source">
          {run.branch && <span class="chip">{run.branch}</span>}
          {run.commit && <code>{run.commit.slice(0, 8)}</code>}
          {run.commit_message && <span class="clip">{run.commit_message}</span>}
        </span>
        {detail && <span class="run-cause clip">{detail}</span>}
      </div>
      <div class="run-when">
        <span>
          {between(run.started_at, run.finished_at, now)}
          {median !== undefined && hasEnded(run.state) && <span class="quiet-text"> / {duration(median)}</span>}
        </span>
        <Ago time={run.created_at} now={now} />
      </div>
    </li>
  );
}

/** The median duration of the succeeded runs shown, by pipeline; only where there are at least three. */
function medianDurations(runs: readonly Run[]): Map<string, number> {
  const found = new Map<string, number[]>();
  for (const run of runs) {
    if (run.state !== "succeeded" || !run.started_at || !run.finished_at) continue;
    const ms = Date.parse(run.finished_at) - Date.parse(run.started_at);
    found.set(run.pipeline, [...(found.get(run.pipeline) ?? []), ms]);
  }
  const medians = new Map<string, number>();
  for (const [pipeline, all] of found) {
    all.sort((a, b) => a - b);
    if (all.length >= 3) medians.set(pipeline, all[Math.floor(all.length / 2)] as number);
  }
  return medians;
}
