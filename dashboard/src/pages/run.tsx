// Why, or how far? A run's header, the reason first, its graph, its treatments and its log.
import { useMemo, useRef, useState } from "preact/hooks";
import { get, type Problem, pages, post } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { between, softFailures } from "../model/format.ts";
import { folded, groupOf, parts } from "../model/groups.ts";
import type { Layout } from "../model/layout.ts";
import { onGraph } from "../model/path.ts";
import { broke, counts, hasEnded, shownState, withoutGroups, words } from "../model/states.ts";
import { why } from "../model/why.ts";
import { location_, navigate, setQuery } from "../navigation.ts";
import { Ago } from "../parts/ago.tsx";
import { useKept, useLoaded, useNow } from "../parts/data.ts";
import { Export } from "../parts/export.tsx";
import { Crumbs, Fact, useTitle } from "../parts/head.tsx";
import { later } from "../parts/later.tsx";
import { useRun } from "../parts/live.ts";
import { Logs } from "../parts/logs.tsx";
import { Failure, Loading, Unavailable } from "../parts/notes.tsx";
import { Scrubber, usePast } from "../parts/scrubber.tsx";
import { State, StateMark } from "../parts/state.tsx";
import { Treatments } from "../parts/treatments.tsx";
import { WhyPanel } from "../parts/why.tsx";
import { href } from "../routes.ts";

type Schemas = components["schemas"];
type Run = Schemas["RunWithTreatments"];
type GraphPage = Schemas["GraphView"];

const CriticalPath = later(() => import("../parts/critical.tsx").then((part) => part.CriticalPath), true);
const NONE: readonly never[] = [];
const Graph = later(() => import("../parts/graph.tsx").then((part) => part.Graph), true);
const Flows = later(() => import("../parts/flows.tsx").then((part) => part.Flows), true);
const Since = later(() => import("../parts/since.tsx").then((part) => part.Since), true);
const Strip = later(() => import("../parts/strip.tsx").then((part) => part.Strip), true);
const Summaries = later(() => import("../parts/summaries.tsx").then((part) => part.Summaries), true);
const Tests = later(() => import("../parts/tests.tsx").then((part) => part.Tests), true);

