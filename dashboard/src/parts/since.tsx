// Since when it breaks: the first run that broke, the last that passed, and the runs with the same error.
import { get } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { ago, counted } from "../model/format.ts";
import { sinceOf } from "../model/since.ts";
import { href } from "../routes.ts";
import { useLoaded } from "./data.ts";

type Schemas = components["schemas"];

const MOST_RUNS = 100;
/** In words of the query language; search finds the same. */
const WITHIN = "since:30d";
const LONGEST = 200;

interface Props {
  run: Pick<Schemas["RunWithTreatments"], "run_id" | "project" | "pipeline">;
}

export function Since({ run }: Props) {
  const { run_id: id, project, pipeline } = run;
  const loaded = useLoaded(`since/${id}`, async (signal) => {
    const [passed, runs] = await Promise.all([
      get<Schemas["LastPassedView"]>(["runs", id, "last-passed"], {}, signal),
      get<Schemas["RunList"]>(["runs"], { project, pipeline, limit: MOST_RUNS }, signal),
    ]);
    return { passed: passed.run_id, since: sinceOf(runs.items, id, passed.run_id) };
  });
  if (!loaded.value?.since) return null;
  const { passed, since } = loaded.value;
  const { first, count, isAtLeast } = since;
  return (
    <span class="quiet-text">
      {first.run_id === id ? (
        "It broke with this run"
      ) : (
        <>
          Since <a href={href({ page: "run", run: first.run_id })}>{ago(first.created_at, Date.now())}</a>
          {`: ${isAtLeast ? "at least " : ""}${counted(count, "run")} broke`}
        </>
      )}
      {passed ? (
        <>
          ; <a href={href({ page: "run", run: passed })}>the last that passed</a>
        </>
      ) : (
        "; none passed before"
      )}
      .
    </span>
  );
}

/** The runs whose logs have the same error. */
export function SameError({ line }: { line: string }) {
  const text = line.slice(0, LONGEST).replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const q = `${WITHIN} "${text}"`;
  const allowed = may("logs:read");
  const loaded = useLoaded(`same/${allowed}/${q}`, async (signal) =>
    allowed ? await get<Schemas["CountsView"]>(["logs", "counts"], { q, by: "run" }, signal) : null,
  );
  const runs = loaded.value?.counts.length ?? 0;
  if (runs < 2) return null;
  return (
    <p class="quiet-text">
      <a href={href({ page: "search" }, { q })}>
        The same error in {loaded.value?.complete ? "" : "at least "}
        {counted(runs, "run")}
      </a>{" "}
      of the last 30 days.
    </p>
  );
}
