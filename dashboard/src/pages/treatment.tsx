// What happened in one treatment: why, its inputs and outputs, history, environment, placement, resources, log.
import { get } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { unreported } from "../model/engine.ts";
import { bytes, clock, counted, duration } from "../model/format.ts";
import { broke, hasEnded, shownState, words } from "../model/states.ts";
import { location_ } from "../navigation.ts";
import { useKept, useLoaded, useWatch } from "../parts/data.ts";
import { Fact, RunCrumbs, useTitle } from "../parts/head.tsx";
import { later } from "../parts/later.tsx";
import { Logs } from "../parts/logs.tsx";
import { Loading, Unavailable } from "../parts/notes.tsx";
import { Preview } from "../parts/preview.tsx";
import { State, StateMark } from "../parts/state.tsx";
import { WhyPanel } from "../parts/why.tsx";
import { href, valueRoute } from "../routes.ts";

type Schemas = components["schemas"];
type Treatment = Schemas["TreatmentView"];

const Instances = later(() => import("../parts/instances.tsx").then((part) => part.Instances), true);
const Resources = later(() => import("../parts/resources.tsx").then((part) => part.Resources), true);
const GROUPS = ["gather", "each"];

export function TreatmentPage({ run, treatment: name }: { run: string; treatment: string }) {
  useTitle(name);
  const query = new URLSearchParams(location_.value.search);
  const attempt = attemptOf(query.get("attempt"));
  const loaded = useKept(
    `${run}/${name}`,
    useLoaded(
      `treatment/${run}/${name}/${attempt}`,
      (signal) => get<Treatment>(["runs", run, "treatments", name], { attempt }, signal),
      (one) => (one && isSettled(one) ? null : 1_000),
      `states/${run}`,
    ),
  );
  const one = loaded.value;
  const isOver = one !== null && isSettled(one);
  useWatch(run, !isOver);
  if (!one) return loaded.error ? <Unavailable what={name} error={loaded.error} /> : <Loading what="the treatment" />;
  return (
    <>
      <header class="run-head">
        <RunCrumbs run={run} treatment={name} />
        <div class="title-row">
          <h1>
            {name} <State state={shownState(one)} note={one.exit_code ? `(exit ${one.exit_code})` : undefined} />
          </h1>
        </div>
        <dl class="facts">
          <Time name="Waited" seconds={one.times.waited} />
          <Time name="Queued" seconds={one.times.queued} />
          <Time name="Booted" seconds={one.times.booted} />
          <Time name="Ran" seconds={one.times.ran} />
          <Fact name="Attempt">{one.latest_attempt > 1 ? <Attempts run={run} treatment={one} /> : one.attempt}</Fact>
          {one.pool && <Fact name="Pool">{one.pool}</Fact>}
          {one.started_run && (
            <Fact name="Started run">
              <a href={href({ page: "run", run: one.started_run })}>{one.started_run}</a>
            </Fact>
          )}
        </dl>
      </header>
      {one.attempt < one.latest_attempt && <Earlier run={run} treatment={one} />}
      {broke(one.state) ? (
        <WhyPanel
          run={run}
          found={{ roots: [name], consequences: [] }}
          states={new Map([[name, one]])}
          withInputs={false}
        />
      ) : (
        (one.waiting_for ?? one.cause) && <p class="card waiting">{one.waiting_for ?? one.cause}</p>
      )}
      {one.approval && <Approval approval={one.approval} />}
      {one.steps.length > 0 && <Steps steps={one.steps} />}
      <div class="columns">
        <Flows run={run} title="Inputs" treatment={one} flows={one.inputs} />
        <Flows run={run} title="Outputs" treatment={one} flows={one.outputs} />
      </div>
      {GROUPS.includes(one.spec.kind) && <Instances run={run} group={name} ended={isOver} />}
      {runnerOf(one) && <Resources run={run} treatment={name} attempt={one.attempt} ended={isOver} />}
      <div class="columns">
        <History treatment={one} />
        <Environment treatment={one} />
      </div>
      {may("logs:read") && (
        <Logs
          run={run}
          treatment={name}
          isGroup={GROUPS.includes(one.spec.kind)}
          attempt={attempt}
          ended={isOver}
          mark={query.get("line")}
          steps={one.steps.map((step) => step.name)}
        />
      )}
    </>
  );
}