export function RunPage({ run: id, line }: { run: string; line?: string | undefined }) {
  const query = new URLSearchParams(location_.value.search);
  const selected = query.get("t");
  const loaded = useRun(id);
  const run = loaded.value;
  const ended = run ? hasEnded(run.state) : false;
  const isEngine = Boolean(run?.melodium);
  // The shape of the graph stays once the run is planned, but for what an engine tells of itself; its states come with
  // the run. It is read once more at the end.
  const graph = useLoaded(
    `graph/${id}/${ended}/${isEngine}`,
    (signal) => pages<GraphPage>(["runs", id, "graph"], {}, signal),
    (read) => (ended || (read?.[0]?.nodes.length && !isEngine) ? null : 5_000),
  );
  const shape = useKept(id, graph);
  const latest = useKept(
    id,
    useLoaded(
      `path/${id}/${run === null || ended}`,
      async (signal) =>
        run === null || ended ? null : await get<GraphPage>(["runs", id, "graph"], { only: "critical_path" }, signal),
      () => (run === null || ended ? null : 5_000),
    ),
  );
  const told = ((ended && graph.value?.at(-1)) || latest.value || shape.value?.at(-1))?.critical_path ?? NONE;
  const now = useNow(run !== null && !ended);
  useTitle(run ? `${run.pipeline}: ${words(run.state)}` : "Run");

  const past = usePast(id, run, now);
  const isPast = past.at !== null;
  const [labels, setLabels] = useState<ReadonlyMap<string, string> | null>(null);
  const states = useMemo(() => new Map(run?.treatments.map((one) => [one.name, one])), [run]);
  const shown = useMemo(() => new Map(past.treatments.map((one) => [one.name, one])), [past.treatments]);
  const rows = useMemo(() => inOrder(past.treatments), [past.treatments]);
  const counted = useMemo(() => counts(withoutGroups(past.treatments).map(shownState)), [past.treatments]);
  const marked = useMemo(() => rows.map((one) => ({ name: one.name, state: shownState(one) })), [rows]);
  const whole = useMemo(
    () => ({
      nodes: shape.value?.flatMap((page) => page.nodes) ?? [],
      edges: shape.value?.flatMap((page) => page.edges) ?? [],
    }),
    [shape.value],
  );
  const groups = useMemo(() => new Set(whole.nodes.flatMap((node) => (node.instances ? [node.name] : []))), [whole]);
  const open = selected === null ? null : (groupOf(selected) ?? selected);
  const opened = open !== null && groups.has(open) ? rows.filter((one) => groupOf(one.name) === open) : NONE;
  const { names, edges } = useMemo(
    () =>
      folded(
        whole.nodes,
        whole.edges,
        open,
        opened.map((one) => one.name),
      ),
    [whole, open, opened.length],
  );
  const nodes = useMemo(() => {
    const known = new Map(whole.nodes.map((node) => [node.name, node.state]));
    const instances = parts(past.treatments, groups);
    return names.map((name) => {
      const one = shown.get(name);
      const state = one ? shownState(one) : isPast ? "pending" : (known.get(name) ?? "pending");
      return { name, state, parts: instances.get(name) };
    });
  }, [whole, names, groups, past.treatments, shown, isPast]);
  const planned = useMemo(() => new Set(whole.nodes.map((node) => node.name)), [whole]);
  const steps = useMemo(() => {
    if (past.at === null || past.travel === null || past.pathAt === null) return told;
    return past.pathAt(past.treatments, past.travel.changes, planned, whole.edges, past.at);
  }, [told, past.treatments, past.travel, planned, whole, past.at]);
  const path = useMemo(() => onGraph(steps, new Set(names)), [steps, names]);
  const large = useRef<HTMLDivElement>(null);
  const [layout, setLayout] = useState<Layout | null>(null);
  const choose = (name: string) => setQuery({ t: name === selected ? null : name });
  const sending = useMemo(
    () => whole.edges.filter((edge) => edge.flow === "stream" && states.get(edge.source)?.state === "running"),
    [whole, states],
  );
  const found = useMemo(
    () => why(run?.treatments.map((one) => ({ ...one, state: shownState(one) })) ?? [], whole.edges),
    [run, whole],
  );

  if (!run) return loaded.error ? <Unavailable what="Run" error={loaded.error} /> : <Loading what="the run" />;
  return (
    <>
      <Header run={run} now={now} />
      {loaded.error && <Failure error={loaded.error} />}
      {found.roots.length > 0 && (
        <WhyPanel run={id} found={found} states={states} ended={ended}>
          {ended && !run.replay_of && <Since run={run} />}
        </WhyPanel>
      )}
      {found.roots.length === 0 && broke(run.state) && (
        <section class="card why">
          <h2>Why</h2>
          <p>{run.cause ?? `The run ${words(run.state)}.`}</p>
        </section>
      )}
      <Tests run={id} finished={run.finished_at} />
      <Summaries run={id} finished={run.finished_at} />
      <section class="card" aria-labelledby="graph-title">
        <div class="section-head">
          <h2 id="graph-title">Treatments</h2>
          <span class="counts">
            {counted.map(([state, count]) => (
              <span key={state} class="count">
                <StateMark state={state} /> {count.toLocaleString("en")} {words(state)}
              </span>
            ))}
          </span>
          <span class="fill" />
          <Export name={`treatments-${id}`} what="the table of treatments" rows={() => rows.map(asRow)} />
        </div>
        {shape.error && <Failure error={shape.error} />}
        {nodes.length > 0 && (
          <div ref={large} class="graph-place">
            <Graph
              nodes={nodes}
              edges={edges}
              labels={isPast || ended ? null : labels}
              selected={names.includes(selected ?? "") ? selected : open}
              path={path}
              laid={setLayout}
              choose={choose}
            />
          </div>
        )}
        {steps.length > 0 && <CriticalPath run={id} steps={steps} now={past.at ?? now} />}
        {!isPast && !ended && sending.length > 0 && <Flows run={id} edges={sending} label={setLabels} />}
        <Scrubber past={past} />
        {selected && shown.has(selected) && (
          <Selected run={id} treatment={shown.get(selected) as Schemas["TreatmentSummary"]} />
        )}
        <Treatments
          run={id}
          treatments={rows}
          selected={selected}
          start={run.started_at ?? run.created_at}
          end={isPast ? new Date(past.end).toISOString() : run.finished_at}
          now={past.at ?? now}
          at={past.at}
          changes={past.travel?.changes}
          path={steps}
        />
      </section>
      {may("logs:read") && (
        <Logs
          run={id}
          treatment={selected ?? undefined}
          isGroup={selected !== null && groups.has(selected)}
          ended={ended}
          mark={line ?? query.get("line")}
          among={run.treatments.map((one) => one.name)}
        />
      )}
      {layout && (
        <Strip
          layout={layout}
          nodes={nodes}
          edges={edges}
          path={path}
          treatments={marked}
          states={counted}
          selected={selected}
          choose={choose}
          large={large}
        />
      )}
    </>
  );
}

/** By the time at which they became ready, then by name. */
function inOrder(treatments: readonly Schemas["TreatmentSummary"][]): Schemas["TreatmentSummary"][] {
  return [...treatments].sort(
    (a, b) => (a.ready_at ?? "9").localeCompare(b.ready_at ?? "9") || a.name.localeCompare(b.name),
  );
}

/** In columns of a table, whatever it has. */
function asRow(treatment: Schemas["TreatmentSummary"]) {
  const { name, state, attempt, ready_at, started_at, finished_at, exit_code, pool, cause, waiting_for } = treatment;
  return { name, state, attempt, ready_at, started_at, finished_at, exit_code, pool, cause, waiting_for };
}

