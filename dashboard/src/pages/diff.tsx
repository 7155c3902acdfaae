// What differs? Two runs beside each other, the first divergence first; a replay beside its original.
import { useMemo } from "preact/hooks";
import { get, pages } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { between, bytes, counted, duration } from "../model/format.ts";
import { navigate } from "../navigation.ts";
import { Ago } from "../parts/ago.tsx";
import { useLoaded } from "../parts/data.ts";
import { Graph } from "../parts/graph.tsx";
import { Crumbs, useTitle } from "../parts/head.tsx";
import { Failure, Loading, Unavailable } from "../parts/notes.tsx";
import { State } from "../parts/state.tsx";
import { href } from "../routes.ts";
import "../style/diff.css";

type Schemas = components["schemas"];
type Diff = Schemas["RunDiffView"];
type TreatmentDiff = Schemas["TreatmentDiffView"];
type GraphPage = Schemas["GraphView"];

const STANDINGS: Record<string, string> = {
  same: "the same",
  differs: "different",
  follows: "because of others",
  stopped: "stopped",
  unknown: "not comparable",
  open: "not ended",
};

/** A treatment that was given something else does not differ by itself. */
function standing(one: TreatmentDiff): string {
  if (one.standing !== "differs") return STANDINGS[one.standing] ?? one.standing;
  const changed = one.inputs.some((port) => port.known) || one.definition.length > 0 || one.variables.length > 0;
  return changed ? "given something else" : "different by itself";
}

export function DiffPage({ run, other }: { run: string; other: string }) {
  useTitle("Comparison");
  const loaded = useLoaded(
    `diff/${run}/${other}`,
    (signal) => get<Diff>(["runs", run, "diff", other], {}, signal),
    (diff) => (diff?.counts.open ? 3_000 : null),
  );
  const diff = loaded.value;
  if (!diff)
    return loaded.error ? (
      <Unavailable what="Two runs compared" error={loaded.error} />
    ) : (
      <Loading what="the comparison" />
    );
  const { divergence } = diff;
  return (
    <>
      <Crumbs>
        <a href={href({ page: "runs" })}>Runs</a>
        <a href={href({ page: "run", run: other })}>{diff.now.pipeline}</a>
      </Crumbs>
      <div class="title-row">
        <h1>{diff.replay ? "A replay beside its original" : "Two runs compared"}</h1>
        <span class="fill" />
        <a class="button" href={href({ page: "diff", run: other, other: run })}>
          Swap
        </a>
      </div>
      <div class="columns">
        <Side label={sideName(diff, "then")} run={diff.then} />
        <Side label={sideName(diff, "now")} run={diff.now} />
      </div>
      <section class={`card ${divergence ? "divergence" : "agreement"}`} aria-labelledby="divergence-title">
        <h2 id="divergence-title">{divergence ? "The first divergence" : "Result"}</h2>
        <p class="lead">{visible(diff.words)}</p>
        {divergence && <Divergence diff={diff} one={divergence} />}
        <Otherwise diff={diff} />
      </section>
      {diff.replay && may("values:read") && <Replay diff={diff} />}
      {!diff.replay && <Changed diff={diff} />}
      <Treatments diff={diff} />
      <Only diff={diff} />
      <Durations diff={diff} />
    </>
  );
}

function sideName(diff: Diff, which: "then" | "now"): string {
  if (!diff.replay) return which === "then" ? "Then" : "Now";
  return diff[which].replay_of ? "Replay" : "Original";
}

function Side({ label, run }: { label: string; run: Schemas["RunView"] }) {
  const now = Date.now();
  return (
    <section class="card side" aria-label={label}>
      <h2>{label}</h2>
      <p class="side-run">
        <State state={run.state} />
        <a class="run-name" href={href({ page: "run", run: run.run_id })}>
          {run.pipeline}
        </a>
        <code class="quiet-text">{run.run_id}</code>
      </p>
      <p class="quiet-text">
        <Ago time={run.created_at} now={now} />, took {between(run.started_at, run.finished_at, now)}
        {run.branch ? `, on ${run.branch}` : ""}
      </p>
      {run.commit && (
        <p class="quiet-text clip">
          <code>{run.commit.slice(0, 12)}</code> {run.commit_message && visible(run.commit_message)}
        </p>
      )}
    </section>
  );
}

