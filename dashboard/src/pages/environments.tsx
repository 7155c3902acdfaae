// What may deploy where? A project's environments: their branches, approvals, variables and secrets.
import { useState } from "preact/hooks";
import { get, put, remove } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { approvalsText, bodyOf, branchesText, pairsText } from "../model/environments.ts";
import { counted } from "../model/format.ts";
import { ActionForm, Confirm } from "../parts/acting.tsx";
import { useLoaded } from "../parts/data.ts";
import { ProjectChoice } from "../parts/project.tsx";
import { Rows } from "../parts/rows.tsx";
import { href } from "../routes.ts";
import type { PartProps } from "./admin.tsx";

type Schemas = components["schemas"];
type Environment = Schemas["EnvironmentView"];
type Pending = Schemas["PendingApprovalView"];

export function Environments({ again, changed, name }: PartProps) {
  return (
    <ProjectChoice part="environments" name={name}>
      {(project) => <OfProject key={project} project={project} again={again} changed={changed} />}
    </ProjectChoice>
  );
}

function OfProject({ project, again, changed }: { project: string; again: number; changed: () => void }) {
  const [chosen, setChosen] = useState<Environment | null>(null);
  const loaded = useLoaded(`environments/${project}/${again}`, async (signal) => {
    const [listed, waiting] = await Promise.all([
      get<Schemas["EnvironmentList"]>(["projects", project, "environments"], {}, signal),
      may("runs:read") ? get<Schemas["PendingApprovalList"]>(["approvals"], {}, signal) : { items: [] },
    ]);
    return { environments: listed.items, waiting: waiting.items.filter((one) => one.project === project) };
  });
  const writes = may("environments:write");
  return (
    <Rows
      title={`Environments of ${project}`}
      loaded={loaded}
      items={loaded.value?.environments}
      none="There are no environments yet. A treatment names one with `environment:`."
      columns={["Environment", "May deploy", "Approvals", "Waits now", "Variables and secrets"]}
      row={(one) => ({
        key: one.name,
        cells: [
          one.name,
          visible(branchesText(one)),
          visible(approvalsText(one)),
          <Waiting
            key="waiting"
            waiting={loaded.value?.waiting.filter((each) => each.environment === one.name) ?? []}
          />,
          <Names key="names" environment={one} />,
        ],
        action: writes && (
          <>
            <button type="button" class="quiet" aria-label={`Change ${one.name}`} onClick={() => setChosen(one)}>
              Change
            </button>
            <Confirm
              verb="Delete"
              what={`environment ${one.name}`}
              act={() => remove(["projects", project, "environments", one.name]).then(changed)}
            />
          </>
        ),
      })}
    >
      {writes && (
        <Form
          key={chosen?.name ?? ""}
          project={project}
          chosen={chosen}
          changed={(made) => {
            if (chosen) setChosen(made);
            changed();
          }}
        />
      )}
    </Rows>
  );
}

function Waiting({ waiting }: { waiting: readonly Pending[] }) {
  if (!waiting.length) return "–";
  return (
    <span class="only">
      {waiting.map((one) => (
        <a
          key={`${one.run_id}/${one.treatment}`}
          href={href({ page: "treatment", run: one.run_id, treatment: one.treatment })}
        >
          {one.pipeline} / {one.treatment}
        </a>
      ))}
      <a href={href({ page: "approvals" })}>decide {counted(waiting.length, "approval")}</a>
    </span>
  );
}

/** Variables with their values, secrets with their names, when they are pointed at. */
function Names({ environment: { env, secrets } }: { environment: Environment }) {
  const names = [
    ...Object.entries(env).map(([name, value]) => ({ name, title: value, isSecret: false })),
    ...Object.entries(secrets).map(([name, secret]) => ({ name, title: `secret ${secret}`, isSecret: true })),
  ];
  if (!names.length) return "–";
  return (
    <span class="only">
      {names.map(({ name, title, isSecret }) => (
        <span key={name} class="chip" title={title}>
          <code>{name}</code>
          {isSecret && " secret"}
        </span>
      ))}
    </span>
  );
}

interface FormProps {
  project: string;
  chosen: Environment | null;
  changed: (made: Environment) => void;
}

function Form({ project, chosen, changed }: FormProps) {
  const rule = chosen?.approvals;
  return (
    <ActionForm
      title={chosen ? `Change ${chosen.name}` : "Create an environment"}
      button={chosen ? "Replace" : "Create"}
      open={chosen !== null}
      fields={[
        { name: "name", label: "Name", value: chosen?.name },
        {
          name: "branches",
          label: "Branches",
          hint: "main, release/*",
          value: chosen?.branches.join(", "),
          optional: true,
        },
        {
          name: "protected",
          label: "Only protected branches?",
          choices: ["no", "yes"],
          value: chosen?.protected_branches ? "yes" : "no",
        },
        {
          name: "required",
          label: "Approvals",
          hint: "1",
          value: rule ? String(rule.required) : undefined,
          optional: true,
        },
        {
          name: "approvers",
          label: "Who may approve",
          hint: "team:web, ada@example.org, member:ID",
          value: rule?.approvers?.join(", "),
          optional: true,
        },
        {
          name: "hours",
          label: "Hours until they expire",
          hint: "24",
          value: rule ? String(rule.timeout / 3_600) : undefined,
          optional: true,
        },
        {
          name: "starter",
          label: "May who started the run approve?",
          choices: ["yes", "no"],
          value: rule?.not_by_starter ? "no" : "yes",
        },
        { name: "env", label: "Variables", hint: "NAME=value", lines: true, value: pairsText(chosen?.env ?? {}) },
        {
          name: "secrets",
          label: "Secrets",
          hint: "VARIABLE=secret",
          lines: true,
          value: pairsText(chosen?.secrets ?? {}),
        },
      ]}
      act={async (fields) => {
        const path = ["projects", project, "environments", fields.name ?? ""];
        changed(await put<Environment>(path, bodyOf(fields)));
        return `Environment ${fields.name} is stored. Runs that were admitted before keep it as it was.`;
      }}
    />
  );
}
