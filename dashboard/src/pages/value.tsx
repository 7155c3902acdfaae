// What were the bytes? A value at any offset, also while its stream flows.
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { decoded, hexdump, utf8 } from "../model/bytes.ts";
import { bytes } from "../model/format.ts";
import { location_, setQuery } from "../navigation.ts";
import { useKept, useLoaded } from "../parts/data.ts";
import { Field } from "../parts/field.tsx";
import { Fact, RunCrumbs, useTitle } from "../parts/head.tsx";
import { Failure, Loading } from "../parts/notes.tsx";
import { Preview } from "../parts/preview.tsx";
import { SaveValue } from "../parts/save_value.tsx";
import { href } from "../routes.ts";

type Content = components["schemas"]["ContentView"];
type Trace = components["schemas"]["TraceView"];

const PIECE = 4_096;
const VIEWS = ["auto", "text", "hex"] as const;

export function ValuePage({ run, treatment, port }: { run: string; treatment: string; port: string }) {
  useTitle(`${treatment}.${port}`);
  const query = new URLSearchParams(location_.value.search);
  const offset = Math.max(0, Number(query.get("offset") ?? 0) || 0);
  const attempt = query.get("attempt");
  const path = ["runs", run, "treatments", treatment, "outputs", port];
  const as = VIEWS.find((view) => view === query.get("as")) ?? "auto";
  // What is shown stays until the next piece is there, and with it the slider that is being moved.
  const loaded = useKept(
    `${attempt}`,
    useLoaded(
      `value/${run}/${treatment}.${port}/${offset}/${attempt}`,
      (signal) => get<Content>(path, { offset, length: PIECE, attempt }, signal),
      (content) => (content && !content.ended ? 1_000 : null),
    ),
  );
  const content = loaded.value;
  return (
    <>
      <header class="run-head">
        <RunCrumbs run={run} treatment={treatment}>
          <a href={href({ page: "treatment", run, treatment })}>{treatment}</a>
        </RunCrumbs>
        <div class="title-row">
          <h1>
            {treatment}.{port}
          </h1>
          <span class="fill" />
          {content && content.size > 0 && <SaveValue run={run} content={content} />}
        </div>
        {content && (
          <dl class="facts">
            <Fact name="Type">
              {content.flow} of {content.type}
            </Fact>
            <Fact name="Size">
              {bytes(content.size)}
              {content.ended ? "" : ", and it still flows"}
            </Fact>
            {content.sha256 && (
              <Fact name="SHA-256">
                <code>{content.sha256}</code>
              </Fact>
            )}
          </dl>
        )}
      </header>
      {loaded.error && <Failure error={loaded.error} />}
      {!content && !loaded.error && <Loading what="the value" />}
      {content && (
        <section class="card" aria-labelledby="bytes-title">
          <div class="section-head">
            <h2 id="bytes-title">
              Bytes {content.offset.toLocaleString("en")} to {(content.offset + length(content)).toLocaleString("en")}
            </h2>
            <span class="fill" />
            <span class="buttons" role="group" aria-label="Shown as">
              {VIEWS.map((view) => (
                <button key={view} type="button" aria-pressed={view === as} onClick={() => setQuery({ as: view })}>
                  {view}
                </button>
              ))}
            </span>
          </div>
          {content.size > PIECE && (
            <label class="scrubber">
              <span class="hidden">Offset in bytes</span>
              <Field
                type="range"
                min={0}
                max={Math.max(0, content.size - 1)}
                step={16}
                value={offset}
                commit={(text) => setQuery({ offset: text })}
              />
            </label>
          )}
          <Bytes content={content} as={as} />
          {content.size > PIECE && (
            <p class="buttons">
              <button
                type="button"
                disabled={offset === 0}
                onClick={() => setQuery({ offset: String(Math.max(0, offset - PIECE)) })}
              >
                Back
              </button>
              <button
                type="button"
                disabled={offset + PIECE >= content.size}
                onClick={() => setQuery({ offset: String(offset + PIECE) })}
              >
                On
              </button>
            </p>
          )}
        </section>
      )}
      <Origin run={run} port={`${treatment}.${port}`} offset={offset} />
    </>
  );
}

function raw(content: Content): Uint8Array {
  return decoded(content.content_base64);
}

function length(content: Content): number {
  return raw(content).length;
}

function Bytes({ content, as }: { content: Content; as: (typeof VIEWS)[number] }) {
  if (as === "hex") return <pre>{hexdump(raw(content), content.offset)}</pre>;
  if (as === "text") return <pre>{utf8(raw(content))}</pre>;
  return <Preview shown={content.shown} size={content.size} />;
}

interface Row {
  depth: number;
  port: string;
  of: Trace["origin"];
}

function Origin({ run, port, offset }: { run: string; port: string; offset: number }) {
  const loaded = useLoaded(`trace/${run}/${port}`, (signal) => get<Trace>(["runs", run, "trace"], { port }, signal));
  if (!loaded.value) return loaded.error ? <Failure error={loaded.error} /> : null;
  const at = { port, offset: offset ? String(offset) : null };
  const rows: Row[] = [];
  const seen = new Set<string>();
  const collect = (origin: Trace["origin"], depth: number) => {
    const name = `${origin.run_id}/${origin.treatment}.${origin.port}`;
    if (seen.has(name) || rows.length >= 200) return;
    seen.add(name);
    rows.push({ depth, port: `${origin.treatment}.${origin.port}`, of: origin });
    for (const input of Object.values(origin.inputs)) if (input) collect(input, depth + 1);
    for (const source of origin.sources ?? []) collect(source, depth + 1);
  };
  collect(loaded.value.origin, 0);
  return (
    <section class="card" aria-labelledby="origin-title">
      <div class="section-head">
        <h2 id="origin-title">Where it came from</h2>
        <span class="fill" />
        <a class="button" data-key="b" href={href({ page: "trace", run }, at)}>
          Trace it back
        </a>
        <a class="button" data-key="f" href={href({ page: "trace", run }, { ...at, direction: "forward" })}>
          Where it went
        </a>
      </div>
      <ol class="origin">
        {rows.map(({ depth, port: name, of }) => (
          <li key={`${of.run_id}/${name}`} style={{ paddingLeft: `${depth * 20}px` }}>
            <a href={href({ page: "value", run: of.run_id, treatment: of.treatment, port: of.port })}>{name}</a>
            {of.run_id !== run && (
              <a class="chip" href={href({ page: "run", run: of.run_id })}>
                another run
              </a>
            )}
            {of.value && (
              <span class="quiet-text">
                {bytes(of.value.size)}
                {of.value.sha256 && (
                  <>
                    {" "}
                    <code title={of.value.sha256}>{of.value.sha256.slice(0, 12)}</code>
                  </>
                )}
              </span>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
