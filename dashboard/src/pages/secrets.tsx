// Which secrets are there, and who gets them? Values are set and replaced, and never shown.
import { useState } from "preact/hooks";
import { get, put, remove } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { ago } from "../model/format.ts";
import { inTurn } from "../model/in_turn.ts";
import { handedOverBy, linesNaming, type NamedLine, secretBody } from "../model/secrets.ts";
import { ActionForm, Confirm } from "../parts/acting.tsx";
import { useKept, useLoaded } from "../parts/data.ts";
import { ProjectChoice } from "../parts/project.tsx";
import { Rows } from "../parts/rows.tsx";
import { href } from "../routes.ts";
import type { PartProps } from "./admin.tsx";

type Schemas = components["schemas"];
type Secret = Schemas["SecretView"];

/** Pipelines whose documents are read to tell where a secret is used. */
const MOST_PIPELINES = 100;
const OWN = "project";
const UNCHANGED = "as it is";
const EVERYWHERE = "every treatment";

export function Secrets({ again, changed, name }: PartProps) {
  return (
    <ProjectChoice part="secrets" name={name}>
      {(project) => <OfProject key={project} project={project} again={again} changed={changed} />}
    </ProjectChoice>
  );
}

function OfProject({ project, again, changed }: { project: string; again: number; changed: () => void }) {
  const [chosen, setChosen] = useState<Secret | null>(null);
  const loaded = useKept(
    project,
    useLoaded(`secrets/${project}/${again}`, async (signal) => {
      const [secrets, environments] = await Promise.all([
        get<Schemas["SecretList"]>(["projects", project, "secrets"], {}, signal),
        may("environments:read")
          ? get<Schemas["EnvironmentList"]>(["projects", project, "environments"], {}, signal)
          : { items: [] },
      ]);
      return { secrets: secrets.items, environments: environments.items };
    }),
  );
  const documents = useLoaded(`documents/${project}`, (signal) => pipelineDocuments(project, signal));
  const writes = may("secrets:write");
  const now = Date.now();
  return (
    <Rows
      title={`Secrets of ${project}`}
      loaded={loaded}
      items={loaded.value?.secrets}
      none="There are no secrets yet. A treatment gets one with `secrets:`."
      columns={["Secret", "Who may get it", "Used by", "Set"]}
      row={(one) => ({
        key: `${one.owner}/${one.name}`,
        cells: [
          <code key="name">{one.name}</code>,
          reach(one),
          <Uses
            key="uses"
            variables={handedOverBy(one.name, loaded.value?.environments ?? [])}
            lines={
              documents.value?.flatMap((pipeline) =>
                linesNaming(one.name, pipeline.document).map((line) => ({
                  ...line,
                  project,
                  pipeline: pipeline.name,
                })),
              ) ?? null
            }
          />,
          `${ago(one.updated_at, now)}, version ${one.version}`,
        ],
        action: writes && one.owner === OWN && (
          <>
            <button type="button" class="quiet" aria-label={`Replace ${one.name}`} onClick={() => setChosen(one)}>
              Replace
            </button>
            <Confirm
              verb="Delete"
              what={`secret ${one.name}`}
              act={() => remove(["projects", project, "secrets", one.name]).then(changed)}
            />
          </>
        ),
      })}
    >
      <p class="quiet-text above">
        {documents.error
          ? `The pipelines could not be read: ${documents.error.message}`
          : "Uses are those of environments and of the newest versions of stored pipelines. Values cannot be read back."}
      </p>
      {writes && (
        <ActionForm
          key={chosen?.name ?? ""}
          title={chosen ? `Replace ${chosen.name}` : "Set a secret"}
          button={chosen ? "Replace" : "Set"}
          open={chosen !== null}
          fields={[
            { name: "name", label: "Name", value: chosen?.name },
            {
              name: "scope",
              label: "Who may get it",
              choices: [
                ...(chosen ? [UNCHANGED] : []),
                EVERYWHERE,
                ...(loaded.value?.environments ?? []).map((environment) => environment.name),
              ],
            },
            { name: "value", label: "Value", secret: true, lines: true },
          ]}
          act={async ({ name = "", value = "", scope = EVERYWHERE }) => {
            const body = secretBody(value, scope, UNCHANGED, EVERYWHERE);
            const made = await put<Secret>(["projects", project, "secrets", name], body);
            changed();
            return `Version ${made.version} of ${made.name} is set. Treatments that start from now on get it.`;
          }}
        />
      )}
    </Rows>
  );
}

/** Which treatments may get it; one of another owner is set with the command line. */
function reach({ owner, environment }: Secret): string {
  if (owner.startsWith("pool:")) return `treatments that run in the pool ${owner.slice("pool:".length)}`;
  if (owner !== OWN) return `${EVERYWHERE}, from the ${owner.replace(":", " ")}`;
  return environment ? `treatments of ${environment}` : EVERYWHERE;
}

function Uses({ variables, lines }: { variables: readonly string[]; lines: readonly NamedLine[] | null }) {
  if (!variables.length && !lines?.length) return lines ? "nothing" : "–";
  return (
    <span class="only">
      {variables.map((variable) => (
        <span key={variable} class="chip">
          {variable}
        </span>
      ))}
      {lines?.map(({ project, pipeline, line, text }) => (
        <a
          key={`${pipeline}:${line}`}
          href={href({ page: "pipeline", project, name: pipeline }, { line: String(line) })}
          title={visible(text)}
        >
          {pipeline}:{line}
        </a>
      ))}
    </span>
  );
}

/** The newest versions of the project's pipelines with their documents; none for those who may not read them. */
async function pipelineDocuments(project: string, signal: AbortSignal) {
  if (!may("pipelines:read")) return [];
  const path = ["projects", project, "pipelines"];
  const { items } = await get<Schemas["PipelineList"]>(path, {}, signal);
  return inTurn(items.slice(0, MOST_PIPELINES), 6, (pipeline) =>
    get<Schemas["PipelineWithDocument"]>([...path, pipeline.name], {}, signal),
  );
}
