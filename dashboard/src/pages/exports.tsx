// Where do lines, metrics and traces go, and do they arrive? Each export with what it could not deliver.
import { get, post, put, remove } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { bodyWith, deliveryOf, exportBody, KINDS, SCHEMES } from "../model/exports.ts";
import { counted } from "../model/format.ts";
import { away } from "../model/moments.ts";
import { ActionForm, Confirm, Press } from "../parts/acting.tsx";
import { Ago } from "../parts/ago.tsx";
import { useKept, useLoaded } from "../parts/data.ts";
import { Fact } from "../parts/head.tsx";
import { Failure, Loading } from "../parts/notes.tsx";
import { Rows } from "../parts/rows.tsx";
import { href } from "../routes.ts";
import type { PartProps } from "./admin.tsx";

type Schemas = components["schemas"];
type Export = Schemas["ExportView"];

const DAY = 86_400_000;

export function Exports({ again, changed, name }: PartProps) {
  return name ? (
    <One key={name} name={name} again={again} changed={changed} />
  ) : (
    <All again={again} changed={changed} />
  );
}

function All({ again, changed }: Omit<PartProps, "name">) {
  const loaded = useKept(
    "exports",
    useLoaded(
      `exports/${again}`,
      (signal) => get<Schemas["ExportList"]>(["exports"], {}, signal),
      () => 10_000,
    ),
  );
  const writes = may("exports:write");
  return (
    <Rows
      title="Exports"
      loaded={loaded}
      items={loaded.value?.items}
      none="Nothing is exported yet."
      columns={["Export", "Receiver", "Sends", "Delivery", "Waiting", "Given up"]}
      row={(one) => ({
        key: one.name,
        cells: [
          <a key="name" href={href({ page: "admin", part: "exports", name: one.name })}>
            {one.name}
          </a>,
          <Receiver key="receiver" one={one} />,
          one.signals.join(", "),
          <Delivery key="delivery" one={one} />,
          one.standing.pending,
          one.standing.dead,
        ],
        action: writes && <Actions one={one} changed={changed} />,
      })}
    >
      {writes && (
        <ActionForm
          title="Create an export"
          button="Create"
          fields={[
            { name: "name", label: "Name" },
            { name: "kind", label: "Receiver", choices: KINDS },
            { name: "url", label: "Address", hint: "https://loki.example.com/loki/api/v1/push" },
            { name: "signals", label: "Sends", hint: "logs, metrics, traces", optional: true },
            { name: "projects", label: "Projects", hint: "all that you may read", optional: true },
            { name: "labels", label: "Labels", hint: "site=paris", lines: true },
            { name: "headers", label: "Headers", hint: "X-Scope-OrgID=acme", lines: true },
            { name: "scheme", label: "Sign-in", choices: SCHEMES, optional: true },
            { name: "user", label: "User, of basic", optional: true },
            { name: "secret", label: "Password, token or key", secret: true, optional: true },
          ]}
          act={async (fields) => {
            const made = await put<Export>(["exports", fields.name ?? ""], exportBody(fields));
            changed();
            return `${made.name} sends what arises from now on.`;
          }}
        />
      )}
    </Rows>
  );
}

function Receiver({ one }: { one: Export }) {
  return (
    <>
      <span class="chip">{one.kind}</span> <span class="quiet-text">{visible(one.url)}</span>
    </>
  );
}

function Delivery({ one }: { one: Export }) {
  const { word, detail } = deliveryOf(one, Date.now());
  return (
    <>
      {word === "fails" || word === "gives up" ? <strong class="tone-bad state">{word}</strong> : word}{" "}
      <span class="quiet-text">{visible(detail)}</span>
    </>
  );
}

function Actions({ one, changed }: { one: Export; changed: () => void }) {
  return (
    <>
      <Press verb="Test" what={`export ${one.name}`} act={() => tested(one.name)} />
      <Press
        verb={one.enabled ? "Pause" : "Resume"}
        what={`export ${one.name}`}
        act={async () => {
          await put(["exports", one.name], bodyWith(one, !one.enabled));
          changed();
          return "";
        }}
      />
      <Confirm verb="Delete" what={`export ${one.name}`} act={() => remove(["exports", one.name]).then(changed)} />
    </>
  );
}