/** The attempt that an address names; null for the latest. */
function attemptOf(text: string | null): number | null {
  return text && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : null;
}

/** Whether nothing of what is shown changes any more. */
function isSettled(treatment: Treatment): boolean {
  return hasEnded(treatment.state) || treatment.attempt < treatment.latest_attempt;
}

function runnerOf(treatment: Treatment): Schemas["AttemptView"] | undefined {
  return treatment.runners.find((runner) => runner.attempt === treatment.attempt);
}

/** Which attempt of how many is shown, and the way to each. */
function Attempts({ run, treatment }: { run: string; treatment: Treatment }) {
  const { name, attempt, latest_attempt } = treatment;
  return (
    <span class="attempts">
      {attempt} of {latest_attempt}
      <nav aria-label="Attempts">
        {Array.from({ length: latest_attempt }, (_, at) => (
          <a
            key={at}
            class="chip"
            aria-label={`Attempt ${at + 1}`}
            aria-current={at + 1 === attempt ? "true" : undefined}
            href={href({ page: "treatment", run, treatment: name }, { attempt: String(at + 1) })}
          >
            {at + 1}
          </a>
        ))}
      </nav>
    </span>
  );
}

/** That there is a later attempt than the one that is shown, and how that is. */
function Earlier({ run, treatment }: { run: string; treatment: Treatment }) {
  const { name, attempt, latest_attempt, history } = treatment;
  const now = history.findLast((change) => change.attempt === latest_attempt)?.state;
  return (
    <p class="card waiting earlier" role="status">
      <span>
        This is an earlier attempt, {attempt} of {latest_attempt}.
      </span>
      <a href={href({ page: "treatment", run, treatment: name })}>The latest attempt</a>
      {now && <State state={now} />}
    </p>
  );
}

function Time({ name, seconds }: { name: string; seconds: number | null }) {
  if (seconds === null) return null;
  return <Fact name={name}>{duration(seconds * 1000)}</Fact>;
}

interface FlowsProps {
  run: string;
  title: string;
  treatment: Treatment;
  flows: readonly Schemas["FlowView"][];
}

function Flows({ run, title, treatment, flows }: FlowsProps) {
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      {flows.length === 0 && <p class="quiet-text">It has none.</p>}
      {flows.map((flow) => (
        <Flow key={flow.port} run={run} isInput={title === "Inputs"} treatment={treatment} flow={flow} />
      ))}
    </section>
  );
}

interface FlowProps {
  run: string;
  isInput: boolean;
  treatment: Treatment;
  flow: Schemas["FlowView"];
}

function Flow({ run, isInput, treatment, flow }: FlowProps) {
  const from = isInput ? flow.source : `${treatment.name}.${flow.port}`;
  const counts = treatment.spec.element?.[isInput ? "unreported_inputs" : "unreported"];
  // What an attempt wrote that did not succeed feeds nothing, and is shown all the same.
  const kept = flow.value ?? flow.kept;
  const attempt = !isInput && treatment.attempt < treatment.latest_attempt ? String(treatment.attempt) : null;
  const missing = flow.value || flow.type === "void" ? "" : unreported(counts?.[flow.port]);
  return (
    <div class="input">
      <p>
        <strong>{flow.port}</strong>{" "}
        <span class="quiet-text">
          {flow.flow} of {flow.type}
          {kept ? `, ${bytes(kept.size)}` : ""}
          {flow.kept ? ", kept of an attempt that failed" : ""}
        </span>
        {from && (isInput || kept || flow.sent || !hasEnded(treatment.state)) && (
          <>
            {" "}
            <a href={href(valueRoute(run, from), { attempt })}>{isInput ? `from ${from}` : "open"}</a>
          </>
        )}
        {from && (flow.value || flow.source) && (
          <>
            {" "}
            <a
              aria-label={`${isInput ? "trace" : "where it went"}: ${from}`}
              href={href({ page: "trace", run }, { port: from, direction: isInput ? null : "forward" })}
            >
              {isInput ? "trace" : "where it went"}
            </a>
          </>
        )}
      </p>
      {kept?.shown && <Preview shown={kept.shown} size={kept.size} port={flow.port} />}
      {kept?.not_kept && <p class="quiet-text">{kept.not_kept}</p>}
      {missing && <p class="quiet-text">{missing}</p>}
    </div>
  );
}

