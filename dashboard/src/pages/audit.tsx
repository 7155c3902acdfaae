// Who did what, when and from where? The audit log, filtered by the address.

import { useState } from "preact/hooks";
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { moment } from "../model/moments.ts";
import { location_, setQuery } from "../navigation.ts";
import { useLoaded } from "../parts/data.ts";
import { Export } from "../parts/export.tsx";
import { Field } from "../parts/field.tsx";
import { Rows } from "../parts/rows.tsx";

type Page = components["schemas"]["AuditPage"];
type Entry = components["schemas"]["AuditView"];

const PAGE = 100;
const KINDS = ["", "change", "sign-in", "refusal", "secret", "value"];
const FILTERS = [
  { name: "actor", label: "Who", hint: "name or id" },
  { name: "action", label: "Action", hint: "put_secret" },
  { name: "project", label: "Project", hint: "default" },
  { name: "outcome", label: "Outcome", hint: "accepted" },
] as const;

export function Audit() {
  const query = new URLSearchParams(location_.value.search);
  const given = Object.fromEntries(
    ["kind", "actor", "action", "project", "outcome", "since", "until"].map((name) => [name, query.get(name)]),
  );
  const key = JSON.stringify(given);
  const [wanted, setWanted] = useState({ key, pages: 1 });
  const count = wanted.key === key ? wanted.pages : 1;
  // Pages that are there stay; a further one is read after them.
  const loaded = useLoaded<{ items: Entry[]; next: string | null }>(`audit/${key}/${count}`, async (signal) => {
    const times = { since: moment(given.since), until: moment(given.until) };
    const items: Entry[] = [];
    let cursor: string | null = null;
    for (let read = 0; read < count; read++) {
      const page: Page = await get<Page>(["audit"], { ...given, ...times, limit: PAGE, cursor }, signal);
      items.push(...page.items);
      cursor = page.next;
      if (!cursor) break;
    }
    return { items, next: cursor };
  });
  const items = loaded.value?.items;
  return (
    <>
      <form class="filters audit-filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Kind</span>
          <select value={given.kind ?? ""} onChange={(event) => setQuery({ kind: event.currentTarget.value || null })}>
            {KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {kind || "any"}
              </option>
            ))}
          </select>
        </label>
        {FILTERS.map(({ name, label, hint }) => (
          <label key={name}>
            <span>{label}</span>
            <Field
              type="search"
              size={12}
              placeholder={hint}
              value={given[name] ?? ""}
              commit={(text) => setQuery({ [name]: text.trim() || null })}
            />
          </label>
        ))}
        {(["since", "until"] as const).map((name) => (
          <label key={name}>
            <span>{name === "since" ? "Since" : "Until"}</span>
            <Field
              type="datetime-local"
              value={given[name] ?? ""}
              commit={(text) => setQuery({ [name]: text || null })}
            />
          </label>
        ))}
      </form>
      <Rows
        title="Audit log"
        loaded={loaded}
        items={items}
        none="No entry matches."
        columns={["When", "Who", "What", "On", "Outcome", "From"]}
        row={(one) => ({
          key: `${one.at}/${one.request}/${one.outcome}/${one.action}/${one.target}`,
          cells: [
            <time key="at" class="whole" dateTime={one.at} title={`${one.at}, request ${one.request}`}>
              {new Date(one.at).toLocaleString()}
            </time>,
            <span key="by" title={one.actor}>
              {visible(one.by || one.actor)}
            </span>,
            <span key="action">
              {one.action} <span class="chip">{one.kind}</span>
            </span>,
            <code key="target">{visible(one.target)}</code>,
            <span key="outcome" class="whole">
              {one.outcome === "accepted" ? one.outcome : <strong>{one.outcome}</strong>}
            </span>,
            <span key="source" class="whole">
              {one.source || "–"}
            </span>,
          ],
        })}
      >
        <p class="buttons above">
          {loaded.value?.next && (
            <button type="button" onClick={() => setWanted({ key, pages: count + 1 })}>
              Read on
            </button>
          )}
          {items && items.length > 0 && <Export name="audit" what="these entries" rows={() => items} />}
        </p>
      </Rows>
    </>
  );
}
