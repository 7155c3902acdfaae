// Files that the browser stores.
import { csv, fileName, jsonLines, type LogLine, logText, type Row } from "../model/export.ts";

/** Lets the browser store a file. Its address is withdrawn once the browser has begun to read it. */
export function save(name: string, content: BlobPart | Blob, type: string): void {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export function saveCsv(name: string, rows: readonly Row[]): void {
  save(fileName(name, "csv"), csv(rows), "text/csv");
}

export function saveJson(name: readonly string[], rows: readonly object[]): void {
  save(fileName(...name, "jsonl"), jsonLines(rows), "application/x-ndjson");
}

export function saveLog(name: readonly string[], lines: readonly LogLine[]): void {
  save(fileName(...name, "log"), logText(lines), "text/plain");
}
