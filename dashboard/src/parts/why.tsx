// Why a run broke: roots before consequences, the own frame, the error, the last lines, the inputs.
import type { ComponentChildren } from "preact";
import { get } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { counted } from "../model/format.ts";
import { groupOf } from "../model/groups.ts";
import { words } from "../model/states.ts";
import { lineAt, type Why } from "../model/why.ts";
import { href, valueRoute } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { later } from "./later.tsx";
import { Failure, Loading } from "./notes.tsx";
import { Preview } from "./preview.tsx";
import { StateMark } from "./state.tsx";
import { Text } from "./text.tsx";

type Schemas = components["schemas"];
type Diagnosis = Schemas["DiagnosisView"];
type Treatment = Schemas["TreatmentView"];

const SameError = later(() => import("./since.tsx").then((part) => part.SameError), true);

const Common = later(() => import("./instances.tsx").then((part) => part.Common), true);

const MOST = 3;
/** Characters of a line that are shown. */
const LONGEST = 2_000;

interface Props {
  run: string;
  found: Why;
  states: ReadonlyMap<string, Schemas["TreatmentSummary"]>;
  /** Whether inputs are shown here; the page of a treatment has them below. */
  withInputs?: boolean;
  ended?: boolean;
  /** What stands beside the title. */
  children?: ComponentChildren;
}

export function WhyPanel({ run, found, states, withInputs = true, ended = true, children }: Props) {
  const { roots, consequences } = found;
  const groups = roots.flatMap((name) => groupOf(name) ?? []);
  const several = [...new Set(groups.filter((group, at) => groups.indexOf(group) < at))];
  return (
    <section class="card why" aria-labelledby="why-title">
      <div class="section-head">
        <h2 id="why-title">Why</h2>
        {children}
      </div>
      {several.slice(0, MOST).map((group) => (
        <Common key={group} run={run} group={group} ended={ended} />
      ))}
      {roots.slice(0, MOST).map((name) => (
        <Root key={name} run={run} summary={states.get(name) as Schemas["TreatmentSummary"]} withInputs={withInputs} />
      ))}
      {roots.length > MOST && (
        <p>
          {counted(roots.length - MOST, "more treatment")} broke by{" "}
          {roots.length - MOST === 1 ? "itself" : "themselves"}:{" "}
          {roots.slice(MOST, MOST + 12).map((name) => (
            <a key={name} class="chip" href={href({ page: "treatment", run, treatment: name })}>
              {name}
            </a>
          ))}
        </p>
      )}
      {consequences.length > 0 && (
        <p class="consequences">
          As a consequence {counted(consequences.length, "treatment")} did not succeed:{" "}
          {consequences.slice(0, 12).map((name) => (
            <a key={name} class="chip" href={href({ page: "treatment", run, treatment: name })}>
              {name}
            </a>
          ))}
          {consequences.length > 12 && " …"}
        </p>
      )}
    </section>
  );
}

interface RootProps {
  run: string;
  summary: Schemas["TreatmentSummary"];
  withInputs: boolean;
}

function Root({ run, summary, withInputs }: RootProps) {
  const { name } = summary;
  const loaded = useLoaded(`why/${run}/${name}/${summary.attempt}`, async (signal) => {
    const [diagnosis, treatment] = await Promise.all([
      may("logs:read") ? get<Diagnosis>(["runs", run, "treatments", name, "diagnosis"], { lines: 12 }, signal) : null,
      get<Treatment>(["runs", run, "treatments", name], {}, signal),
    ]);
    return { diagnosis, treatment };
  });
  return (
    <article class="root">
      <h3>
        <StateMark state={summary.state} />
        <a href={href({ page: "treatment", run, treatment: name })}>{name}</a>
        <span class="quiet-text">
          {words(summary.state)}
          {summary.exit_code === null ? "" : `, exit ${summary.exit_code}`}
          {summary.attempt > 1 ? `, attempt ${summary.attempt}` : ""}
        </span>
      </h3>
      {loaded.error && <Failure error={loaded.error} />}
      {!loaded.value && !loaded.error && <Loading what="the reason" />}
      {loaded.value && <Reason run={run} {...loaded.value} withInputs={withInputs} />}
    </article>
  );
}

