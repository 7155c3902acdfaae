// How many lines match by the values of fields; each value narrows the search, or leaves its lines out.
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { rangeOf } from "../model/histogram.ts";
import { condition, has, toggled } from "../model/search_query.ts";
import { setQuery } from "../navigation.ts";
import { useKept, useLoaded } from "./data.ts";
import { Failure } from "./notes.tsx";

type Counts = components["schemas"]["CountsView"];

const FIELDS = ["level", "project", "pipeline", "treatment", "stream"];
const MOST = 6;

/** `every`: milliseconds until the lines are counted again; null for once. */
export function Facets({ q, every }: { q: string; every: number | null }) {
  const loaded = useKept(
    q,
    useLoaded(
      `facets/${q}/${every}`,
      async (signal) => {
        const range = rangeOf(q, Date.now());
        if (!range) return null;
        return get<Counts>(["logs", "counts"], { q: range.query, by: FIELDS.join(",") }, signal);
      },
      () => every,
    ),
  );
  if (loaded.error) return <Failure error={loaded.error} />;
  const found = loaded.value;
  if (!found || found.counts.length === 0) return null;
  return (
    <section class="card" aria-labelledby="facets-title">
      <div class="section-head">
        <h2 id="facets-title">By field</h2>
        {!found.complete && <span class="quiet-text">at least; there was more than one request counts</span>}
      </div>
      <div class="facets">
        {FIELDS.filter((field) => found.counts.some((one) => one.field === field)).map((field) => (
          <Facet key={field} q={q} field={field} counts={found.counts.filter((one) => one.field === field)} />
        ))}
      </div>
    </section>
  );
}

function Facet({ q, field, counts }: { q: string; field: string; counts: Counts["counts"] }) {
  const most = Math.max(1, ...counts.map((one) => one.lines));
  const left = counts.length - MOST;
  return (
    <section aria-label={`By ${field}`}>
      <h3>{field}</h3>
      <ul>
        {counts.slice(0, MOST).map(({ value, lines }) => {
          const only = condition(field, value ?? "");
          const without = condition(field, value ?? "", true);
          const name = visible(value || "none");
          return (
            <li key={value}>
              <button
                type="button"
                class="facet"
                aria-pressed={has(q, only)}
                onClick={() => setQuery({ q: toggled(q, only) })}
              >
                <i style={{ width: `${(lines / most) * 100}%` }} />
                <span class="clip">
                  <span class="hidden">{field} </span>
                  {name}
                </span>
                <span class="facet-count">
                  {lines.toLocaleString("en")}
                  <span class="hidden"> {lines === 1 ? "line" : "lines"}</span>
                </span>
              </button>
              <button
                type="button"
                class="quiet"
                aria-label={`Without ${field} ${name}`}
                title={`Without ${name}`}
                onClick={() => setQuery({ q: toggled(q, without) })}
              >
                −
              </button>
            </li>
          );
        })}
      </ul>
      {left > 0 && (
        <p class="quiet-text">
          {left}
          {counts.length === 100 ? " or more" : ""} others
        </p>
      )}
    </section>
  );
}
