// What a reader writes in the query of a search: what is completed at the cursor, and conditions that are added to it.
import { isTime, TOKEN } from "./histogram.ts";

/** The fields of a line, as docs/search.md describes them, and the values that are known without asking. */
export const FIELDS: Readonly<Record<string, { what: string; values: readonly string[] }>> = {
  level: { what: "how grave it is", values: ["error", "warning", "info", "debug"] },
  treatment: { what: "what wrote it", values: [] },
  pipeline: { what: "of which it is part", values: [] },
  project: { what: "of its run", values: [] },
  state: {
    what: "of its treatment, now",
    values: ["failed", "lost", "timed_out", "running", "succeeded", "cancelled", "skipped", "pending", "ready"],
  },
  stream: { what: "stdout, stderr, the agent's, a service's", values: ["stdout", "stderr", "agent"] },
  run: { what: "by its id", values: [] },
  pool: { what: "of its runner", values: [] },
  runner: { what: "by its id", values: [] },
  organization: { what: "of its run", values: [] },
  since: { what: "from this time on", values: ["15m", "1h", "2h", "1d", "1w", "today", "yesterday"] },
  until: { what: "before this time", values: ["15m", "1h", "2h", "1d", "1w", "today", "yesterday"] },
};
/** By which lines can be counted. */
const COUNTED = ["level", "treatment", "pipeline", "project", "stream", "run", "pool", "runner", "organization"];

/** A name or a value that is being written: the text from `from` to `to`. */
export interface Completing {
  from: number;
  to: number;
  typed: string;
  /** Of the value; null for the name of a field. */
  field: string | null;
}

/** What is being written in front of the cursor; null within quotes and regular expressions. */
export function completing(text: string, cursor: number): Completing | null {
  const before = text.slice(0, cursor);
  let start = 0;
  for (const match of before.matchAll(/"(?:[^"\\]|\\.)*(?:"|$)|(?<![^\s(])\/(?:[^/\\]|\\.)*(?:\/i?|$)|[\s(]/g)) {
    const end = match.index + match[0].length;
    if (!/^[\s(]$/.test(match[0]) && end === before.length) return null;
    if (/^[\s(]$/.test(match[0])) start = end;
  }
  if (before[start] === "-") start += 1;
  const word = before.slice(start);
  const value = /^([A-Za-z_]+):(.*)$/s.exec(word);
  if (!value) return /^[A-Za-z_]*$/.test(word) ? { from: start, to: cursor, typed: word, field: null } : null;
  const field = (value[1] ?? "").toLowerCase();
  if (!(field in FIELDS)) return null;
  const typed = (value[2] ?? "").split(",").at(-1) ?? "";
  return { from: cursor - typed.length, to: cursor, typed, field };
}

/** The fields, or the values that are known, which begin with what is written. */
export function known({ field, typed }: Completing): { text: string; what: string }[] {
  const begins = (text: string) => text.startsWith(typed.toLowerCase()) && text !== typed;
  if (field !== null) return (FIELDS[field]?.values ?? []).filter(begins).map((text) => ({ text, what: "" }));
  return Object.entries(FIELDS)
    .filter(([name]) => begins(name))
    .map(([name, { what }]) => ({ text: `${name}:`, what }));
}

/** A query for the values of a field that begin so, in the lines of a week; null where they need not be asked for. */
export function queryOfValues({ field, typed }: Completing): string | null {
  if (field === null || !COUNTED.includes(field) || field === "level") return null;
  if (/[()",*]/.test(typed)) return null;
  return typed ? `${field}:${typed}* since:1w` : "since:1w";
}

/** The text with what was chosen in place of what was written, and where the cursor is then. */
export function completed(text: string, at: Completing, chosen: string): { text: string; cursor: number } {
  // A name is followed by its value, a value by a space.
  const added = at.field === null ? chosen : `${quoted(chosen)}${/^\s/.test(text.slice(at.to)) ? "" : " "}`;
  return { text: text.slice(0, at.from) + added + text.slice(at.to), cursor: at.from + added.length };
}

export function quoted(value: string): string {
  return value && !/[\s()",]|\*$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** The condition that a field has a value, or has it not. */
export function condition(field: string, value: string, isWithout = false): string {
  return `${isWithout ? "-" : ""}${field}:${quoted(value)}`;
}

export function has(query: string, part: string): boolean {
  return tokens(query).includes(part);
}

/** The query with a condition that it did not have, or without one that it had. */
export function toggled(query: string, part: string): string {
  const all = tokens(query);
  if (all.includes(part)) return all.filter((token) => token !== part).join(" ");
  const times = all.filter(isTime);
  const rest = all.filter((token) => !isTime(token));
  // AND binds closer than OR, and a time stands outside of brackets.
  const kept = rest.includes("OR") ? [`(${rest.join(" ")})`] : rest;
  return [...kept, part, ...times].join(" ");
}

function tokens(query: string): string[] {
  return [...query.matchAll(TOKEN)].map(([token]) => token);
}
