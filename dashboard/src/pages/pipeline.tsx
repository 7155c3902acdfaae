// Is it healthy, and what is it? A pipeline's last runs, its document with findings, and what its versions changed.
import { address, get, pages, post, request } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { ago, counted } from "../model/format.ts";
import { parametersOf } from "../model/parameters.ts";
import { location_, navigate, setQuery } from "../navigation.ts";
import { ActionForm } from "../parts/acting.tsx";
import { Ago } from "../parts/ago.tsx";
import { useLoaded } from "../parts/data.ts";
import { Crumbs, Fact, useTitle } from "../parts/head.tsx";
import { Health } from "../parts/health.tsx";
import { Failure, Loading, Unavailable } from "../parts/notes.tsx";
import { Changes, Source } from "../parts/source.tsx";
import { href } from "../routes.ts";
import "../style/pipeline.css";

type Schemas = components["schemas"];
type Pipeline = Schemas["PipelineView"];

export function PipelinePage({ project, name }: { project: string; name: string }) {
  useTitle(name);
  const query = new URLSearchParams(location_.value.search);
  const [version, other, line] = [query.get("version"), query.get("with"), Number(query.get("line"))];
  const path = ["projects", project, "pipelines", name];
  const versions = useLoaded(`versions/${project}/${name}`, async (signal) => {
    const found = await pages<Schemas["PipelineList"]>([...path, "versions"], {}, signal);
    return found.flatMap((page) => page.items);
  });
  const newest = versions.value?.at(0);
  if (!newest) {
    if (versions.error) return <Unavailable what={name} error={versions.error} />;
    return <Loading what={name} />;
  }
  return (
    <>
      <Crumbs>
        <a href={href({ page: "pipelines" })}>Pipelines</a>
        <span>{project}</span>
      </Crumbs>
      <div class="title-row">
        <h1>{name}</h1>
        <span class="fill" />
        {may("runs:read") && (
          <a class="button" href={href({ page: "runs" }, { project, pipeline: name })} data-key="l">
            All runs
          </a>
        )}
      </div>
      {versions.error && <Failure error={versions.error} />}
      <Facts pipeline={newest} />
      {may("runs:start-stored") && <Start path={path} newest={newest.version} />}
      {may("runs:read") && <Health project={project} pipeline={name} />}
      <Document path={path} version={version} other={other} line={line} newest={newest.version} />
      <Versions project={project} name={name} versions={versions.value ?? []} shown={version} />
    </>
  );
}

function Facts({ pipeline }: { pipeline: Pipeline }) {
  const triggers = Object.keys(pipeline.triggers).map((trigger) => trigger.replaceAll("_", " "));
  const next = pipeline.next_firings[0];
  return (
    <dl class="facts">
      <Fact name="Newest version">
        {pipeline.version}, {ago(pipeline.created_at, Date.now())} by {visible(pipeline.created_by)}
      </Fact>
      <Fact name="Starts by itself">{triggers.length ? `on ${triggers.join(", ")}` : "no"}</Fact>
      {next && (
        <Fact name="Next">
          <time dateTime={next}>{new Date(next).toLocaleString()}</time>
        </Fact>
      )}
    </dl>
  );
}

function Start({ path, newest }: { path: readonly string[]; newest: number }) {
  return (
    <section class="card" aria-label="Start a run">
      <ActionForm
        title="Start a run"
        button="Start"
        fields={[
          { name: "parameters", label: "Parameters, one NAME=VALUE a line", lines: true, optional: true },
          { name: "version", label: "Version", hint: String(newest), optional: true },
        ]}
        act={async ({ parameters, version }) => {
          const body = { parameters: parametersOf(parameters ?? ""), version: version ? Number(version) : null };
          const started = await post<Schemas["StartedView"]>([...path, "runs"], body);
          navigate(href({ page: "run", run: started.run_id }));
          return null;
        }}
      />
    </section>
  );
}

interface DocumentProps {
  path: readonly string[];
  version: string | null;
  /** The older version that it is compared with, if any. */
  other: string | null;
  line: number;
  newest: number;
}

