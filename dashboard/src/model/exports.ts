// Exports in words, and the bodies of their requests.
import type { components } from "../api/types.ts";
import { pairsOf } from "./environments.ts";
import { ago } from "./format.ts";

type Export = components["schemas"]["ExportView"];
type Body = components["schemas"]["ExportBody"];

export const KINDS = ["prometheus_remote_write", "loki", "datadog", "otlp", "cloudevents"] as const;
export const SCHEMES = ["basic", "bearer", "api_key"] as const;

export interface Delivery {
  word: "paused" | "fails" | "gives up" | "delivers" | "nothing sent yet";
  detail: string;
}

export function deliveryOf({ enabled, standing }: Export, now: number): Delivery {
  if (!enabled) return { word: "paused", detail: "" };
  if (standing.failing) {
    const since = standing.failing_since ? `since ${ago(standing.failing_since, now)}` : "";
    return {
      word: standing.retry_at ? "fails" : "gives up",
      detail: [since, standing.error ?? ""].filter(Boolean).join(": "),
    };
  }
  if (!standing.delivered_at) return { word: "nothing sent yet", detail: "" };
  return { word: "delivers", detail: ago(standing.delivered_at, now) };
}

/** The body that replaces an export by itself, running or paused; its credentials are kept. */
export function bodyWith(one: Export, enabled: boolean): Body {
  const { kind, url, signals, projects, labels, headers } = one;
  return { kind, url, signals, projects, labels, headers, enabled } as Body;
}

const words = (text: string | undefined) => (text ?? "").split(/[\s,]+/).filter(Boolean);

/** The body of a request, from the fields of the form; what is left out is by default all. */
export function exportBody(fields: Readonly<Record<string, string>>): Body {
  const signals = words(fields.signals);
  const projects = words(fields.projects);
  return {
    kind: fields.kind,
    url: fields.url,
    signals: signals.length ? signals : null,
    projects: projects.length ? projects : null,
    labels: pairsOf(fields.labels ?? ""),
    headers: pairsOf(fields.headers ?? ""),
    enabled: true,
    credentials: fields.scheme ? { scheme: fields.scheme, user: fields.user ?? "", secret: fields.secret ?? "" } : null,
  } as Body;
}
