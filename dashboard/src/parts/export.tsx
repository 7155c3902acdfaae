// What is seen, as a file.
import { csv, fileName, jsonLines, type Row } from "../model/export.ts";

/** Lets the browser store a file. Its address is withdrawn once the browser has begun to read it. */
export function save(name: string, content: BlobPart | Blob, type: string): void {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

interface Props {
  /** The beginning of the file's name. */
  name: string;
  /** What is stored, for those who do not see it, such as "these treatments". */
  what: string;
  rows: () => readonly Row[];
}

/** Rows as a table for spreadsheets, and as JSON lines. */
export function Export({ name, what, rows }: Props) {
  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-label={`Save CSV of ${what}`}
        onClick={() => save(fileName(name, "csv"), csv(rows()), "text/csv")}
      >
        Save CSV
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`Save JSON of ${what}`}
        onClick={() => save(fileName(name, "jsonl"), jsonLines(rows()), "application/x-ndjson")}
      >
        Save JSON
      </button>
    </>
  );
}
