// The value that a trace begins at, line by line: each can be followed by itself. And the runs that had the same value.
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { decoded } from "../model/bytes.ts";
import { ago, bytes } from "../model/format.ts";
import { linesOf } from "../model/trace.ts";
import { setQuery } from "../navigation.ts";
import { href, parted, valueRoute } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { Field } from "./field.tsx";
import { Failure } from "./notes.tsx";
import { State } from "./state.tsx";

type Schemas = components["schemas"];
type Content = Schemas["ContentView"];

const PIECE = 4_096;
const BEFORE = 1_024;
const LONGEST = 400;
const MOST_LINES = 60;

interface FollowedProps {
  run: string;
  port: string;
  /** The byte that is followed; null for the whole value. */
  offset: number | null;
}

/** The lines around the place that is followed. */
export function Followed({ run, port, offset }: FollowedProps) {
  const { treatment, port: name } = parted(port);
  const from = Math.max(0, (offset ?? 0) - BEFORE);
  const loaded = useLoaded(`followed/${run}/${port}/${from}`, (signal) =>
    get<Content>(["runs", run, "treatments", treatment, "outputs", name], { offset: from, length: PIECE }, signal),
  );
  const content = loaded.value;
  if (!content && loaded.error) return <Failure error={loaded.error} />;
  if (content?.size === 0) return null;
  const all = content ? linesOf(decoded(content.content_base64), content.offset) : [];
  const place = offset === null ? 0 : all.findLastIndex((line) => line.offset <= offset);
  const first = Math.max(0, Math.min(place - MOST_LINES / 2, all.length - MOST_LINES));
  return (
    <section class="card" aria-labelledby="followed-title">
      <div class="section-head">
        <h2 id="followed-title">What is followed</h2>
        <span class="quiet-text">{offset === null ? "the whole value" : "one place of it"}</span>
        <span class="fill" />
        <label class="inline">
          Byte{" "}
          <Field
            type="number"
            class="byte"
            data-key="o"
            aria-label="Byte to follow"
            min={0}
            max={content ? content.size - 1 : undefined}
            value={offset ?? ""}
            commit={(text) => setQuery({ offset: text || null, node: null })}
          />
        </label>
        {offset !== null && (
          <button type="button" onClick={() => setQuery({ offset: null, node: null })}>
            Whole value
          </button>
        )}
        <a class="button" href={href(valueRoute(run, port), { offset: offset === null ? null : String(offset) })}>
          Open
        </a>
      </div>
      <ol class="follow-lines">
        {all.slice(first, first + MOST_LINES).map((line, at) => {
          const isHere = offset !== null && first + at === place;
          const label = `Follow the line at byte ${line.offset}: ${line.text.slice(0, 60)}`;
          return (
            <li key={line.offset} class={isHere ? "marked" : undefined}>
              <button
                type="button"
                class="quiet"
                aria-label={visible(label)}
                aria-pressed={isHere}
                onClick={() => setQuery({ offset: String(line.offset), node: null })}
              >
                {line.offset.toLocaleString("en")}
              </button>
              <code>{visible(line.text.slice(0, LONGEST))}</code>
            </li>
          );
        })}
      </ol>
      {content && content.size > content.offset + PIECE && (
        <p class="quiet-text">It goes on: {bytes(content.size)} in all. Any byte of it can be followed.</p>
      )}
    </section>
  );
}

/** The runs of the project that had the same value, wherever it came from. */
export function SameValue({ run, sha256 }: { run: string; sha256: string }) {
  const loaded = useLoaded(`uses/${run}/${sha256}`, async (signal) => {
    const { project } = await get<Schemas["RunWithTreatments"]>(["runs", run], { limit: 1 }, signal);
    return get<Schemas["UsesPage"]>(["projects", project, "values", sha256, "uses"], {}, signal);
  });
  if (!loaded.value) return loaded.error ? <Failure error={loaded.error} /> : null;
  const now = Date.now();
  return (
    <section class="card" aria-labelledby="same-title">
      <h2 id="same-title">The same value elsewhere</h2>
      <ul class="plain-list">
        {loaded.value.items.map((use) => (
          <li key={`${use.run_id}/${use.treatment}.${use.port}`}>
            <a href={href({ page: "value", run: use.run_id, treatment: use.treatment, port: use.port })}>
              {use.treatment}.{use.port}
            </a>{" "}
            in <a href={href({ page: "run", run: use.run_id })}>{use.run_id === run ? "this run" : use.run_id}</a> of{" "}
            {use.pipeline} <State state={use.run_state} />{" "}
            <span class="quiet-text">
              {ago(use.created_at, now)}
              {use.consumers.length > 0 && `, used by ${use.consumers.slice(0, 6).join(", ")}`}
              {use.kept_from && ", taken over from an earlier run"}
            </span>
          </li>
        ))}
      </ul>
      {loaded.value.next && <p class="quiet-text">There are more.</p>}
    </section>
  );
}