function Document({ path, version, other, line, newest }: DocumentProps) {
  const loaded = useLoaded(`document/${path.join("/")}/${version}/${other}`, async (signal) => {
    const read = (one: string | null) => get<Schemas["PipelineWithDocument"]>(path, { version: one }, signal);
    const [shown, before] = await Promise.all([read(version), other ? read(other) : null]);
    return { shown, before };
  });
  const found = loaded.value;
  const text = found?.shown.document;
  return (
    <section class="card" aria-label="Document">
      <div class="section-head">
        <h2>Document</h2>
        <span class="chip">{other ? `version ${other} → ${version ?? newest}` : `version ${version ?? newest}`}</span>
        <span class="fill" />
        {(version || other) && (
          <button type="button" onClick={() => setQuery({ version: null, with: null, line: null })}>
            Show the newest
          </button>
        )}
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!found && !loaded.error && <Loading what="the document" />}
      {found?.before && <Changes before={found.before.document} after={found.shown.document} />}
      {found && !found.before && text !== undefined && (
        <Checked key={found.shown.version} project={path[1] ?? ""} text={text} line={line} />
      )}
    </section>
  );
}

/** The document with the findings of a check against the project as it is now. */
function Checked({ project, text, line }: { project: string; text: string; line: number }) {
  const checked = useLoaded(`checked/${project}/${text}`, (signal) =>
    request<Schemas["CheckedView"]>(
      "POST",
      `${address(["projects", project])}/pipelines:validate`,
      { document: text },
      signal,
    ),
  );
  const findings = checked.value?.findings ?? [];
  return (
    <>
      {checked.error && <Failure error={checked.error} />}
      {checked.value && (
        <p class="findings" role="status">
          {findings.length ? counted(findings.length, "finding") : "A check against the project finds nothing."}
        </p>
      )}
      {findings.length > 0 && (
        <ul class="plain-list">
          {findings.map((one) => (
            <li key={`${one.code}/${one.pointer}/${one.line}`}>
              <span class={one.severity === "error" ? "state tone-bad" : "state tone-wait"}>{one.severity}</span>{" "}
              {one.line > 0 && (
                <button type="button" class="quiet" onClick={() => setQuery({ line: String(one.line) })}>
                  line {one.line}
                </button>
              )}{" "}
              {visible(one.message)} {one.hint && <span class="quiet-text">{visible(one.hint)}</span>}
            </li>
          ))}
        </ul>
      )}
      <NamedSecrets secrets={checked.value?.secrets ?? []} />
      <Source text={text} line={line} found={findings.map((one) => one.line)} />
    </>
  );
}

/** Whose secret each name in the document means, and why one is missing. */
function NamedSecrets({ secrets }: { secrets: readonly Schemas["NamedSecretView"][] }) {
  if (!secrets.length) return null;
  return (
    <table class="plain rows" aria-label="Secrets of the document">
      <thead>
        <tr>
          {["Secret", "Used by", "From"].map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {secrets.map((one) => (
          <tr key={`${one.name}/${one.treatment}/${one.registry}/${one.pools}`}>
            <th scope="row">
              <code>{one.name}</code>
            </th>
            <td data-label="Used by">
              {one.treatment ?? `registry ${one.registry}`}
              {one.pools.length > 0 && <span class="quiet-text"> in {one.pools.join(", ")}</span>}
            </td>
            <td data-label="From">
              {one.state === "found" ? (
                `the ${(one.owner ?? "").replace(":", " ")}${one.environment ? `, for ${one.environment}` : ""}`
              ) : (
                <>
                  <span class={one.state === "missing" ? "state tone-bad" : "state tone-wait"}>{one.state}</span>{" "}
                  {visible(one.reason ?? "")}
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface VersionsProps {
  project: string;
  name: string;
  versions: readonly Pipeline[];
  shown: string | null;
}

function Versions({ project, name, versions, shown }: VersionsProps) {
  const to = (query: Record<string, string>) => href({ page: "pipeline", project, name }, query);
  return (
    <section class="card" aria-label="Versions">
      <div class="section-head">
        <h2>Versions</h2>
        <span class="quiet-text">{versions.length}</span>
      </div>
      <table class="plain rows">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Stored</th>
            <th scope="col">By</th>
            <th scope="col">What changed</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((one, at) => {
            const before = versions[at + 1];
            const version = String(one.version);
            const isShown = version === (shown ?? String(versions[0]?.version));
            return (
              <tr key={version} class={isShown ? "selected" : undefined}>
                <th scope="row">
                  <a href={to({ version })} aria-current={isShown ? "true" : undefined}>
                    {version}
                  </a>
                </th>
                <td data-label="Stored">
                  <Ago time={one.created_at} />
                </td>
                <td data-label="By">{visible(one.created_by)}</td>
                <td data-label="What changed">
                  {before ? (
                    <a href={to({ version, with: String(before.version) })}>
                      since {before.version}
                      <span class="hidden"> in version {version}</span>
                    </a>
                  ) : (
                    "–"
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
