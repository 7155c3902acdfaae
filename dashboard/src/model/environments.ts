// What an environment asks of a treatment before it may use it, in words; and its fields as text, to be changed.
import type { components } from "../api/types.ts";
import { counted, duration } from "./format.ts";

type Environment = components["schemas"]["EnvironmentView"];
type Body = components["schemas"]["EnvironmentBody"];

/** Which runs may deploy there. */
export function branchesText(environment: Environment): string {
  const named = environment.branches.join(", ");
  if (!environment.protected_branches) return named || "every branch";
  return named ? `${named}, if the code host protects them` : "branches that the code host protects";
}

/** Who has to agree before. */
export function approvalsText(environment: Environment): string {
  const rule = environment.approvals;
  if (!rule) return "none";
  const by = rule.approvers ? ` by ${rule.approvers.join(", ")}` : "";
  const starter = rule.not_by_starter ? ", not by who started the run" : "";
  const within = duration(rule.timeout * 1000).replace(/ 0 (h|min|s)$/, "");
  return `${counted(rule.required, "approval")}${by} within ${within}${starter}`;
}

/** `NAME=value`, one a line. */
export function pairsText(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

/** Raises an error that names the line which is no pair. */
export function pairsOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`"${line.trim()}" is no pair: write NAME=value, one a line.`);
    found[line.slice(0, at).trim()] = line.slice(at + 1);
  }
  return found;
}

const words = (text: string | undefined) => (text ?? "").split(/[\s,]+/).filter(Boolean);

/** The body of a request, from the fields of the form. */
export function bodyOf(fields: Readonly<Record<string, string>>): Body {
  const approvers = words(fields.approvers);
  return {
    env: pairsOf(fields.env ?? ""),
    secrets: pairsOf(fields.secrets ?? ""),
    branches: words(fields.branches),
    protected_branches: fields.protected === "yes",
    approvals: fields.required
      ? {
          required: Number(fields.required),
          timeout: Math.round(Number(fields.hours || 24) * 3_600),
          approvers: approvers.length ? approvers : null,
          not_by_starter: fields.starter === "no",
        }
      : null,
  };
}
