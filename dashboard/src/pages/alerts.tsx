// Who is told: open and past alerts, the rules with what they would have fired, and silences.
import { useState } from "preact/hooks";
import { get, post, remove } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { ago, counted } from "../model/format.ts";
import { away } from "../model/moments.ts";
import { ActionForm, Confirm } from "../parts/acting.tsx";
import { useKept, useLoaded, useNow } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";
import { Rows } from "../parts/rows.tsx";

type Schemas = components["schemas"];
type Rule = Schemas["RuleView"];

const HOUR = 3_600_000;

export function Alerts() {
  useTitle("Alerts");
  const [again, setAgain] = useState(0);
  const read = useLoaded(
    `alerts/${again}`,
    async (signal) => {
      const [alerts, rules, silences] = await Promise.all([
        get<Schemas["AlertList"]>(["alerts"], {}, signal),
        get<Schemas["RuleList"]>(["alerts", "rules"], {}, signal),
        get<Schemas["SilenceList"]>(["alerts", "silences"], {}, signal),
      ]);
      return { alerts: alerts.items, rules: rules.items, silences: silences.items };
    },
    () => 10_000,
  );
  const loaded = useKept("alerts", read);
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
      {found && (
        <>
          <Rows
            title="Rules"
            loaded={loaded}
            items={found.rules}
            none="No rule yet. Store one with `cadence alert rule create`."
            columns={["Rule", "What it is about", "Project", "Open alerts", "Last week"]}
            row={(one) => ({
              key: `${one.project}/${one.name}`,
              cells: [
                one.name,
                description(one),
                one.project,
                one.open_alerts,
                <DryRun key={one.revision} rule={one} />,
              ],
            })}
          />
          <Rows
            title="Silences"
            loaded={loaded}
            items={found.silences}
            none="Nothing is silenced."
            columns={["What", "Project", "Until", "Why", "By"]}
            row={(one) => ({
              key: one.id,
              cells: [
                visible(
                  Object.entries(one.where)
                    .map(([label, pattern]) => `${label}: ${pattern}`)
                    .join(", ") || "everything",
                ),
                one.project,
                new Date(one.ends_at).toLocaleString(),
                visible(one.comment) || "–",
                visible(one.created_by),
              ],
              action: may("alerts:write") && (
                <Confirm
                  verb="End"
                  what={`the silence of ${one.project}`}
                  act={() => remove(["alerts", "silences", one.project, one.id]).then(() => setAgain(again + 1))}
                />
              ),
            })}
          >
            {may("alerts:write") && <Silence silenced={() => setAgain(again + 1)} />}
          </Rows>
        </>
      )}
    </>
  );
}

function description({ rule }: Rule): string {
  return typeof rule.description === "string" ? visible(rule.description) : "–";
}

/** When the rule would have fired in the last week; it is asked for by a press. */
function DryRun({ rule }: { rule: Rule }) {
  const [found, setFound] = useState<Schemas["DryRunView"] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    setError(null);
    const body = { project: rule.project, rule: rule.rule };
    await post<Schemas["DryRunView"]>(["alerts", "dry-runs"], body).then(setFound, setError);
    setBusy(false);
  };
  if (error) return <Failure error={error} />;
  if (found)
    return (
      <span role="status">
        would have fired {counted(found.fired, "time")}, over {counted(found.runs, "run")}
        {found.complete ? "" : "; there was more to look at"}
      </span>
    );
  return (
    <button type="button" disabled={isBusy} onClick={() => void press()}>
      {isBusy ? "Looking …" : "Try"}
      <span class="hidden"> {rule.name}</span>
    </button>
  );
}

function Silence({ silenced }: { silenced: () => void }) {
  return (
    <ActionForm
      title="Silence alerts"
      button="Silence"
      fields={[
        { name: "project", label: "Project", value: "default" },
        { name: "rule", label: "Rule", hint: "all of them", optional: true },
        { name: "hours", label: "Hours", value: "2" },
        { name: "comment", label: "Why", optional: true },
      ]}
      act={async ({ project, rule, hours = "", comment }) => {
        const ends_at = away(hours, HOUR, "hours");
        await post(["alerts", "silences"], { project, where: rule ? { rule } : {}, ends_at, comment });
        silenced();
        return `Alerts of ${project} are kept, and sent after ${new Date(ends_at).toLocaleString()} if still open.`;
      }}
    />
  );
}