function Selected({ run, treatment }: { run: string; treatment: Schemas["TreatmentSummary"] }) {
  return (
    <p class="selected-bar" role="status">
      <State state={shownState(treatment)} />
      <strong>{treatment.name}</strong>
      <span class="clip quiet-text">{treatment.waiting_for ?? treatment.cause}</span>
      <span class="fill" />
      <a href={href({ page: "treatment", run, treatment: treatment.name })}>Details</a>
      <button type="button" class="quiet" onClick={() => setQuery({ t: null })}>
        Show all lines
      </button>
    </p>
  );
}

function Header({ run, now }: { run: Run; now: number }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [copied, setCopied] = useState(false);
  const ended = hasEnded(run.state);
  const act = async (work: () => Promise<unknown>) => {
    setProblem(null);
    await work().catch((error: Problem) => setProblem(error));
  };
  const rerun = (what: "all" | "failed") =>
    act(async () => {
      const started = await post<Schemas["StartedView"]>(["runs", run.run_id, "rerun"], { from: what });
      navigate(href({ page: "run", run: started.run_id }));
    });
  const share = async () => {
    await navigator.clipboard.writeText(location.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <header class="run-head">
      <Crumbs>
        <a href={href({ page: "runs" })}>Runs</a>
        <a href={href({ page: "runs" }, { pipeline: run.pipeline })}>{run.pipeline}</a>
      </Crumbs>
      <div class="title-row">
        <h1>
          {run.pipeline} <State state={run.state} note={softFailures(run.soft_failures)} />
        </h1>
        <span class="fill" />
        <span class="buttons">
          {!ended && may("runs:cancel") && (
            <button type="button" onClick={() => void act(() => post(["runs", run.run_id, "cancel"]))}>
              Cancel
            </button>
          )}
          {ended && may("runs:start") && broke(run.state) && (
            <button type="button" onClick={() => void rerun("failed")}>
              Rerun failed
            </button>
          )}
          {ended && may("runs:start") && (
            <button type="button" onClick={() => void rerun("all")}>
              Rerun all
            </button>
          )}
          <Compare run={run} ended={ended} />
          <button type="button" onClick={() => void share()}>
            {copied ? "Copied" : "Copy link"}
          </button>
        </span>
      </div>
      {problem && <Failure error={problem} />}
      {run.state === "pending" && run.waiting_for && <p class="waiting">Waits for: {run.waiting_for}</p>}
      <dl class="facts">
        <Fact name="Time">{between(run.started_at, run.finished_at, now)}</Fact>
        <Fact name="Started">
          <Ago time={run.created_at} now={now} /> by{" "}
          {visible((run.starter === run.created_by && run.created_by_name) || run.starter)}
        </Fact>
        {run.branch && <Fact name="Branch">{run.branch}</Fact>}
        {run.commit && (
          <Fact name="Commit">
            <code>{run.commit.slice(0, 12)}</code> {run.commit_message}
          </Fact>
        )}
        {run.rerun_of && (
          <Fact name="Rerun of">
            <a href={href({ page: "run", run: run.rerun_of })}>{run.rerun_of}</a>
          </Fact>
        )}
        {run.replay_of && (
          <Fact name="Replay of">
            <a href={href({ page: "treatment", run: run.replay_of.run_id, treatment: run.replay_of.treatment })}>
              {run.replay_of.treatment}
            </a>
          </Fact>
        )}
        {run.started_by_run && (
          <Fact name={run.generated ? "Part of" : "Started by"}>
            <a href={href({ page: "run", run: run.started_by_run })}>{run.started_by_run}</a>
            {run.started_by_treatment && `, treatment ${run.started_by_treatment}`}
          </Fact>
        )}
        <Cost run={run} ended={ended} />
        <Fact name="Run">
          <code>{run.run_id}</code>
        </Fact>
      </dl>
    </header>
  );
}

/** The way to the original of a replay, or to the last run that passed where this one did not. */
function Compare({ run, ended }: { run: Run; ended: boolean }) {
  const wanted = ended && !run.replay_of && run.state !== "succeeded";
  const passed = useLoaded(`passed/${run.run_id}/${wanted}`, async (signal) =>
    wanted ? (await get<Schemas["LastPassedView"]>(["runs", run.run_id, "last-passed"], {}, signal)).run_id : null,
  );
  if (run.replay_of)
    return (
      <a class="button" data-key="c" href={href({ page: "diff", run: run.replay_of.run_id, other: run.run_id })}>
        Compare with its original
      </a>
    );
  if (!passed.value) return null;
  return (
    <a class="button" data-key="c" href={href({ page: "diff", run: passed.value, other: run.run_id })}>
      Compare with the last that passed
    </a>
  );
}

function Cost({ run, ended }: { run: Run; ended: boolean }) {
  const cost = useLoaded(`cost/${run.run_id}/${ended}`, (signal) =>
    get<Schemas["RunCostView"]>(["runs", run.run_id, "cost"], {}, signal),
  );
  const totals = cost.value?.totals.filter((total) => total.amount > 0) ?? [];
  if (!totals.length) return null;
  return (
    <Fact name="Cost">
      {totals
        .map(
          (total) => `${total.amount < 0.01 ? total.amount.toPrecision(2) : total.amount.toFixed(2)} ${total.currency}`,
        )
        .join(" + ")}
    </Fact>
  );
}
