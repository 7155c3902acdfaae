// Who may, and under which limits? Each part of the administration below its tab.

import { useEffect, useRef } from "preact/hooks";
import { get, post, put, remove } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { ago, counted } from "../model/format.ts";
import { ActionForm, Confirm } from "../parts/acting.tsx";
import { useLoaded } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Rows } from "../parts/rows.tsx";
import { ADMIN_PARTS, ADMIN_PERMISSIONS, type AdminPart, href } from "../routes.ts";
import { Audit } from "./audit.tsx";
import { DeadLetters } from "./dead_letters.tsx";
import { Environments } from "./environments.tsx";
import { Exports } from "./exports.tsx";
import { Limits } from "./limits.tsx";
import { Repositories } from "./repositories.tsx";
import { Retention } from "./retention.tsx";
import { Secrets } from "./secrets.tsx";
import "../style/admin.css";

type Schemas = components["schemas"];

const CONTENT: Record<AdminPart, { title: string; content: (props: PartProps) => preact.JSX.Element }> = {
  members: { title: "Members", content: Members },
  teams: { title: "Teams", content: Teams },
  roles: { title: "Roles", content: Roles },
  grants: { title: "Grants", content: Grants },
  "service-accounts": { title: "Service accounts", content: Accounts },
  repositories: { title: "Repositories", content: Repositories },
  tokens: { title: "Tokens", content: Tokens },
  environments: { title: "Environments", content: Environments },
  secrets: { title: "Secrets", content: Secrets },
  exports: { title: "Exports", content: Exports },
  "dead-letters": { title: "Dead letters", content: DeadLetters },
  limits: { title: "Limits", content: Limits },
  retention: { title: "Retention", content: Retention },
  audit: { title: "Audit", content: Audit },
};

export interface PartProps {
  /** Grows with each change, so that lists are read again. */
  again: number;
  changed: () => void;
  /** Of what the page shows one of, such as a repository. */
  name: string | null;
}

export function Admin({ part, name, again, changed }: { part: AdminPart; name: string | null } & PartProps) {
  const { title, content: Content } = CONTENT[part];
  useTitle(title);
  const permission = ADMIN_PERMISSIONS[part];
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where the tabs are wider than the screen, this page's is in view.
    tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [part]);
  return (
    <>
      <div class="title-row">
        <h1>Administration</h1>
      </div>
      <nav class="tabs" aria-label="Administration" ref={tabs}>
        {ADMIN_PARTS.filter((one) => may(ADMIN_PERMISSIONS[one])).map((one) => (
          <a
            key={one}
            href={href({ page: "admin", part: one, name: null })}
            aria-current={one === part ? "page" : undefined}
          >
            {CONTENT[one].title}
          </a>
        ))}
      </nav>
      {!may(permission) && <p class="note">This needs the permission {permission}.</p>}
      {may(permission) && <Content again={again} changed={changed} name={name} />}
    </>
  );
}

const split = (text: string | undefined) => (text ?? "").split(/[\s,]+/).filter(Boolean);

function Members({ again, changed }: PartProps) {
  const loaded = useLoaded(`members/${again}`, async (signal) => {
    const [members, invitations, roles] = await Promise.all([
      get<Schemas["MemberList"]>(["members"], {}, signal),
      may("invitations:read") ? get<Schemas["InvitationList"]>(["invitations"], {}, signal) : { items: [] },
      may("roles:read") ? get<Schemas["RoleList"]>(["roles"], {}, signal) : { items: [] },
    ]);
    return { members: members.items, invitations: invitations.items, roles: roles.items.map((role) => role.name) };
  });
  const now = Date.now();
  return (
    <>
      <Rows
        title="Members"
        loaded={loaded}
        items={loaded.value?.members}
        none="There are no members yet."
        columns={["Name", "Email", "Teams", "Since"]}
        row={(one) => ({
          key: one.member_id,
          cells: [visible(one.name), visible(one.email), one.teams.join(", ") || "–", ago(one.created_at, now)],
          action: may("members:write") && (
            <Confirm verb="Remove" what={one.name} act={() => remove(["members", one.member_id]).then(changed)} />
          ),
        })}
      >
        {may("invitations:write") && (
          <ActionForm
            title="Invite a member"
            button="Make an invitation"
            fields={[
              { name: "email", label: "Email" },
              { name: "teams", label: "Teams", hint: "web, ops", optional: true },
              { name: "role", label: "Role", choices: loaded.value?.roles ?? [], optional: true },
              { name: "scope", label: "Scope of the role", hint: "organization, project:P", optional: true },
            ]}
            act={async ({ email, teams, role, scope }) => {
              const body = {
                email,
                teams: split(teams),
                role: role || null,
                scope: role ? scope || "organization" : null,
              };
              const made = await post<Schemas["InvitationWithSecretView"]>(["invitations"], body);
              changed();
              return <Once what="The invitation's code, shown this once" text={made.code} />;
            }}
          />
        )}
      </Rows>
      {loaded.value && loaded.value.invitations.length > 0 && (
        <Rows
          title="Open invitations"
          loaded={loaded}
          items={loaded.value.invitations}
          none=""
          columns={["For", "Role", "By", "Expires"]}
          row={(one) => ({
            key: one.invitation_id,
            cells: [
              visible(one.email ?? one.team ?? "–"),
              one.role ? `${one.role} at ${one.scope ?? "organization"}` : "–",
              visible(one.created_by),
              new Date(one.expires_at).toLocaleString(),
            ],
            action: may("invitations:write") && (
              <Confirm
                verb="Withdraw"
                what={`the invitation of ${one.email ?? one.team ?? one.invitation_id}`}
                act={() => remove(["invitations", one.invitation_id]).then(changed)}
              />
            ),
          })}
        />
      )}
    </>
  );
}

