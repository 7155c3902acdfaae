// What needs me? Approvals, my runs that failed or go on, broken pipelines, what waits, pools in trouble, open alerts.

import type { ComponentChildren } from "preact";
import { get } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { brokenPipelines, poolProblems } from "../model/attention.ts";
import { ago, counted, duration } from "../model/format.ts";
import { broke } from "../model/states.ts";
import { useLoaded, useNow } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Failure, Loading } from "../parts/notes.tsx";
import { State } from "../parts/state.tsx";
import { href } from "../routes.ts";
import "../style/home.css";

type Schemas = components["schemas"];

const MOST = 8;
const DAYS = 7;

export function Home() {
  useTitle("");
  const loaded = useLoaded(
    "home",
    async (signal) => {
      const self = await get<Schemas["SelfView"]>(["self"], {}, signal);
      const by = self.subject ?? self.name;
      const since = new Date(Date.now() - DAYS * 86_400_000).toISOString();
      const none = { items: [] };
      const own = (state: string) =>
        may("runs:read") ? get<Schemas["RunList"]>(["runs"], { by, state, since, limit: 3 * MOST }, signal) : none;
      const [approvals, failed, running, runs, pools, hosts, alerts] = await Promise.all([
        may("runs:read") ? get<Schemas["PendingApprovalList"]>(["approvals"], {}, signal) : none,
        own("failed"),
        own("running"),
        may("runs:read") ? get<Schemas["RunList"]>(["runs"], { limit: 200, since }, signal) : none,
        may("pools:read") ? get<Schemas["PoolList"]>(["pools"], {}, signal) : none,
        may("hosts:read") ? get<Schemas["HostList"]>(["hosts"], {}, signal) : none,
        may("alerts:read") ? get<Schemas["AlertList"]>(["alerts"], {}, signal) : none,
      ]);
      const details = await Promise.all(
        pools.items.map((pool) => get<Schemas["PoolDetailView"]>(["pools", pool.name], {}, signal)),
      );
      return {
        approvals: approvals.items.filter((one) => one.obstacle === null),
        // The failure of a generated run is that of the run which it is a part of.
        failed: failed.items.filter((run) => broke(run.state) && !run.generated).slice(0, MOST),
        running: running.items.filter((run) => !run.generated).slice(0, MOST),
        broken: brokenPipelines(runs.items),
        waiting: runs.items.filter((run) => run.state === "pending" && run.waiting_for && !run.generated),
        pools: poolProblems(details, hosts.items, Date.now()),
        alerts: alerts.items.filter((alert) => alert.state === "open"),
      };
    },
    () => 10_000,
  );
  const now = useNow(true, 5_000);
  const found = loaded.value;
  // A run that goes on needs nobody.
  const quiet = found && Object.entries(found).every(([name, list]) => name === "running" || list.length === 0);
  return (
    <>
      <div class="title-row">
        <h1>What needs you</h1>
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!found && !loaded.error && <Loading what="what needs you" />}
      {quiet && (
        <section class="card agreement">
          <p class="lead">Nothing needs you.</p>
          <p class="quiet-text">
            No approval waits for you, none of your runs failed within {DAYS} days, and no pool or alert is open. See{" "}
            <a href={href({ page: "runs" })}>all runs</a>.
          </p>
        </section>
      )}
      {found && (
        <div class="home">
          <Part title="Waits for your approval" items={found.approvals} all={href({ page: "approvals" })}>
            {(one) => (
              <li key={`${one.run_id}/${one.treatment}`}>
                <a href={href({ page: "approvals" })}>
                  {one.treatment} of {one.pipeline}
                </a>{" "}
                <span class="chip">{one.environment}</span>{" "}
                <span class="quiet-text">expires in {duration(Math.max(0, Date.parse(one.expires_at) - now))}</span>
              </li>
            )}
          </Part>
          {(["failed", "running"] as const).map((state) => (
            <Part key={state} title={`Your ${state} runs`} items={found[state]} all={href({ page: "runs" }, { state })}>
              {(run) => (
                <li key={run.run_id}>
                  <Run run={run} now={now} />
                </li>
              )}
            </Part>
          ))}
          <Part title="Broken pipelines" items={found.broken} all={href({ page: "pipelines" })}>
            {({ run, times }) => (
              <li key={`${run.project}/${run.pipeline}`}>
                <Run run={run} now={now} note={times > 1 ? `${times} times in a row` : undefined} />
              </li>
            )}
          </Part>
          <Part title="Waiting" items={found.waiting} all={href({ page: "runs" }, { state: "pending" })}>
            {(run) => (
              <li key={run.run_id}>
                <Run run={run} now={now} note={`waits for ${visible(run.waiting_for ?? "")}`} />
              </li>
            )}
          </Part>
          <Part title="Pools with a problem" items={found.pools} all={href({ page: "fleet" })}>
            {({ pool, problem }) => (
              <li key={`${pool}/${problem}`}>
                <a href={href({ page: "fleet" })}>{pool}</a> <span class="quiet-text">{visible(problem)}</span>
              </li>
            )}
          </Part>
          <Part title="Open alerts" items={found.alerts} all={href({ page: "alerts" })}>
            {(alert) => (
              <li key={`${alert.project}/${alert.rule}/${JSON.stringify(alert.labels)}`}>
                <a href={href({ page: "alerts" })}>{alert.rule}</a>{" "}
                <span class="quiet-text">
                  {counted(alert.count, "occurrence")}
                  {alert.opened_at ? `, opened ${ago(alert.opened_at, now)}` : ""}
                </span>
              </li>
            )}
          </Part>
        </div>
      )}
    </>
  );
}

interface PartProps<T> {
  title: string;
  items: readonly T[];
  all: string;
  children: (item: T) => ComponentChildren;
}

function Part<T>({ title, items, all, children }: PartProps<T>) {
  if (!items.length) return null;
  return (
    <section class="card" aria-label={title}>
      <div class="section-head">
        <h2>{title}</h2>
        <span class="quiet-text">{items.length}</span>
        <span class="fill" />
        <a href={all}>
          All<span class="hidden">: {title}</span>
        </a>
      </div>
      <ul class="plain-list">{items.slice(0, MOST).map(children)}</ul>
    </section>
  );
}

function Run({ run, now, note }: { run: Schemas["RunView"]; now: number; note?: string | undefined }) {
  return (
    <>
      <span class="side-run">
        <State state={run.state} />
        <a class="run-name" href={href({ page: "run", run: run.run_id })}>
          {run.pipeline}
        </a>
        {run.branch && <span class="chip">{run.branch}</span>}
        <span class="quiet-text">
          {ago(run.created_at, now)}
          {note ? `, ${note}` : ""}
        </span>
      </span>
      {run.cause && <p class="quiet-text cause">{visible(run.cause)}</p>}
    </>
  );
}
