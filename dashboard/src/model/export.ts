// What a page shows, as the content of a file.
import { plain } from "./ansi.ts";

export type Cell = string | number | boolean | null | undefined | object;
export type Row = Readonly<Record<string, Cell>>;

/** Rows as RFC 4180, with the first row's names as the head. Lists and objects are JSON. */
export function csv(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns.map(quoted), ...rows.map((row) => columns.map((column) => quoted(text(row[column]))))];
  return lines.map((cells) => `${cells.join(",")}\r\n`).join("");
}

function text(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "object" ? JSON.stringify(cell) : typeof cell === "string" ? inert(cell) : String(cell);
}

/** A text that no spreadsheet takes for a formula: those begin with one of these characters. */
function inert(cell: string): string {
  return /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

export interface LogLine {
  time: string;
  treatment: string;
  level: string;
  text: string;
  gap: unknown;
}

/** Lines as text: time, treatment, and what was written, without colours and other commands to terminals. */
export function logText(lines: readonly LogLine[]): string {
  return lines
    .map(
      (line) => `${line.time} ${line.treatment} ${line.gap ? "— lines are missing here: " : ""}${plain(line.text)}\n`,
    )
    .join("");
}

/** One JSON document a line, each as the API tells it. */
export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** A name of a file without what file systems do not take. */
export function fileName(...parts: readonly string[]): string {
  const [extension, ...names] = [...parts].reverse();
  const name = names
    .reverse()
    .map((part) => part.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replaceAll(/^[.-]+|-+$/g, ""))
    .filter(Boolean)
    .join("-")
    .slice(0, 150);
  return `${name || "cadence"}.${extension}`;
}
