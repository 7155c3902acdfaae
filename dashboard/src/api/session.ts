// The session of this browser. Its secret is one half, a cookie that scripts cannot read is the other.
import { signal } from "@preact/signals";
import type { components } from "./types.ts";

type Opened = components["schemas"]["OpenedSessionView"];

export interface Session {
  id: string;
  secret: string;
  name: string;
  organization: string;
  project: string;
  permissions: string[];
}

const KEY = "cadence.session";

export const session = signal<Session | null>(stored());
/** Why the last sign-in failed, in words. */
export const refusal = signal<string | null>(null);

function stored(): Session | null {
  try {
    const text = localStorage.getItem(KEY);
    return text ? (JSON.parse(text) as Session) : null;
  } catch {
    return null;
  }
}

/** What the session may do anywhere, by its token and its member's grants; null until that is known. */
export const held = signal<string[] | null>(null);

export function may(permission: string): boolean {
  const permissions = held.value ?? session.value?.permissions ?? [];
  return permissions.includes("*") || permissions.includes(permission);
}

/**
 * Sends credentials and returns the answer; null if they were refused, which `refusal` explains. Throws where Cadence does
 * not answer.
 */
async function offer<T>(path: string, credentials: unknown): Promise<T | null> {
  refusal.value = null;
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(credentials),
  });
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  refusal.value = (answer as { detail?: string } | null)?.detail ?? `HTTP status ${response.status}`;
  return null;
}

/** The names of an organization's directories (LDAP, Active Directory), none if they cannot be read. */
export async function directoriesOf(organization: string): Promise<string[]> {
  const response = await fetch(`/v1/sign-in/${encodeURIComponent(organization)}`).catch(() => null);
  if (!response?.ok) return [];
  return ((await response.json()) as components["schemas"]["SignInWays"]).directories;
}

/** Signs in with the name and password that a person has in a directory. */
export async function signInWithDirectory(credentials: {
  organization: string;
  directory: string;
  user: string;
  password: string;
}): Promise<void> {
  const answer = await offer<{ token: string }>("/v1/sign-in/directory", credentials);
  if (answer) await signIn({ token: answer.token });
}

export async function signIn(credentials: { code: string } | { token: string }): Promise<void> {
  const opened = await offer<Opened>("/v1/sessions", credentials);
  if (!opened) return;
  const made: Session = {
    id: opened.session_id,
    secret: opened.session,
    name: opened.name,
    organization: opened.organization,
    project: opened.project,
    permissions: opened.permissions,
  };
  localStorage.setItem(KEY, JSON.stringify(made));
  session.value = made;
}

/** Forgets the session in this browser; other tabs notice. */
export function signOutHere(): void {
  localStorage.removeItem(KEY);
  session.value = null;
}

export async function signOut(): Promise<void> {
  const open = session.peek();
  if (!open) return;
  await fetch(`/v1/sessions/${open.id}`, { method: "DELETE", headers: { "Cadence-Session": open.secret } }).catch(
    () => undefined,
  );
  signOutHere();
}

/** Opens a session with the one-time code of the address, `#code=…`, and takes it out of there once it is used. */
export async function signInByLink(): Promise<void> {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  try {
    await signIn({ code });
    history.replaceState(null, "", location.pathname + location.search);
  } catch {
    refusal.value = "Cadence does not answer. Load this page again to sign in by its link.";
  }
}

// A link that is opened where this page is shown already changes the fragment only.
addEventListener("hashchange", () => void signInByLink());

addEventListener("storage", (event) => {
  if (event.key === KEY) session.value = stored();
});