interface ReasonProps {
  run: string;
  treatment: Treatment;
  diagnosis: Diagnosis | null;
  withInputs: boolean;
}

function Reason({ run, treatment, diagnosis, withInputs }: ReasonProps) {
  const trace = diagnosis?.stack_traces.at(-1);
  const own = trace?.place;
  const line = trace ? `${trace.error}${trace.message ? `: ${trace.message}` : ""}` : diagnosis?.errors.at(-1)?.text;
  // The line of the error where there is one, else everything that the treatment was given.
  const cursor = own?.cursor ?? diagnosis?.errors.at(-1)?.cursor;
  const from = cursor ? { line: lineAt(cursor) } : { treatment: treatment.name };
  const inputs = withInputs ? treatment.inputs.filter((input) => input.value ?? input.literal) : [];
  return (
    <>
      {line && (
        <p class="error-line">
          <Text text={line.slice(0, LONGEST)} />
        </p>
      )}
      {line && <SameError line={line} />}
      {own && (
        <p class="own-frame">
          at <code>{own.function}</code>
          {own.file && (
            <>
              {" "}
              in{" "}
              <a
                data-key="o"
                href={href({ page: "treatment", run, treatment: treatment.name }, { line: lineAt(own.cursor) })}
                title={own.file}
              >
                {ownPath(own.file)}
                {own.line === null ? "" : `:${own.line}`}
              </a>
            </>
          )}
        </p>
      )}
      <p>
        {diagnosis?.cause ?? treatment.cause}{" "}
        <a class="trace-link" data-key="w" href={href({ page: "trace", run }, from)}>
          Trace it back
        </a>
      </p>
      {treatment.started_run && (
        <p>
          Its run: <a href={href({ page: "run", run: treatment.started_run })}>{treatment.started_run}</a>
        </p>
      )}
      {diagnosis?.explanations.map((explanation) => (
        <p key={explanation} class="quiet-text">
          {explanation}
        </p>
      ))}
      {diagnosis && diagnosis.last_lines.length > 0 && (
        <details open={!trace}>
          <summary>Last lines</summary>
          <pre class="last-lines">
            {diagnosis.last_lines.map((one) => (
              <span key={one.cursor} class={`level-${one.level}`}>
                <Text text={one.text.slice(0, LONGEST)} />
                {"\n"}
              </span>
            ))}
          </pre>
        </details>
      )}
      {inputs.length > 0 && (
        <details open={inputs.length <= 2}>
          <summary>{inputs.length === 1 ? "Its input" : `Its ${inputs.length} inputs`}</summary>
          <div class="inputs">
            {inputs.slice(0, 6).map((input) => (
              <div key={input.port} class="input">
                <p>
                  <code>{input.port}</code>
                  {input.source && (
                    <span class="quiet-text">
                      {" "}
                      from <code>{input.source}</code>
                    </span>
                  )}{" "}
                  {input.source && (
                    <>
                      <a href={href(valueRoute(run, input.source))}>open</a>{" "}
                      <a
                        aria-label={`Trace ${input.source}`}
                        href={href({ page: "trace", run }, { port: input.source })}
                      >
                        trace
                      </a>
                    </>
                  )}
                </p>
                {input.value?.shown && <Preview shown={input.value.shown} size={input.value.size} port={input.port} />}
                {input.value?.not_kept && <p class="quiet-text">{input.value.not_kept}</p>}
              </div>
            ))}
          </div>
        </details>
      )}
    </>
  );
}

/** The path without the folder that the runner gave the treatment. */
function ownPath(file: string): string {
  return file.replace(/^.*\/cadence-[^/]+\/work\//, "");
}