function Teams({ again, changed }: PartProps) {
  const loaded = useLoaded(`teams/${again}`, async (signal) => {
    const teams = await get<Schemas["TeamList"]>(["teams"], {}, signal);
    return Promise.all(teams.items.map((team) => get<Schemas["TeamDetailView"]>(["teams", team.name], {}, signal)));
  });
  const writes = may("teams:write");
  return (
    <Rows
      title="Teams"
      loaded={loaded}
      items={loaded.value ?? undefined}
      none="There are no teams yet."
      columns={["Team", "Description", "Group of the provider", "Members"]}
      row={(one) => ({
        key: one.name,
        cells: [
          one.name,
          visible(one.description) || "–",
          one.group ?? "–",
          <span key="members" class="only">
            {one.members.map((member) => (
              <span key={member.member_id} class="chip">
                {visible(member.name)}
              </span>
            ))}
            {one.members.length === 0 && "–"}
          </span>,
        ],
        action: writes && (
          <Confirm verb="Delete" what={`team ${one.name}`} act={() => remove(["teams", one.name]).then(changed)} />
        ),
      })}
    >
      {writes && (
        <ActionForm
          title="Create a team"
          button="Create"
          fields={[
            { name: "name", label: "Name" },
            { name: "description", label: "Description", optional: true },
          ]}
          act={async ({ name = "", description = "" }) => {
            await put(["teams", name], { description });
            changed();
            return `Team ${name} is there.`;
          }}
        />
      )}
      {writes && (
        <ActionForm
          title="Add a member to a team"
          button="Add"
          fields={[
            { name: "team", label: "Team", choices: loaded.value?.map((team) => team.name) ?? [] },
            { name: "member", label: "Member's id" },
          ]}
          act={async ({ team = "", member = "" }) => {
            await put(["teams", team, "members", member], undefined);
            changed();
            return `Added to ${team}.`;
          }}
        />
      )}
    </Rows>
  );
}

function Roles({ again, changed }: PartProps) {
  const loaded = useLoaded(`roles/${again}`, (signal) => get<Schemas["RoleList"]>(["roles"], {}, signal));
  return (
    <Rows
      title="Roles"
      loaded={loaded}
      items={loaded.value?.items}
      none=""
      columns={["Role", "Permissions"]}
      row={(one) => ({
        key: one.name,
        cells: [
          <span key="name">
            {one.name} {one.built_in && <span class="chip">built in</span>}
          </span>,
          one.permissions.length > 1 ? (
            <details key="permissions">
              <summary>{counted(one.permissions.length, "permission")}</summary>
              <span class="only">
                {one.permissions.map((permission) => (
                  <span key={permission} class="chip">
                    {permission}
                  </span>
                ))}
              </span>
            </details>
          ) : (
            one.permissions.join(", ")
          ),
        ],
        action: !one.built_in && may("roles:write") && (
          <Confirm verb="Delete" what={`role ${one.name}`} act={() => remove(["roles", one.name]).then(changed)} />
        ),
      })}
    >
      {may("roles:write") && (
        <ActionForm
          title="Make a role"
          button="Make"
          fields={[
            { name: "name", label: "Name" },
            { name: "permissions", label: "Permissions", hint: "runs:read, logs:read" },
          ]}
          act={async ({ name = "", permissions }) => {
            await put(["roles", name], { permissions: split(permissions) });
            changed();
            return `Role ${name} is there.`;
          }}
        />
      )}
    </Rows>
  );
}