function Divergence({ diff, one }: { diff: Diff; one: TreatmentDiff }) {
  const names = [sideName(diff, "then"), sideName(diff, "now")];
  const [then, now] = diff.runners;
  const ports = [
    ...one.inputs.map((port) => ["input", port] as const),
    ...one.outputs.map((port) => ["output", port] as const),
  ];
  const rows: [string, string, string][] = ports.map(([kind, port]) => [
    `${kind} ${port.port}`,
    sent(port.then),
    sent(port.now),
  ]);
  if (one.then.cause !== one.now.cause) rows.push(["cause", one.then.cause ?? "–", one.now.cause ?? "–"]);
  if (then && now) {
    for (const [label, key] of [
      ["pool", "pool"],
      ["host", "host"],
      ["image", "image_digest"],
    ] as const)
      if (then[key] !== now[key]) rows.push([label, then[key] ?? "–", now[key] ?? "–"]);
  }
  const place = diff.content?.first_difference;
  return (
    <>
      <div class="scroll-x">
        <table class="plain sides">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden">What</span>
              </th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">{one.name}</th>
              {[one.then, one.now].map((side, at) => (
                <td key={names[at]}>
                  <a class="state-link" href={detail(diff, one, at)}>
                    <State state={side.state} note={side.exit_code ? `(exit ${side.exit_code})` : undefined} />
                    <span class="hidden"> in {names[at]}: details</span>
                  </a>
                </td>
              ))}
            </tr>
            {rows.map(([label, left, right]) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>{visible(left)}</td>
                <td>{visible(right)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {diff.content?.files && <Files port={diff.content.port} files={diff.content.files} />}
      {place && (
        <figure class="contrast">
          <figcaption>
            <code>{diff.content?.port}</code> differs first in{" "}
            {place.line === null ? `byte ${place.offset}` : `line ${place.line}, column ${place.column}`}
            {place.pointer ? `, at ${place.pointer}` : ""}
            {place.member ? `, in ${visible(place.member)}` : ""}
          </figcaption>
          <pre>
            <span class="contrast-then">
              <b>{names[0]}</b> {visible(place.then)}
              {"\n"}
            </span>
            <span class="contrast-now">
              <b>{names[1]}</b> {visible(place.now)}
              {"\n"}
            </span>
          </pre>
        </figure>
      )}
      {diff.content?.note && !place && (
        <p class="quiet-text">
          <code>{diff.content.port}</code>: {diff.content.note}
        </p>
      )}
      {!diff.replay && <Around diff={diff} name={one.name} />}
    </>
  );
}

const FILES = ["added", "removed", "changed"] as const;
const MOST_FILES = 20;

/** Which files of a tree differ, beyond the first place. */
function Files({ port, files }: { port: string; files: Schemas["FilesDiffView"] }) {
  const kinds = FILES.filter((kind) => files.counts[kind]);
  if (kinds.length === 0) return null;
  return (
    <section class="files" aria-label={`Files of ${port}`}>
      <h3>
        Files of <code>{port}</code>
        <span class="quiet-text">
          {kinds.map((kind) => `${files.counts[kind]?.toLocaleString("en")} ${kind}`).join(", ")}
          {files.whole ? "" : "; the rest was too large to be read"}
        </span>
      </h3>
      <ul>
        {kinds.flatMap((kind) =>
          files[kind].slice(0, MOST_FILES).map((name) => (
            <li key={`${kind} ${name}`}>
              <span class={`file-${kind}`}>{kind}</span> <code>{visible(name)}</code>
            </li>
          )),
        )}
      </ul>
      {kinds.map((kind) => {
        const more = (files.counts[kind] ?? 0) - Math.min(MOST_FILES, files[kind].length);
        return more > 0 && <p class="quiet-text">{`${counted(more, "more file")} ${kind}.`}</p>;
      })}
    </section>
  );
}

/** The graph of the other run with the divergence chosen. */
function Around({ diff, name }: { diff: Diff; name: string }) {
  const run = diff.now.run_id;
  const shape = useLoaded(`graph/${run}`, (signal) => pages<GraphPage>(["runs", run, "graph"], {}, signal));
  const nodes = useMemo(() => shape.value?.flatMap((page) => page.nodes) ?? [], [shape.value]);
  const edges = useMemo(() => shape.value?.flatMap((page) => page.edges) ?? [], [shape.value]);
  if (nodes.length < 2) return null;
  return (
    <Graph
      nodes={nodes}
      edges={edges}
      selected={name}
      centred
      choose={(treatment) => navigate(href({ page: "treatment", run, treatment }))}
    />
  );
}

function Otherwise({ diff }: { diff: Diff }) {
  const name = diff.ended_otherwise;
  if (!name || name === diff.divergence?.name) return null;
  const one = diff.treatments.find((treatment) => treatment.name === name);
  return (
    <p class="consequences">
      The first that ended otherwise:{" "}
      <a href={href({ page: "treatment", run: diff.now.run_id, treatment: name })}>{name}</a>
      {one && <span class="quiet-text"> {one.words.replace(`${name}: `, "")}</span>}
    </p>
  );
}

function Changed({ diff }: { diff: Diff }) {
  if (!diff.changed.length) return null;
  return (
    <section class="card" aria-labelledby="changed-title">
      <h2 id="changed-title">What was changed between them</h2>
      <div class="scroll-x">
        <table class="plain sides">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">{sideName(diff, "then")}</th>
              <th scope="col">{sideName(diff, "now")}</th>
            </tr>
          </thead>
          <tbody>
            {diff.changed.map((one) => (
              <tr key={one.name}>
                <th scope="row">{FACTS[one.name] ?? <code>${one.name}</code>}</th>
                <td>{fact(one.name, one.then)}</td>
                <td>{fact(one.name, one.now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const FACTS: Record<string, string> = {
  pipeline: "Pipeline",
  version: "Version of the pipeline",
  document: "Document",
  commit: "Commit",
  branch: "Branch",
};

function fact(name: string, text: string | null) {
  if (text === null) return <span class="quiet-text">none</span>;
  return name === "document" || name === "commit" ? <code>{text.slice(0, 12)}</code> : visible(text);
}

function Treatments({ diff }: { diff: Diff }) {
  const { same = 0 } = diff.counts;
  return (
    <section class="card" aria-labelledby="treatments-title">
      <div class="section-head">
        <h2 id="treatments-title">Treatments</h2>
        <span class="counts quiet-text">
          {Object.entries(diff.counts).map(([standing, count]) => (
            <span key={standing}>
              {count.toLocaleString("en")} {STANDINGS[standing] ?? standing}
            </span>
          ))}
        </span>
      </div>
      {diff.treatments.length === 0 && (
        <p class="quiet-text">
          {same ? "All that both runs have gave the same results." : "The runs have none in common."}
        </p>
      )}
      {diff.treatments.length > 0 && (
        <div class="scroll-x">
          <table class="plain rows">
            <thead>
              <tr>
                <th scope="col">Treatment</th>
                <th scope="col">Result</th>
                <th scope="col">{sideName(diff, "then")}</th>
                <th scope="col">{sideName(diff, "now")}</th>
                <th scope="col">What differs</th>
              </tr>
            </thead>
            <tbody>
              {diff.treatments.slice(0, MOST).map((one) => (
                <tr key={one.name} class={one.name === diff.divergence?.name ? "selected" : undefined}>
                  <th scope="row">
                    <a href={href({ page: "treatment", run: diff.now.run_id, treatment: one.name })}>{one.name}</a>
                  </th>
                  <td data-label="Result">{standing(one)}</td>
                  {[one.then, one.now].map((side, at) => (
                    <td key={at} class="together" data-label={sideName(diff, at === 0 ? "then" : "now")}>
                      <span>
                        <State state={side.state} />
                        {side.seconds !== null && <span class="quiet-text">{duration(side.seconds * 1000)}</span>}
                      </span>
                    </td>
                  ))}
                  <td data-label="What differs">{differing(one)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {diff.treatments.length + diff.more > MOST && (
        <p class="note">{counted(diff.treatments.length + diff.more - MOST, "more treatment")} not shown.</p>
      )}
    </section>
  );
}

const MOST = 100;

function differing(one: TreatmentDiff): string {
  const parts = [
    ...one.inputs.map((port) => `input ${port.port}`),
    ...one.definition.map((name) => `definition: ${name}`),
    ...one.variables.map((name) => `$${name}`),
    ...one.outputs.map((port) => `output ${port.port}`),
  ];
  return parts.length > 4
    ? `${parts.slice(0, 4).join(", ")} and ${parts.length - 4} more`
    : parts.join(", ") || "its end";
}

function Only({ diff }: { diff: Diff }) {
  const lists = [
    [diff.then, diff.only_then],
    [diff.now, diff.only_now],
  ] as const;
  if (!lists.some(([, names]) => names.length)) return null;
  return (
    <section class="card" aria-labelledby="only-title">
      <h2 id="only-title">Only in one of them</h2>
      {lists.map(([run, names], at) =>
        names.length ? (
          <p key={at} class="only">
            <span class="quiet-text">{sideName(diff, at === 0 ? "then" : "now")}:</span>
            {names.slice(0, MOST).map((name) => (
              <a key={name} class="chip" href={href({ page: "treatment", run: run.run_id, treatment: name })}>
                {name}
              </a>
            ))}
            {names.length > MOST && <span> and {names.length - MOST} more</span>}
          </p>
        ) : null,
      )}
    </section>
  );
}

function Durations({ diff }: { diff: Diff }) {
  const longest = Math.max(0.001, ...diff.durations.flatMap((one) => [one.then, one.now]));
  if (!diff.durations.length) return null;
  return (
    <section class="card" aria-labelledby="durations-title">
      <h2 id="durations-title">Times</h2>
      <table class="plain times">
        <thead>
          <tr>
            <th scope="col">Treatment</th>
            <th scope="col" class="number">
              {sideName(diff, "then")}
            </th>
            <th scope="col" class="number">
              {sideName(diff, "now")}
            </th>
            <th scope="col">
              <span class="hidden">As bars</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {diff.durations.map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td class="number">{duration(one.then * 1000)}</td>
              <td class="number">{duration(one.now * 1000)}</td>
              <td class="pair">
                <i class="pair-then" style={{ width: `${(one.then / longest) * 100}%` }} />
                <i class="pair-now" style={{ width: `${(one.now / longest) * 100}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Replay({ diff }: { diff: Diff }) {
  const replay = diff.now.replay_of ? diff.now : diff.then;
  const loaded = useLoaded(`comparison/${replay.run_id}`, (signal) =>
    get<Schemas["ComparisonView"]>(["runs", replay.run_id, "comparison"], {}, signal),
  );
  const found = loaded.value;
  if (!found) return loaded.error ? <Failure error={loaded.error} /> : <Loading what="the replay" />;
  return (
    <section class="card" aria-labelledby="replay-title">
      <div class="section-head">
        <h2 id="replay-title">Verdict of the replay</h2>
        <span class="chip">{found.verdict}</span>
      </div>
      {found.first && <p>{visible(found.first)}</p>}
      {found.depends_on.map((guess) => (
        <p key={guess.kind}>
          <strong>
            {guess.confidence === "likely" ? "Likely" : "Possibly"} depends on {guess.kind}:
          </strong>{" "}
          {visible(guess.evidence)}
        </p>
      ))}
      {!found.first && !found.depends_on.length && <p class="quiet-text">Both ended and sent the same.</p>}
    </section>
  );
}

function detail(diff: Diff, one: TreatmentDiff, at: number): string {
  const run = at === 0 ? diff.then : diff.now;
  const other = at === 0 ? diff.now : diff.then;
  // A replay's treatment may be called otherwise in its original.
  const treatment = other.replay_of?.run_id === run.run_id ? other.replay_of.treatment : one.name;
  return href({ page: "treatment", run: run.run_id, treatment });
}

function sent(value: Schemas["DigestView"] | null): string {
  return value ? `${bytes(value.size)}, ${value.sha256 ? value.sha256.slice(0, 12) : "no digest stays"}` : "nothing";
}