function Steps({ steps }: { steps: readonly Schemas["StepView"][] }) {
  return (
    <section class="card" aria-labelledby="steps-title">
      <h2 id="steps-title">Steps</h2>
      <ol class="history">
        {steps.map((step) => (
          <li key={step.number}>
            <State
              state={step.soft_fail && step.state === "failed" ? "soft_failed" : step.state}
              note={step.exit_code ? `(exit ${step.exit_code})` : undefined}
            />
            <strong>{step.name}</strong>
            {step.started_at && step.finished_at && (
              <span class="quiet-text">{duration(Date.parse(step.finished_at) - Date.parse(step.started_at))}</span>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Who decided that it may run, when and why. */
function Approval({ approval }: { approval: Schemas["ApprovalView"] }) {
  const { decisions, required, environment } = approval;
  const approved = decisions.filter((one) => one.decision === "approve").length;
  return (
    <section class="card" aria-labelledby="approval-title">
      <h2 id="approval-title">Approval</h2>
      <p class="quiet-text">
        {approved} of {counted(required, "approval")} for environment {environment}
        {approval.approvers ? `, by ${approval.approvers.join(", ")}` : ""}, asked{" "}
        {new Date(approval.asked_at).toLocaleString()}
      </p>
      <ol class="history">
        {decisions.map((one) => (
          <li key={`${one.by}/${one.at}`}>
            <time dateTime={one.at} title={one.at}>
              {new Date(one.at).toLocaleString()}
            </time>
            <span class="state">
              <StateMark state={one.decision === "approve" ? "succeeded" : "failed"} />{" "}
              {one.decision === "approve" ? "approved" : "refused"}
            </span>
            <span>
              by <strong>{visible(one.by_name || one.by)}</strong>
              {one.comment ? `: ${visible(one.comment)}` : ""}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function History({ treatment }: { treatment: Treatment }) {
  return (
    <section class="card" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      <ol class="history">
        {treatment.history.map((change, at) => (
          <li key={at}>
            <time dateTime={change.at} title={change.at}>
              {clock(change.at)}
            </time>
            <State state={change.state} note={change.attempt > 1 ? `(attempt ${change.attempt})` : undefined} />
            {change.note && <span class="quiet-text">{change.note}</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Environment({ treatment }: { treatment: Treatment }) {
  const { spec } = treatment;
  const runner = runnerOf(treatment);
  return (
    <section class="card" aria-labelledby="environment-title">
      <h2 id="environment-title">Environment</h2>
      {spec.run && <pre class="command">{spec.run}</pre>}
      {spec.steps.map((step) => (
        <details key={step.name}>
          <summary>{step.name}</summary>
          <pre class="command">{step.run}</pre>
        </details>
      ))}
      <dl class="facts stacked">
        {spec.image && (
          <Fact name="Image">
            <code>{spec.image}</code>
          </Fact>
        )}
        {runner && (
          <Fact name="Runner">
            {runner.provider} in {runner.pool}, {words(runner.state)}
            {runner.offer ? `, ${runner.offer}` : ""}
          </Fact>
        )}
        {runner && runner.lines_left_out > 0 && (
          <Fact name="Log">{runner.lines_left_out.toLocaleString("en")} lines not kept: a log quota was reached</Fact>
        )}
        {Object.entries(spec.env).map(([name, value]) => (
          <Fact key={name} name={name}>
            <code>{value}</code>
          </Fact>
        ))}
        {Object.entries(spec.secrets).map(([name, secret]) => (
          <Fact key={name} name={name}>
            <span class="quiet-text">secret {secret}</span>
          </Fact>
        ))}
        {spec.element?.secrets.map((use) => (
          <Fact key={use} name="Secret">
            {use}
          </Fact>
        ))}
        {treatment.placement.map((considered) => (
          <Fact key={considered.pool} name={`Pool ${considered.pool}`}>
            {considered.fits ? "fits" : considered.reason}
          </Fact>
        ))}
      </dl>
    </section>
  );
}