function Grants({ again, changed }: PartProps) {
  const loaded = useLoaded(`grants/${again}`, async (signal) => {
    const [grants, roles] = await Promise.all([
      get<Schemas["GrantList"]>(["grants"], {}, signal),
      may("roles:read") ? get<Schemas["RoleList"]>(["roles"], {}, signal) : { items: [] },
    ]);
    return { grants: grants.items, roles: roles.items.map((role) => role.name) };
  });
  const now = Date.now();
  return (
    <Rows
      title="Grants"
      loaded={loaded}
      items={loaded.value?.grants}
      none="Nothing is granted yet."
      columns={["Subject", "Role", "Where", "Since"]}
      row={(one) => ({
        key: one.grant_id,
        cells: [one.subject, one.role, one.scope, `${ago(one.created_at, now)} by ${visible(one.created_by)}`],
        action: may("grants:write") && (
          <Confirm
            verb="Revoke"
            what={`${one.role} at ${one.scope} from ${one.subject}`}
            act={() => remove(["grants", one.grant_id]).then(changed)}
          />
        ),
      })}
    >
      {may("grants:write") && (
        <ActionForm
          title="Grant a role"
          button="Grant"
          fields={[
            { name: "subject", label: "Subject", hint: "member:ID, team:NAME" },
            { name: "role", label: "Role", choices: loaded.value?.roles ?? [] },
            { name: "scope", label: "Where", hint: "organization, project:P" },
          ]}
          act={async (values) => {
            await post(["grants"], values);
            changed();
            return "Granted.";
          }}
        />
      )}
    </Rows>
  );
}

function Accounts({ again, changed }: PartProps) {
  const loaded = useLoaded(`accounts/${again}`, (signal) =>
    get<Schemas["ServiceAccountList"]>(["service-accounts"], {}, signal),
  );
  const now = Date.now();
  return (
    <Rows
      title="Service accounts"
      loaded={loaded}
      items={loaded.value?.items}
      none="There are no service accounts yet."
      columns={["Name", "Description", "Since"]}
      row={(one) => ({
        key: one.name,
        cells: [one.name, visible(one.description) || "–", `${ago(one.created_at, now)} by ${visible(one.created_by)}`],
        action: may("service-accounts:write") && (
          <Confirm
            verb="Delete"
            what={`service account ${one.name}`}
            act={() => remove(["service-accounts", one.name]).then(changed)}
          />
        ),
      })}
    >
      {may("service-accounts:write") && (
        <ActionForm
          title="Create a service account"
          button="Create"
          fields={[
            { name: "name", label: "Name" },
            { name: "description", label: "Description", optional: true },
          ]}
          act={async ({ name = "", description = "" }) => {
            await put(["service-accounts", name], { description });
            changed();
            return `Service account ${name} is there.`;
          }}
        />
      )}
    </Rows>
  );
}

function Tokens({ again, changed }: PartProps) {
  const loaded = useLoaded(`tokens/${again}`, (signal) => get<Schemas["TokenList"]>(["tokens"], {}, signal));
  const now = Date.now();
  return (
    <Rows
      title="Tokens"
      loaded={loaded}
      items={loaded.value?.items}
      none="There are no tokens."
      columns={["Name", "Project", "Permissions", "Since", "Expires"]}
      row={(one) => ({
        key: one.token_id,
        cells: [
          visible(one.name),
          one.project,
          one.permissions.length > 3 ? counted(one.permissions.length, "permission") : one.permissions.join(", "),
          `${ago(one.created_at, now)} by ${visible(one.created_by)}`,
          one.expires_at ? new Date(one.expires_at).toLocaleString() : "never",
        ],
        action: may("tokens:write") && (
          <Confirm
            verb="Revoke"
            what={`token ${one.name}`}
            act={() => remove(["tokens", one.token_id]).then(changed)}
          />
        ),
      })}
    >
      {may("tokens:write") && (
        <ActionForm
          title="Create a token"
          button="Create"
          fields={[
            { name: "name", label: "Name" },
            { name: "project", label: "Project", hint: "default, or *" },
            { name: "permissions", label: "Permissions", hint: "runs:read, logs:read" },
            { name: "days", label: "Days until it expires", optional: true },
          ]}
          act={async ({ name, project, permissions, days }) => {
            const body = {
              name,
              project,
              permissions: split(permissions),
              expires_in: days ? Math.round(Number(days) * 86_400) : null,
            };
            const made = await post<Schemas["TokenWithSecretView"]>(["tokens"], body);
            changed();
            return <Once what="The token, shown this once" text={made.token} />;
          }}
        />
      )}
    </Rows>
  );
}

function Once({ what, text }: { what: string; text: string }) {
  return (
    <>
      {what}: <code>{text}</code>
    </>
  );
}
