// Open and past alerts.

import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { ago, counted } from "../model/format.ts";
import { useLoaded, useNow } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";

type Schemas = components["schemas"];

export function Alerts() {
  useTitle("Alerts");
  const loaded = useLoaded(
    "alerts",
    async (signal) => {
      const [alerts, rules] = await Promise.all([
        get<Schemas["AlertList"]>(["alerts"], {}, signal),
        get<Schemas["RuleList"]>(["alerts", "rules"], {}, signal),
      ]);
      return { alerts: alerts.items, rules: rules.items };
    },
    () => 10_000,
  );
  const now = useNow(true, 5_000);
  const found = loaded.value;
  return (
    <>
      <div class="title-row">
        <h1>Alerts</h1>
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!found && !loaded.error && <Loading what="alerts" />}
      {found && found.alerts.length === 0 && (
        <Nothing>
          No alert. {counted(found.rules.length, "rule")} {found.rules.length === 1 ? "watches" : "watch"}.
        </Nothing>
      )}
      {found && found.alerts.length > 0 && (
        <ol class="card plain-list" aria-label="Alerts">
          {found.alerts.map((alert) => (
            <li key={`${alert.project}/${alert.rule}/${JSON.stringify(alert.labels)}`}>
              <strong>{alert.rule}</strong> <span class="chip">{alert.state}</span>{" "}
              <span class="quiet-text">
                {counted(alert.count, "occurrence")}
                {alert.opened_at ? `, opened ${ago(alert.opened_at, now)}` : ""} in {alert.project}
              </span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
