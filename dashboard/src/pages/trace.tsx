// Where from, where to? A value, a log line, a treatment or a run, followed over treatments, runners and runs.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, type Query } from "../api/client.ts";
import { may } from "../api/session.ts";
import { visible } from "../model/ansi.ts";
import { bytes, counted } from "../model/format.ts";
import { lineMark } from "../model/line_range.ts";
import { hasEnded, words } from "../model/states.ts";
import {
  arrow,
  evidence,
  excerpt,
  isProven,
  joined,
  label,
  picture,
  place,
  reach,
  type Step,
  steps,
  type Trace,
  type TracedNode,
} from "../model/trace.ts";
import { location_, setQuery } from "../navigation.ts";
import { useLoaded } from "../parts/data.ts";
import { Followed, SameValue } from "../parts/followed.tsx";
import { Graph } from "../parts/graph.tsx";
import { RunCrumbs, useTitle } from "../parts/head.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";
import { StateMark } from "../parts/state.tsx";
import { href, parted } from "../routes.ts";
import "../style/trace.css";

const MOST = 1_000;
const SELECTORS = ["port", "treatment", "line", "cache"] as const;

export function TracePage({ run }: { run: string }) {
  const query = new URLSearchParams(location_.value.search);
  const isForward = query.get("direction") === "forward";
  const port = query.get("port");
  const asked: Query = { direction: isForward ? "forward" : "backward", limit: query.get("limit") };
  for (const name of SELECTORS) asked[name] = query.get(name);
  const offset = port && query.get("offset");
  asked.offset = offset;
  const subject = port ?? query.get("treatment") ?? (query.get("line") ? "a log line" : null) ?? "the run";
  useTitle(`Trace of ${subject}`);
  const key = JSON.stringify([run, asked]);
  const loaded = useLoaded(
    `provenance/${key}`,
    (signal) => get<Trace>(["runs", run, "provenance"], asked, signal),
    (trace) => (trace?.nodes.some((node) => node.state && !hasEnded(node.state)) ? 5_000 : null),
  );
  const further = useFurther(key, String(asked.direction));
  const trace = loaded.value && further.traces.reduce(joined, loaded.value);
  const start = trace?.nodes.find((node) => node.id === trace.start);
  const treatment = port ? parted(port).treatment : query.get("treatment");
  return (
    <>
      <header class="run-head">
        <RunCrumbs run={run} treatment={treatment}>
          {treatment && <a href={href({ page: "treatment", run, treatment })}>{treatment}</a>}
        </RunCrumbs>
        <div class="title-row">
          <h1>
            Trace of {subject}
            {start?.part ? `, ${place(start.part)}` : ""}
          </h1>
          <span class="fill" />
          <span class="buttons" role="group" aria-label="Direction">
            <button
              type="button"
              data-key="b"
              aria-pressed={!isForward}
              onClick={() => setQuery({ direction: null, node: null })}
            >
              Where it came from
            </button>
            <button
              type="button"
              data-key="f"
              aria-pressed={isForward}
              onClick={() => setQuery({ direction: "forward", node: null })}
            >
              Where it went
            </button>
          </span>
        </div>
        {trace && <Facts trace={trace} />}
      </header>
      {loaded.error && <Failure error={loaded.error} />}
      {!trace && !loaded.error && <Loading what="the trace" />}
      {port && <Followed run={run} port={port} offset={offset ? Number(offset) : null} />}
      {trace && (
        <>
          <Way trace={trace} run={run} selected={query.get("node")} />
          <Steps trace={trace} run={run} selected={query.get("node")} further={further} />
          {isForward && start?.value?.sha256 && <SameValue run={run} sha256={start.value.sha256} />}
        </>
      )}
    </>
  );
}

interface Further {
  traces: readonly Trace[];
  error: Error | null;
  read: (node: TracedNode) => void;
}

/** Neighbours of nodes that have more of them than an answer holds, read one page after the other. */
function useFurther(key: string, direction: string): Further {
  const [found, setFound] = useState<{ key: string; traces: Trace[]; error: Error | null }>({
    key,
    traces: [],
    error: null,
  });
  const current = found.key === key ? found : { key, traces: [], error: null };
  const latest = useRef(key);
  latest.current = key;
  const read = async (node: TracedNode) => {
    try {
      const more = await get<Trace>(["runs", node.run_id ?? "", "provenance"], {
        ...selector(node),
        direction,
        cursor: node.next,
      });
      if (latest.current === key) setFound({ key, traces: [...current.traces, more], error: null });
    } catch (error) {
      if (latest.current === key) setFound({ ...current, error: error as Error });
    }
  };
  return { ...current, read: (node) => void read(node) };
}

/** What selects a node in its run. */
function selector(node: TracedNode): Record<string, string | null> {
  switch (node.kind) {
    case "value":
      return { port: `${node.treatment}.${node.port}`, offset: node.part ? String(node.part.offset) : null };
    case "treatment":
      return { treatment: node.treatment };
    case "line":
      return { line: node.line ? lineMark(node.line) : null };
    default:
      return {};
  }
}

function Facts({ trace }: { trace: Trace }) {
  const { values, treatments, runs, runners } = reach(trace);
  const uncertain = trace.links.filter((link) => !isProven(link)).length;
  return (
    <p class="quiet-text" role="status">
      {counted(values, "value")} of {counted(treatments, "treatment")} on {counted(runners, "runner")} in{" "}
      {counted(runs, "run")}
      {uncertain > 0 && `; of ${counted(uncertain, "link")} only the order in time is known (dashed)`}
    </p>
  );
}

