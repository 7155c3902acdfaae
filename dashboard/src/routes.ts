// Addresses below /ui and what they show; every state of the page that can be shared is in its address.
/** Pages of the administration, with the permission that each needs. */
const ADMIN = {
  members: "members:read",
  teams: "teams:read",
  roles: "roles:read",
  grants: "grants:read",
  "service-accounts": "service-accounts:read",
  repositories: "repositories:read",
  tokens: "tokens:read",
  environments: "environments:read",
  secrets: "secrets:read",
  exports: "exports:read",
  "dead-letters": "dead-letters:read",
  limits: "organizations:read",
  retention: "projects:read",
  audit: "audit:read",
} as const;
export type AdminPart = keyof typeof ADMIN;
export const ADMIN_PERMISSIONS: Readonly<Record<AdminPart, string>> = ADMIN;
export const ADMIN_PARTS = Object.keys(ADMIN) as AdminPart[];
/** Those that have a page for each of something: a repository's deliveries, a project's environments. */
const NAMED: readonly AdminPart[] = ["repositories", "environments", "secrets", "exports", "dead-letters"];

export type Route =
  | { page: "home" }
  | { page: "runs" }
  | { page: "run"; run: string; line?: string }
  | { page: "treatment"; run: string; treatment: string }
  | { page: "value"; run: string; treatment: string; port: string }
  | { page: "diff"; run: string; other: string }
  | { page: "trace"; run: string }
  | { page: "search" }
  | { page: "pipelines" }
  | { page: "pipeline"; project: string; name: string }
  | { page: "fleet" }
  | { page: "alerts" }
  | { page: "approvals" }
  | { page: "admin"; part: AdminPart; name: string | null }
  | { page: "missing" };

const ROOT = "/ui";

export function parse(pathname: string): Route {
  const parts = pathname
    .replace(/^\/ui/, "")
    .split("/")
    .filter(Boolean)
    .map((part) => decode(part));
  const [first, second, third, fourth] = parts;
  if (first === undefined) return { page: "home" };
  if (first === "runs") {
    if (second === undefined) return { page: "runs" };
    if (third === undefined) return { page: "run", run: second };
    if (third === "t" && fourth !== undefined) return { page: "treatment", run: second, treatment: fourth };
    if (third === "v" && fourth !== undefined) {
      const route = valueRoute(second, fourth);
      if (route.treatment) return route;
    }
    if (third === "trace" && fourth === undefined) return { page: "trace", run: second };
    if (third === "lines" && fourth !== undefined) return { page: "run", run: second, line: fourth };
    if (third === "diff" && fourth !== undefined) return { page: "diff", run: second, other: fourth };
    return { page: "missing" };
  }
  if (first === "compare" && second !== undefined && third !== undefined && fourth === undefined)
    return { page: "diff", run: second, other: third };
  if (first === "pipelines" && second !== undefined && third !== undefined && fourth === undefined)
    return { page: "pipeline", project: second, name: third };
  if (first === "admin") {
    const part = second === undefined ? "members" : ADMIN_PARTS.find((one) => one === second);
    if (!part || fourth !== undefined || (third !== undefined && !NAMED.includes(part))) return { page: "missing" };
    return { page: "admin", part, name: third ?? null };
  }
  const plain = ["search", "pipelines", "fleet", "alerts", "approvals"] as const;
  const found = plain.find((name) => name === first && second === undefined);
  return found ? { page: found } : { page: "missing" };
}

/** A value's name, `treatment.port`, in its parts: only names of treatments have dots. */
export function parted(value: string): { treatment: string; port: string } {
  const dot = value.lastIndexOf(".");
  return { treatment: value.slice(0, Math.max(0, dot)), port: value.slice(dot + 1) };
}

/** The page of a value that has the name `treatment.port`. */
export function valueRoute(run: string, value: string) {
  return { page: "value", run, ...parted(value) } as const;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function href(route: Route, query: Record<string, string | null | undefined> = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const text = new URLSearchParams(given).toString();
  return path(route) + (text ? `?${text}` : "");
}

function path(route: Route): string {
  const quoted = encodeURIComponent;
  switch (route.page) {
    case "home":
    case "missing":
      return ROOT;
    case "run":
      return `${ROOT}/runs/${quoted(route.run)}${route.line ? `/lines/${quoted(route.line)}` : ""}`;
    case "treatment":
      return `${ROOT}/runs/${quoted(route.run)}/t/${quoted(route.treatment)}`;
    case "value":
      return `${ROOT}/runs/${quoted(route.run)}/v/${quoted(`${route.treatment}.${route.port}`)}`;
    case "trace":
      return `${ROOT}/runs/${quoted(route.run)}/trace`;
    case "diff":
      return `${ROOT}/runs/${quoted(route.run)}/diff/${quoted(route.other)}`;
    case "pipeline":
      return `${ROOT}/pipelines/${quoted(route.project)}/${quoted(route.name)}`;
    case "admin":
      return `${ROOT}/admin/${route.part}${route.name ? `/${quoted(route.name)}` : ""}`;
    default:
      return `${ROOT}/${route.page}`;
  }
}
