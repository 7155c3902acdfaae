// Serves the built page as the Lambda does, with its policy, and answers of the API that were recorded from a real
// local stack: a pipeline `orders` one of whose rows has no digits.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { logPage, type ServedLine } from "./lines.ts";

const read = (name: string) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));

/** Two runs of another pipeline `orders`, which are compared: the first passed. */
export const THEN = "01m8p42c1ncjzaapvbdvvqeqp1";
export const NOW = "01m8p42d76t4x892j5ntqz190f";
export const RUN = "01m8ndsm7fhdaqgt41f8h842tg";
/** Within RUN: `audit` runs, `total` boots, and `mail` has not begun. */
export const MOMENT = "2026-11-30T05:11:23.000Z";
/** A dead letter, which an export's receiver refused. */
export const LETTER = "export-9058ec4924091d4d";
/** A run of the pipeline of docs/provenance.md, whose rows other runs had as well. */
export const TRACED = Object.keys(read("traces.json"))[0]?.split("/")[3] ?? "";
/** Every page but the administration, by what it shows. */
export const PAGES = {
  home: "/ui",
  comparison: `/ui/runs/${THEN}/diff/${NOW}`,
  approvals: "/ui/approvals",
  "list of runs": "/ui/runs",
  "failed run": `/ui/runs/${RUN}`,
  "chosen treatment": `/ui/runs/${RUN}?t=total`,
  "run at a moment": `/ui/runs/${RUN}?at=${MOMENT}`,
  treatment: `/ui/runs/${RUN}/t/total`,
  value: `/ui/runs/${RUN}/v/export.rows`,
  trace: `/ui/runs/${TRACED}/trace?port=amount.n&offset=4`,
  "trace of a line forward": `/ui/runs/${TRACED}/trace?port=rows.out&offset=17&direction=forward`,
  search: "/ui/search?q=twelve",
  "search over time": "/ui/search?q=cherry+since:2026-11-30T22:40+until:2026-11-30T22:45",
  pipelines: "/ui/pipelines",
  pipeline: "/ui/pipelines/default/orders",
  "changes of a pipeline": "/ui/pipelines/default/orders?version=2&with=1",
  fleet: "/ui/fleet",
  alerts: "/ui/alerts",
  "missing page": "/ui/nothing",
};

const TYPES: Record<string, string> = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const recorded: Record<string, unknown> = { ...read("answers.json"), ...read("traces.json") };

/** The policy that the Lambda `dashboard` sends. */
export function policy(): string {
  const handler = readFileSync(new URL("../../../functions/dashboard/handler.py", import.meta.url), "utf8");
  const written = /CONTENT_SECURITY_POLICY = \(\n([^)]*)\)/.exec(handler)?.[1] ?? "";
  return [...written.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join("");
}

/** An answer that is an error. */
export class Refusal {
  readonly status: number;
  readonly detail: string;

  constructor(status: number, detail: string) {
    this.status = status;
    this.detail = detail;
  }
}

/** An answer about what has ended, which the browser may keep; `asked` is how often it had it already. */
export class Kept {
  readonly body: unknown;
  /** Another one for each, as the browser still has those of other tests. */
  readonly tag = `W/"${randomUUID()}"`;
  sent = 0;
  asked = 0;

  constructor(body: unknown) {
    this.body = body;
  }
}

export interface Served {
  url: string;
  recorded: Readonly<Record<string, unknown>>;
  /** Answers in place of recorded ones, by path; a function is asked for each. */
  instead: Map<string, unknown>;
  /** What is answered to everything, such as a refusal; undefined as usual. */
  always: unknown;
  /** Whether each connection is ended without an answer, as by a stack that restarts. */
  isCut: boolean;
  close(): Promise<void>;
}

export async function serve(page: string): Promise<Served> {
  const headers = { "content-security-policy": policy() };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://page");
    if (served.isCut) {
      request.socket.destroy();
      return;
    }
    if (url.pathname.startsWith("/v1/")) {
      const method = request.method ?? "GET";
      void Promise.resolve(answerTo(url, method, served)).then((found) =>
        answer(response, method, found, request.headers["if-none-match"]),
      );
      return;
    }
    const asset = /^\/ui\/assets\/([\w.-]+)$/.exec(url.pathname)?.[1];
    const file = asset ? join(page, "assets", asset) : join(page, "index.html");
    response.writeHead(200, {
      ...headers,
      "cache-control": asset ? "public, max-age=31536000, immutable" : "no-cache",
      "content-type": TYPES[extname(file)] ?? "text/html; charset=utf-8",
    });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const served: Served = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    instead: new Map(),
    always: undefined,
    isCut: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return served;
}

function answer(response: ServerResponse, method: string, found: unknown, tag: string | undefined): void {
  if (found instanceof Kept) {
    const headers = { etag: found.tag, "cache-control": "private, no-cache", "content-type": "application/json" };
    const isKnown = tag === headers.etag;
    found[isKnown ? "asked" : "sent"] += 1;
    response.writeHead(isKnown ? 304 : 200, headers);
    response.end(isKnown ? undefined : JSON.stringify(found.body));
    return;
  }
  const refusal = found === undefined ? new Refusal(404, "There is nothing here.") : found;
  if (refusal instanceof Refusal) {
    response.writeHead(refusal.status, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ status: refusal.status, code: "refused", detail: refusal.detail }));
    return;
  }
  response.writeHead(method === "POST" ? 201 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(found));
}

function answerTo(url: URL, method: string, { instead, always }: Served): unknown {
  if (url.pathname === "/v1/sessions" && method === "POST") {
    const times = { created_at: "2026-11-30T05:00:00Z", expires_at: "2126-11-30T05:00:00Z" };
    const token = { name: "admin", organization: "default", project: "*", permissions: ["*"] };
    return { session_id: "s", session: "half", ...times, ...token };
  }
  if (always !== undefined) return always;
  const found = instead.has(url.pathname) ? replaced(url, instead) : known(url);
  // A recorded log is answered as the API does: any place of it.
  if (
    !/\/runs\/.*\/logs$/.test(url.pathname) ||
    typeof found !== "object" ||
    found === null ||
    !("lines" in found) ||
    "total" in found
  )
    return found;
  const { lines } = found as { lines: ServedLine[] };
  return logPage(url, lines.length, (index) => lines[index] as ServedLine);
}

/** The answer in place of the recorded one. */
function replaced(url: URL, instead: Served["instead"]): unknown {
  const given = instead.get(url.pathname);
  return typeof given === "function" ? given(url) : given;
}

function known(url: URL): unknown {
  const ofOne =
    url.searchParams.get("treatment") ??
    url.searchParams.get("pipeline") ??
    url.searchParams.get("direction") ??
    url.searchParams.get("by");
  return (ofOne && recorded[`${url.pathname}#${ofOne}`]) ?? recorded[url.pathname];
}
