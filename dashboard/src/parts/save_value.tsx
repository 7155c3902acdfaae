// A whole value as a file, read in pieces.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { decoded } from "../model/bytes.ts";
import { fileName } from "../model/export.ts";
import { bytes } from "../model/format.ts";
import { save } from "./files.ts";
import { Failure } from "./notes.tsx";

type Content = components["schemas"]["ContentView"];

const PIECE = 1_048_576;
/** The browser holds all of it until it is stored. */
const LARGEST = 256 * PIECE;
const EXTENSIONS: Record<string, string> = { text: "txt", json: "json", table: "csv" };

export function SaveValue({ run, content }: { run: string; content: Content }) {
  const [done, setDone] = useState<number | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const reading = useRef<AbortController | null>(null);
  useEffect(() => () => reading.current?.abort(), []);
  const { treatment, port, attempt } = content;
  if (content.size > LARGEST)
    return (
      <span class="quiet-text">
        As a file: <code>{`cadence value download ${run} ${treatment}.${port}`}</code>
      </span>
    );
  const read = async () => {
    const controller = new AbortController();
    reading.current = controller;
    setError(null);
    try {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      let [offset, ended] = [0, false];
      for (let next: number | null = 0; next !== null && offset < LARGEST; ) {
        setDone(offset);
        const path = ["runs", run, "treatments", treatment, "outputs", port];
        const piece: Content = await get(path, { offset: next, length: PIECE, attempt }, controller.signal);
        const found = decoded(piece.content_base64);
        parts.push(found);
        offset += found.length;
        ended = piece.ended;
        next = found.length ? piece.next : null;
      }
      const extension = EXTENSIONS[content.shown.kind] ?? "bin";
      const name = fileName(run, `${treatment}.${port}`, ended ? "" : `first-${offset}-bytes`, extension);
      save(name, new Blob(parts), "application/octet-stream");
    } catch (problem) {
      if (!controller.signal.aborted) setError(problem as Error);
    } finally {
      if (!controller.signal.aborted) setDone(null);
    }
  };
  return (
    <>
      <button type="button" disabled={done !== null} onClick={() => void read()}>
        {done === null ? "Save as a file" : `${bytes(done)} of ${bytes(content.size)} …`}
      </button>
      {error && <Failure error={error} />}
    </>
  );
}
