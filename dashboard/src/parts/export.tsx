// What is seen, as a file.
import { useState } from "preact/hooks";
import type { Row } from "../model/export.ts";

/** How files are made: fetched with the first one that is stored. */
export const files = () => import("./files.ts");

interface Props {
  /** The beginning of the file's name. */
  name: string;
  /** What is stored, for those who do not see it, such as "these treatments". */
  what: string;
  rows: () => readonly Row[];
}

/** Rows as a table for spreadsheets, and as JSON lines. */
export function Export({ name, what, rows }: Props) {
  const [failed, setFailed] = useState(false);
  const store = (then: (made: Awaited<ReturnType<typeof files>>) => void) =>
    void files().then(then, () => setFailed(true));
  return (
    <>
      {failed && <span role="alert">Cadence does not answer.</span>}
      <button
        type="button"
        class="quiet"
        aria-label={`Save CSV of ${what}`}
        onClick={() => store(({ saveCsv }) => saveCsv(name, rows()))}
      >
        Save CSV
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`Save JSON of ${what}`}
        onClick={() => store(({ saveJson }) => saveJson([name], rows()))}
      >
        Save JSON
      </button>
    </>
  );
}