function Way({ trace, run, selected }: { trace: Trace; run: string; selected: string | null }) {
  const { nodes, edges } = picture(trace);
  const pipelines = new Map(trace.nodes.flatMap((node) => (node.run ? [[node.run_id, node.run.pipeline]] : [])));
  const named = nodes.map((node) => {
    const pipeline = pipelines.get(node.island);
    const island = `${node.island === run ? "this run" : `run ${node.island}`}${pipeline ? ` of ${pipeline}` : ""}`;
    return { ...node, island };
  });
  const of = selected?.startsWith("value:") ? selected.replace(/^value:(.*)\.[^.]*$/, "treatment:$1") : selected;
  return (
    <section class="card" aria-labelledby="way-title">
      <h2 id="way-title">The way</h2>
      <Graph
        nodes={named}
        edges={edges}
        selected={of}
        choose={(name) => setQuery({ node: name === of ? null : name })}
        title={`Graph of ${counted(nodes.length, "step")}. The list below has the same.`}
      />
    </section>
  );
}

interface StepsProps {
  trace: Trace;
  run: string;
  selected: string | null;
  further: Further;
}

function Steps({ trace, run, selected, further }: StepsProps) {
  const found = steps(trace);
  const isBackward = trace.direction === "backward";
  const chosen = useRef<HTMLLIElement>(null);
  useEffect(() => chosen.current?.scrollIntoView({ block: "nearest" }), [selected]);
  const isChosen = (node: TracedNode) =>
    selected !== null && (node.id === selected || `treatment:${node.run_id}/${node.treatment}` === selected);
  const first = found.findIndex((step) => isChosen(step.node));
  const isCut = trace.nodes.some((node) => node.cut);
  return (
    <section class="card" aria-labelledby="steps-title">
      <div class="section-head">
        <h2 id="steps-title">Step by step</h2>
        <span class="fill" />
        {isCut && trace.nodes.length < MOST && (
          <button type="button" onClick={() => setQuery({ limit: String(MOST) })}>
            Follow further
          </button>
        )}
      </div>
      {further.error && <Failure error={further.error} />}
      {found.length < 2 && (
        <Nothing>
          {isBackward ? "It was made from nothing that Cadence knows." : "Nothing that Cadence knows came of it."}
        </Nothing>
      )}
      <ol class="steps">
        {found.map((step, at) => (
          <li
            key={`${step.link?.effect}/${step.link?.cause}/${step.link?.port}/${step.node.id}`}
            ref={at === first ? chosen : null}
            class={isChosen(step.node) ? "selected" : undefined}
            style={{ "--depth": Math.min(step.depth, 12) }}
          >
            <OneStep step={step} run={run} isBackward={isBackward} further={further} />
          </li>
        ))}
      </ol>
    </section>
  );
}

interface OneStepProps {
  step: Step;
  run: string;
  isBackward: boolean;
  further: Further;
}

function OneStep({ step: { node, link, depth, again }, run, isBackward, further }: OneStepProps) {
  const part = node.part ?? (link && (isBackward ? link.cause_part : link.effect_part));
  const state = node.state ?? node.run?.state;
  const text = excerpt(node);
  return (
    <>
      {link && <span class="step-arrow">{`${arrow(link, isBackward)} ${isBackward ? "←" : "→"}`}</span>}
      {state && (
        <>
          <StateMark state={state} />
          <span class="hidden">{words(state)}</span>
        </>
      )}
      <NodeLink node={node} />
      {node.value && <span class="quiet-text">{bytes(node.value.size)}</span>}
      {text && <code>{visible(text)}</code>}
      {node.line && <code class="clip">{visible(node.line.text.slice(0, 200))}</code>}
      {part && <span class="chip">{place(part)}</span>}
      {node.runner && (
        <span class="quiet-text">
          on {node.runner.provider} in {node.runner.pool}
        </span>
      )}
      {node.run_id && node.run_id !== run && node.kind !== "run" && (
        <a class="chip" href={href({ page: "run", run: node.run_id })}>
          another run
        </a>
      )}
      {link && (
        <span class={isProven(link) ? "quiet-text" : "uncertain"}>
          {[link.basis === "recorded" ? "" : evidence(link), visible(link.note ?? "")].filter(Boolean).join(": ")}
        </span>
      )}
      {again && <span class="quiet-text">(see above)</span>}
      {depth > 0 && node.run_id && node.kind !== "cache" && (
        <a
          class="step-own"
          aria-label={`${node.cut ? "follow further" : "trace"} ${nameOf(node)}`}
          href={href(
            { page: "trace", run: node.run_id },
            { ...selector(node), direction: isBackward ? null : "forward" },
          )}
        >
          {node.cut ? "follow further" : "trace"}
        </a>
      )}
      {node.next && node.run_id && !again && (
        <button type="button" class="quiet" onClick={() => further.read(node)}>
          More of {nameOf(node)}
        </button>
      )}
    </>
  );
}

function nameOf(node: TracedNode): string {
  return node.kind === "value" ? `${node.treatment}.${node.port}` : label(node);
}

function NodeLink({ node }: { node: TracedNode }) {
  const [run, treatment] = [node.run_id, node.treatment];
  const name = nameOf(node);
  if (run && treatment && node.kind === "value") {
    const offset = node.part?.offset ? String(node.part.offset) : null;
    return <a href={href({ page: "value", run, treatment, port: node.port ?? "" }, { offset })}>{name}</a>;
  }
  if (run && treatment && node.line && may("logs:read")) {
    return <a href={href({ page: "treatment", run, treatment }, { line: lineMark(node.line) })}>{name}</a>;
  }
  if (run && treatment) return <a href={href({ page: "treatment", run, treatment })}>{name}</a>;
  if (run && node.kind === "run") return <a href={href({ page: "run", run })}>{name}</a>;
  return <strong>{name}</strong>;
}
