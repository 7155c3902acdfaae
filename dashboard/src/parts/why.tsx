// Why a run broke: roots before consequences, each with its reason.
import type { ComponentChildren } from "preact";
import { get } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { counted } from "../model/format.ts";
import { groupOf } from "../model/groups.ts";
import { words } from "../model/states.ts";
import type { Why } from "../model/why.ts";
import { href } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { later } from "./later.tsx";
import { Failure, Loading } from "./notes.tsx";
import { StateMark } from "./state.tsx";

type Schemas = components["schemas"];
type Diagnosis = Schemas["DiagnosisView"];
type Treatment = Schemas["TreatmentView"];

const Common = later(() => import("./instances.tsx").then((part) => part.Common), true);

const MOST = 3;

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
  const { attempt } = summary;
  const loaded = useLoaded(`why/${run}/${name}/${attempt}`, async (signal) => {
    // The code of the reason is fetched with what it shows.
    const [diagnosis, treatment, { Reason }] = await Promise.all([
      may("logs:read")
        ? get<Diagnosis>(["runs", run, "treatments", name, "diagnosis"], { attempt, lines: 12 }, signal)
        : null,
      get<Treatment>(["runs", run, "treatments", name], { attempt }, signal),
      import("./reason.tsx"),
    ]);
    return { diagnosis, treatment, Reason };
  });
  const found = loaded.value;
  return (
    <article class="root">
      <h3>
        <StateMark state={summary.state} />
        <a href={href({ page: "treatment", run, treatment: name })}>{name}</a>
        <span class="quiet-text">
          {words(summary.state)}
          {summary.exit_code === null ? "" : `, exit ${summary.exit_code}`}
          {attempt > 1 ? `, attempt ${attempt}` : ""}
        </span>
      </h3>
      {loaded.error && <Failure error={loaded.error} />}
      {!found && !loaded.error && <Loading what="the reason" />}
      {found && (
        <found.Reason run={run} treatment={found.treatment} diagnosis={found.diagnosis} withInputs={withInputs} />
      )}
    </article>
  );
}
