// The last runs of a pipeline as figures: how many passed, how long they took, what took longest, and which tests are flaky.
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { ago, duration } from "../model/format.ts";
import {
  changeText,
  type Ended,
  type Health as Figures,
  healthOf,
  rateText,
  slowest,
  trendText,
} from "../model/health.ts";
import { tone, words } from "../model/states.ts";
import { href } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { Fact } from "./head.tsx";
import { Failure, Loading, Nothing } from "./notes.tsx";
import { State } from "./state.tsx";

type Schemas = components["schemas"];

/** Runs that are looked at; those of the trend; those whose treatments are read, until so many treatments are there. */
const MOST_RUNS = 200;
const TREND = 60;
const MOST_READ = 10;
const MOST_TREATMENTS = 5_000;
const SHOWN = 8;

export function Health({ project, pipeline }: { project: string; pipeline: string }) {
  const loaded = useLoaded(
    `health/${project}/${pipeline}`,
    async (signal) => {
      const runs = await get<Schemas["RunList"]>(["runs"], { project, pipeline, limit: MOST_RUNS }, signal);
      return healthOf(runs.items);
    },
    () => 15_000,
  );
  const found = loaded.value;
  return (
    <>
      <section class="card" aria-label="Health">
        <div class="section-head">
          <h2>Health</h2>
          {found && <span class="quiet-text">of the last {found.ended.length || ""} runs</span>}
        </div>
        {loaded.error && <Failure error={loaded.error} />}
        {!found && !loaded.error && <Loading what="the last runs" />}
        {found && found.ended.length === 0 && <Nothing>No run of it has ended yet.</Nothing>}
        {found && found.ended.length > 0 && (
          <>
            <dl class="facts">
              <Fact name="Passed">{rateText(found)}</Fact>
              <Fact name="Median duration">{found.median === null ? "–" : duration(found.median)}</Fact>
              <Fact name="19 of 20 within">{found.p95 === null ? "–" : duration(found.p95)}</Fact>
              <Fact name="Trend">{changeText(found) ?? (found.change === null ? "too few runs" : "steady")}</Fact>
            </dl>
            <Trend health={found} />
            <ul class="last-runs above" aria-label="Last runs, the newest first">
              {found.ended
                .slice(-5)
                .reverse()
                .map((one) => (
                  <li key={one.run.run_id}>
                    <a href={href({ page: "run", run: one.run.run_id })} title={`Run ${one.run.run_id}`}>
                      <State state={one.run.state} note={ago(one.run.created_at, Date.now())} />
                    </a>
                  </li>
                ))}
            </ul>
          </>
        )}
      </section>
      <div class="columns">
        {found && found.ended.length > 0 && <Slowest key={found.ended.at(-1)?.run.run_id} ended={found.ended} />}
        <Flaky project={project} pipeline={pipeline} />
      </div>
    </>
  );
}

/** One bar for each run, as high as it took; those that broke have a cross above. */
function Trend({ health }: { health: Figures }) {
  const bars = health.ended.slice(-TREND);
  const most = Math.max(1, ...bars.map((one) => one.ms));
  const width = 100 / Math.max(bars.length, 36);
  return (
    <svg class="trend" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label={trendText(health)}>
      {bars.map(({ run, ms }, at) => {
        const height = Math.max(1, (84 * ms) / most);
        const [left, top] = [at * width, 100 - height];
        const middle = left + 0.4 * width;
        return (
          <g key={run.run_id} class={`tone-${tone(run.state)}`}>
            <title>{`${words(run.state)}, ${duration(ms)}, ${run.created_at}`}</title>
            <rect x={left} y={top} width={0.8 * width} height={height} />
            {run.state !== "succeeded" && <path d={`M${middle - 0.5} ${top - 11}l1 8m0-8l-1 8`} />}
          </g>
        );
      })}
    </svg>
  );
}

function Slowest({ ended }: { ended: readonly Ended[] }) {
  const loaded = useLoaded("slowest", async (signal) => {
    const details: Schemas["RunWithTreatments"][] = [];
    let treatments = 0;
    for (const { run } of ended.slice(-MOST_READ).reverse()) {
      const detail = await get<Schemas["RunWithTreatments"]>(["runs", run.run_id], {}, signal);
      details.push(detail);
      treatments += detail.treatments.length;
      if (treatments >= MOST_TREATMENTS) break;
    }
    return { slow: slowest(details), runs: details.length };
  });
  const found = loaded.value;
  const most = Math.max(1, ...(found?.slow.map((one) => one.ran) ?? []));
  return (
    <section class="card" aria-label="Slowest treatments">
      <div class="section-head">
        <h2>Slowest treatments</h2>
        {found && <span class="quiet-text">medians of the last {found.runs} runs</span>}
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!found && !loaded.error && <Loading what="treatments" />}
      {found && found.slow.length === 0 && <Nothing>No treatment ran in them.</Nothing>}
      {found && found.slow.length > 0 && (
        <table class="plain slowest">
          <thead>
            <tr>
              <th scope="col">Treatment</th>
              <th scope="col" class="number">
                Ran
              </th>
              <th scope="col" class="number">
                Waited
              </th>
              <th scope="col" class="number">
                Broke
              </th>
              <td />
            </tr>
          </thead>
          <tbody>
            {found.slow.slice(0, SHOWN).map((one) => (
              <tr key={one.name}>
                <th scope="row">{one.name}</th>
                <td class="number">{duration(one.ran)}</td>
                <td class="number">{duration(one.waited)}</td>
                <td class="number">
                  {one.broken} of {one.executions}
                </td>
                <td>
                  <i style={{ width: `${(100 * one.ran) / most}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Flaky({ project, pipeline }: { project: string; pipeline: string }) {
  const loaded = useLoaded(`flaky/${project}/${pipeline}`, (signal) =>
    get<Schemas["BranchTestsView"]>(["projects", project, "pipelines", pipeline, "tests"], {}, signal),
  );
  const flaky = loaded.value?.flaky;
  return (
    <section class="card" aria-label="Flaky tests">
      <div class="section-head">
        <h2>Flaky tests</h2>
        {flaky && <span class="quiet-text">{flaky.length}</span>}
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!flaky && !loaded.error && <Loading what="tests" />}
      {flaky?.length === 0 && <Nothing>No test has changed its outcome by itself within 90 days.</Nothing>}
      {flaky && flaky.length > 0 && (
        <ul class="plain-list">
          {flaky.slice(0, SHOWN).map((one) => (
            <li key={`${one.treatment}/${one.name}`}>
              <code>{visible(one.name)}</code>{" "}
              <span class="quiet-text">
                of {one.treatment}, seen {ago(one.seen_at, Date.now())} in{" "}
              </span>
              <a href={href({ page: "treatment", run: one.run_id, treatment: one.treatment })}>
                {one.run_id.slice(-8)}
              </a>
            </li>
          ))}
        </ul>
      )}
      {flaky && flaky.length > SHOWN && <p class="quiet-text">{flaky.length - SHOWN} further ones</p>}
    </section>
  );
}