async function tested(name: string): Promise<string> {
  const { ok, answers } = await post<Schemas["TriedView"]>(["exports", name, "test"]);
  const given = Object.entries(answers).map(([signal, answer]) => `${signal}: ${visible(answer)}`);
  return `${ok ? "accepted" : "not accepted"}${given.length ? ` (${given.join("; ")})` : ""}`;
}

function One({ name, again, changed }: PartProps & { name: string }) {
  const loaded = useKept(
    name,
    useLoaded(
      `export/${name}/${again}`,
      async (signal) => {
        const [one, backfills, dead] = await Promise.all([
          get<Export>(["exports", name], {}, signal),
          get<Schemas["BackfillList"]>(["exports", name, "backfills"], {}, signal),
          get<Schemas["ExportDeadLetterList"]>(["exports", name, "dead-letters"], {}, signal),
        ]);
        return { one, backfills: backfills.items, dead: dead.items };
      },
      () => 10_000,
    ),
  );
  const found = loaded.value;
  const writes = may("exports:write");
  if (!found) return loaded.error ? <Failure error={loaded.error} /> : <Loading what={name} />;
  const { one } = found;
  return (
    <>
      {loaded.error && <Failure error={loaded.error} />}
      <section class="card" aria-label="Export">
        <div class="section-head">
          <h2>{one.name}</h2>
          <Receiver one={one} />
          <span class="fill" />
          {writes && <Press verb="Test" what={`export ${one.name}`} act={() => tested(one.name)} />}
        </div>
        <dl class="facts">
          <Fact name="Delivery">
            <Delivery one={one} />
          </Fact>
          <Fact name="Sends">{one.signals.join(", ")}</Fact>
          <Fact name="Projects">{one.projects.map((each) => (each === "*" ? "all" : each)).join(", ")}</Fact>
          <Fact name="Labels">{pairs(one.labels)}</Fact>
          <Fact name="Headers">{pairs(one.headers)}</Fact>
          <Fact name="Sign-in">{one.credentials?.scheme ?? "none"}</Fact>
          <Fact name="Waiting">{one.standing.pending.toLocaleString("en")}</Fact>
        </dl>
      </section>
      <Rows
        title="Given up"
        loaded={loaded}
        items={found.dead}
        none="Everything was accepted, or is tried again."
        columns={["Since", "What", "The receiver's answer"]}
        row={(letter) => ({
          key: `${letter.since}/${letter.event}`,
          cells: [
            <Ago key="since" time={letter.since} />,
            letter.event ? <code key="event">{letter.event}</code> : "metrics",
            visible(letter.error ?? "none"),
          ],
        })}
      >
        {writes && found.dead.length > 0 && (
          <p class="buttons above">
            <Press
              verb="Send once more"
              what={`what was given up of ${name}`}
              act={async () => {
                const { redriven } = await post<Schemas["RevivedView"]>(["exports", name, "redrive"]);
                changed();
                return `${counted(redriven, "delivery", "deliveries")} sent again`;
              }}
            />
          </p>
        )}
      </Rows>
      <Rows
        title="Back-fills"
        loaded={loaded}
        items={found.backfills}
        none="What was stored before the export was not sent."
        columns={["From", "Until", "State", "Sent"]}
        row={(fill) => ({
          key: fill.backfill_id,
          cells: [
            new Date(fill.since).toLocaleString(),
            new Date(fill.until).toLocaleString(),
            `${fill.state}${fill.error ? `: ${visible(fill.error)}` : ""}`,
            `${counted(fill.runs, "run")}, ${counted(fill.lines, "line")}, ${counted(fill.spans, "span")}`,
          ],
        })}
      >
        {writes && (
          <ActionForm
            title="Send what is stored"
            button="Send"
            fields={[
              { name: "days", label: "Of the last days", value: "1" },
              { name: "signals", label: "Sends", hint: "logs, traces", optional: true },
            ]}
            act={async ({ days = "", signals = "" }) => {
              const named = signals.split(/[\s,]+/).filter(Boolean);
              const since = away(days, -DAY, "days");
              await post(["exports", name, "backfills"], { since, signals: named.length ? named : null });
              changed();
              return "It is sent, the newest runs first.";
            }}
          />
        )}
      </Rows>
    </>
  );
}

const pairs = (given: Readonly<Record<string, string>>) =>
  Object.entries(given)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ") || "none";
