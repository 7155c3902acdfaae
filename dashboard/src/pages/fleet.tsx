// What costs, what waits? Pools, hosts and the runners at work.

import { get } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { money, shares } from "../model/budget.ts";
import { ago, counted, duration } from "../model/format.ts";
import { words } from "../model/states.ts";
import { useLoaded, useNow } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Failure, Loading } from "../parts/notes.tsx";
import { href } from "../routes.ts";
import "../style/fleet.css";

type Schemas = components["schemas"];

const MOST_QUEUED = 12;

export function Fleet() {
  useTitle("Fleet");
  const seesHosts = may("hosts:read");
  const loaded = useLoaded(
    `fleet/${seesHosts}`,
    async (signal) => {
      const [pools, hosts] = await Promise.all([
        get<Schemas["PoolList"]>(["pools"], {}, signal),
        seesHosts ? get<Schemas["HostList"]>(["hosts"], {}, signal) : { items: [] },
      ]);
      const details = await Promise.all(
        pools.items.map((pool) => get<Schemas["PoolDetailView"]>(["pools", pool.name], {}, signal)),
      );
      return { pools: details, hosts: hosts.items };
    },
    () => 5_000,
  );
  const now = useNow(true);
  const found = loaded.value;
  return (
    <>
      <div class="title-row">
        <h1>Fleet</h1>
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!found && !loaded.error && <Loading what="the fleet" />}
      {found?.pools.map(({ pool, teams, probe, spending, runners, queue }) => (
        <section key={pool.name} class="card" aria-label={`Pool ${pool.name}`}>
          <div class="section-head">
            <h2>{pool.name}</h2>
            <span class="chip">{pool.provider}</span>
            {pool.region && <span class="quiet-text">{pool.region}</span>}
          </div>
          <p class="quiet-text">
            Used by {pool.projects.includes("*") ? "all projects" : pool.projects.join(", ") || "no project"}
            {teams.length > 0 && `. Teams: ${teams.map((one) => `${one.team} (${one.role})`).join(", ")}`}
          </p>
          {spending && <Budget spending={spending} />}
          {pool.budget && !spending && (
            <p class="quiet-text">Budget: {money(Number(pool.budget.per_month), currency(pool))} a month.</p>
          )}
          {probe && (
            <p class={probe.passed ? "quiet-text" : "bad-text"}>
              The last probe {probe.passed ? "passed" : "did not pass"} {ago(probe.at, now)}
              {probe.error ? `: ${visible(probe.error)}` : "."}
            </p>
          )}
          <h3>Runners</h3>
          {runners.length === 0 && <p class="quiet-text">None is at work.</p>}
          {runners.length > 0 && (
            <ul class="plain-list">
              {runners.map((runner) => (
                <li key={runner.runner_id}>
                  <a href={href({ page: "treatment", run: runner.run_id, treatment: runner.treatment })}>
                    {runner.treatment}
                  </a>{" "}
                  <span class="quiet-text">
                    {words(runner.state)}
                    {runner.phase ? `, ${runner.phase}` : ""}, {ago(runner.since, now)}
                    {runner.offer ? `, ${runner.offer}` : ""}
                  </span>
                </li>
              ))}
            </ul>
          )}
          {queue.length > 0 && (
            <p class="waiting">
              {counted(queue.length, "treatment")} {queue.length === 1 ? "waits" : "wait"} for a place here:{" "}
              {queue.slice(0, MOST_QUEUED).map((one) => (
                <a
                  key={`${one.run_id}/${one.treatment}`}
                  class="chip"
                  href={href({ page: "treatment", run: one.run_id, treatment: one.treatment })}
                >
                  {one.treatment}
                  {one.estimate_seconds === null ? "" : `, in ${duration(1_000 * one.estimate_seconds)}`}
                </a>
              ))}
              {queue.length > MOST_QUEUED && " …"}
            </p>
          )}
          <Hosts hosts={found.hosts.filter((host) => host.pool === pool.name)} now={now} />
        </section>
      ))}
    </>
  );
}

/** What was spent of the month's budget, and what active runners could still cost, as a bar and in words. */
function Budget({ spending }: { spending: Schemas["SpendingView"] }) {
  const { per_month, spent, set_aside } = spending;
  const { tone, full, held } = shares(spending);
  const month = new Date(`${spending.month}-01T00:00Z`);
  const named = month.toLocaleString("en", { month: "long", year: "numeric", timeZone: "UTC" });
  return (
    <div class="budget">
      <p>
        <strong>{money(spent)}</strong> of {money(per_month, spending.currency)} spent in {named}
        {set_aside > 0 && `, ${money(set_aside)} set aside for active runners`}
        {tone === "bad" ? ": nothing is left." : tone === "wait" ? ": little is left." : "."}
      </p>
      <div class={`budget-bar tone-${tone}`} aria-hidden="true">
        <i style={{ width: `${full}%` }} />
        <i class="held" style={{ width: `${held}%` }} />
      </div>
    </div>
  );
}

/** Of its price, or of the first machine that it may buy. */
function currency({ price, offers }: Schemas["PoolView"]): string {
  return String(price?.currency ?? offers[0]?.currency ?? "");
}

function Hosts({ hosts, now }: { hosts: readonly Schemas["HostView"][]; now: number }) {
  if (!hosts.length) return null;
  return (
    <>
      <h3>Hosts</h3>
      <ul class="plain-list">
        {hosts.map((host) => (
          <li key={host.host_id}>
            <strong>{host.name}</strong>{" "}
            <span class="quiet-text">
              {host.running.length} of {host.slots} places taken, seen {ago(host.last_seen, now)}
              {host.draining ? ", draining" : ""}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
