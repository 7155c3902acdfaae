// Serves the built page as the Lambda does, with its policy, and answers of the API that were recorded from a real
// local stack: a pipeline `orders` one of whose rows has no digits.
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

/** Two runs of another pipeline `orders`, which are compared: the first passed. */
export const THEN = "01m8p42c1ncjzaapvbdvvqeqp1";
export const NOW = "01m8p42d76t4x892j5ntqz190f";
export const RUN = "01m8ndsm7fhdaqgt41f8h842tg";
const TYPES: Record<string, string> = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const recorded = JSON.parse(readFileSync(new URL("answers.json", import.meta.url), "utf8")) as Record<string, unknown>;

/** The policy that the Lambda `dashboard` sends. */
export function policy(): string {
  const handler = readFileSync(new URL("../../../functions/dashboard/handler.py", import.meta.url), "utf8");
  const written = /CONTENT_SECURITY_POLICY = \(\n([^)]*)\)/.exec(handler)?.[1] ?? "";
  return [...written.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join("");
}

export interface Served {
  url: string;
  recorded: Readonly<Record<string, unknown>>;
  /** Answers in place of recorded ones, by path. */
  instead: Map<string, unknown>;
  close(): Promise<void>;
}

export async function serve(page: string): Promise<Served> {
  const instead = new Map<string, unknown>();
  const headers = { "content-security-policy": policy() };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://page");
    if (url.pathname.startsWith("/v1/")) {
      const answer = answerTo(url, request.method ?? "GET", instead);
      response.writeHead(answer === undefined ? 404 : request.method === "POST" ? 201 : 200, {
        "content-type": answer === undefined ? "application/problem+json" : "application/json",
      });
      response.end(JSON.stringify(answer ?? { status: 404, code: "not_found", detail: "There is nothing here." }));
      return;
    }
    const asset = /^\/ui\/assets\/([\w.-]+)$/.exec(url.pathname)?.[1];
    const file = asset ? join(page, "assets", asset) : join(page, "index.html");
    response.writeHead(200, { ...headers, "content-type": TYPES[extname(file)] ?? "text/html; charset=utf-8" });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    instead,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function answerTo(url: URL, method: string, instead: ReadonlyMap<string, unknown>): unknown {
  if (url.pathname === "/v1/sessions" && method === "POST") {
    const times = { created_at: "2026-11-30T05:00:00Z", expires_at: "2126-11-30T05:00:00Z" };
    const token = { name: "admin", organization: "default", project: "*", permissions: ["*"] };
    return { session_id: "s", session: "half", ...times, ...token };
  }
  if (instead.has(url.pathname)) return instead.get(url.pathname);
  const ofOne = url.searchParams.get("treatment");
  if (url.pathname.endsWith("/logs") && url.searchParams.get("after")) {
    return { lines: [], after: url.searchParams.get("after"), more: false };
  }
  return (ofOne && recorded[`${url.pathname}#${ofOne}`]) ?? recorded[url.pathname];
}
