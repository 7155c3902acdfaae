// Connected repositories, and what their code hosts have sent.
import { get, post, remove } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { ago } from "../model/format.ts";
import { ActionForm, Confirm } from "../parts/acting.tsx";
import { useLoaded } from "../parts/data.ts";
import { Failure } from "../parts/notes.tsx";
import { Rows } from "../parts/rows.tsx";
import { href } from "../routes.ts";
import type { PartProps } from "./admin.tsx";

type Schemas = components["schemas"];

export function Repositories({ again, changed, name }: PartProps) {
  return name ? <Deliveries id={name} /> : <Connected again={again} changed={changed} />;
}

function Connected({ again, changed }: Omit<PartProps, "name">) {
  const loaded = useLoaded(`repositories/${again}`, (signal) =>
    get<Schemas["RepositoryList"]>(["repositories"], {}, signal),
  );
  return (
    <Rows
      title="Repositories"
      loaded={loaded}
      items={loaded.value?.items}
      none="No repository is connected yet."
      columns={["Repository", "Code host", "Project", "Webhook", "Deliveries"]}
      row={(one) => ({
        key: one.id,
        cells: [
          visible(one.name),
          one.kind,
          one.project,
          one.webhook_id ? "is there" : <strong key="missing">is missing</strong>,
          <a key="deliveries" href={href({ page: "admin", part: "repositories", name: one.id })}>
            show<span class="hidden"> those of {one.name}</span>
          </a>,
        ],
        action: may("repositories:write") && (
          <Confirm verb="Disconnect" what={one.name} act={() => remove(["repositories", one.id]).then(changed)} />
        ),
      })}
    >
      {may("repositories:write") && (
        <ActionForm
          title="Connect a repository"
          button="Connect"
          fields={[
            { name: "url", label: "Address", hint: "https://github.com/acme/site" },
            { name: "project", label: "Project" },
            { name: "token", label: "Token of the code host", secret: true },
            { name: "kind", label: "Code host, if it is none of the public ones", choices: KINDS, optional: true },
          ]}
          act={async ({ url, project, token, kind }) => {
            const body = { url, project, token, ...(kind ? { kind } : {}) };
            const made = await post<Schemas["RepositoryView"]>(["repositories"], body);
            changed();
            return `${made.name} is connected.`;
          }}
        />
      )}
    </Rows>
  );
}

const KINDS = ["github", "gitlab", "gitea", "bitbucket"];

function Deliveries({ id }: { id: string }) {
  const loaded = useLoaded(
    `deliveries/${id}`,
    async (signal) => {
      const [repository, deliveries, checks] = await Promise.all([
        get<Schemas["RepositoryView"]>(["repositories", id], {}, signal),
        get<Schemas["RepositoryDeliveryList"]>(["repositories", id, "deliveries"], {}, signal),
        get<Schemas["RepositoryChecksView"]>(["repositories", id, "checks"], {}, signal),
      ]);
      return { repository, deliveries: deliveries.items, checks };
    },
    () => 15_000,
  );
  const now = Date.now();
  const found = loaded.value;
  return (
    <>
      {found && (
        <section class="card" aria-label="Connection">
          <div class="section-head">
            <h2>{visible(found.repository.name)}</h2>
            <span class="chip">{found.repository.kind}</span>
          </div>
          <ul class="plain-list">
            {found.checks.checks.map((check) => (
              <li key={check.name}>
                <strong>{check.ok ? "✓" : "✗"}</strong> {check.name}{" "}
                <span class="quiet-text">{visible(check.message)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {!found && loaded.error && <Failure error={loaded.error} />}
      <Rows
        title="Deliveries"
        loaded={loaded}
        items={found?.deliveries}
        none="The code host has sent nothing yet."
        columns={["When", "Event", "Where", "Outcome", "Runs"]}
        row={(one) => ({
          key: one.id,
          cells: [
            ago(one.received_at, now),
            one.event,
            <span key="ref">
              {visible(one.ref)} <code>{one.commit.slice(0, 8)}</code>
            </span>,
            visible(one.outcome),
            one.runs.length
              ? one.runs.map((run) => (
                  <a key={run} href={href({ page: "run", run })}>
                    {run.slice(-8)}{" "}
                  </a>
                ))
              : "–",
          ],
        })}
      />
    </>
  );
}
