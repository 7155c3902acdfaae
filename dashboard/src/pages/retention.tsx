// How long are lines and values kept, and how much may they take? Each project beside its limits.
import { useState } from "preact/hooks";
import { get, put } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { inTurn } from "../model/in_turn.ts";
import { lossText, mebibytesText, retentionText, storageText } from "../model/retention.ts";
import { ActionForm } from "../parts/acting.tsx";
import { useKept, useLoaded } from "../parts/data.ts";
import { projectNames } from "../parts/project.tsx";
import { Rows } from "../parts/rows.tsx";
import type { PartProps } from "./admin.tsx";

type Schemas = components["schemas"];

interface Kept {
  name: string;
  retention: Schemas["RetentionView"];
  storage: Schemas["StorageView"];
}

export function Retention({ again, changed }: PartProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const loaded = useKept(
    "retention",
    useLoaded(`retention/${again}`, async (signal) =>
      inTurn(await projectNames(signal), 6, async (name): Promise<Kept> => {
        const [retention, storage] = await Promise.all([
          get<Schemas["RetentionView"]>(["projects", name, "retention"], {}, signal),
          get<Schemas["StorageView"]>(["projects", name, "storage"], {}, signal),
        ]);
        return { name, retention, storage };
      }),
    ),
  );
  const writes = may("projects:write");
  const project = loaded.value?.find((one) => one.name === chosen);
  return (
    <Rows
      title="Retention"
      loaded={loaded}
      items={loaded.value ?? undefined}
      none="There are no projects."
      columns={["Project", "Lines and values are kept", "Values take"]}
      row={(one) => ({
        key: one.name,
        cells: [
          one.name,
          retentionText(one.retention),
          <span key="storage" class="meter-cell">
            <meter
              min={0}
              max={one.storage.limit}
              value={one.storage.used}
              aria-label={`What the values of ${one.name} take`}
            />
            {storageText(one.storage)}
          </span>,
        ],
        action: writes && (
          <button type="button" class="quiet" aria-label={`Change ${one.name}`} onClick={() => setChosen(one.name)}>
            Change
          </button>
        ),
      })}
    >
      {writes && project && <Form key={project.name} project={project} changed={changed} />}
    </Rows>
  );
}

function Form({ project: { name, retention, storage }, changed }: { project: Kept; changed: () => void }) {
  return (
    <ActionForm
      title={`Change ${name}`}
      button="Set"
      open
      fields={[
        {
          name: "days",
          label: `Days, at most ${retention.longest}`,
          hint: "as the installation",
          value: retention.own === null ? "" : String(retention.own),
          optional: true,
        },
        {
          name: "mebibytes",
          label: `MiB of values, at most ${Math.floor(storage.most / 1_048_576).toLocaleString("en")}`,
          hint: "as the installation",
          value: mebibytesText(storage),
          optional: true,
        },
      ]}
      asks={({ days = "" }) => lossText(retention, days)}
      act={async ({ days, mebibytes }) => {
        await put(["projects", name, "retention"], { days: days ? Number(days) : null });
        await put(["projects", name, "storage"], { mebibytes: mebibytes ? Number(mebibytes) : null });
        changed();
        return `It is set for ${name}.`;
      }}
    />
  );
}
