// Requests to the API: the session's header goes with each, its cookie by itself.
import { session, signOutHere } from "./session.ts";

export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** Returns the address below /v1; parts are quoted, absent parameters left out. */
export function address(parts: readonly string[], query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/v1/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = {};
  const open = session.peek();
  if (open) headers["Cadence-Session"] = open.secret;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // What has ended may be kept: it is asked each time whether it still holds.
  const init: RequestInit = { method, headers, cache: method === "GET" ? "no-cache" : "no-store" };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "unreachable", "Cadence does not answer. Is the stack running?");
  }
  const text = await response.text();
  if (!response.ok) {
    if (response.status === 401 && open && session.peek()?.secret === open.secret) signOutHere();
    throw problemOf(response.status, text);
  }
  return (text ? JSON.parse(text) : null) as T;
}

function problemOf(status: number, text: string): Problem {
  try {
    const problem = JSON.parse(text) as { code?: string; detail?: string; title?: string };
    return new Problem(status, problem.code ?? "unknown", problem.detail ?? problem.title ?? `HTTP status ${status}`);
  } catch {
    return new Problem(status, "unknown", `HTTP status ${status}`);
  }
}

export function get<T>(parts: readonly string[], query: Query = {}, signal?: AbortSignal): Promise<T> {
  return request<T>("GET", address(parts, query), undefined, signal);
}

export function post<T>(parts: readonly string[], body: unknown = {}): Promise<T> {
  return request<T>("POST", address(parts), body);
}

export function put<T>(parts: readonly string[], body: unknown): Promise<T> {
  return request<T>("PUT", address(parts), body);
}

export function remove(parts: readonly string[]): Promise<null> {
  return request<null>("DELETE", address(parts));
}

/** Reads all pages of a listing, at most `pages` of them; `next` tells whether there are more. */
export async function pages<P extends { next: string | null }>(
  parts: readonly string[],
  query: Query,
  signal: AbortSignal | undefined,
  pagesAtMost = 50,
): Promise<P[]> {
  const found: P[] = [];
  let cursor: string | null = null;
  do {
    const page: P = await get<P>(parts, { ...query, cursor }, signal);
    found.push(page);
    cursor = page.next;
  } while (cursor && found.length < pagesAtMost);
  return found;
}
