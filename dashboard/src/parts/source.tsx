// A document with numbered lines, and what one version of it changed of another.
import { useEffect, useRef } from "preact/hooks";
import { visible } from "../model/ansi.ts";
import { counted } from "../model/format.ts";
import { changesOf, textDiff } from "../model/text_diff.ts";
import { Nothing } from "./notes.tsx";

interface SourceProps {
  text: string;
  /** The marked line, which is brought into view; 0 for none. */
  line: number;
  /** Lines with findings. */
  found: readonly number[];
}

export function Source({ text, line, found }: SourceProps) {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.querySelector(".marked")?.scrollIntoView({ block: "center" });
  }, [line, text]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <ol class="source" aria-label="Lines of the document" tabIndex={0} ref={list}>
      {text
        .replace(/\n$/, "")
        .split("\n")
        .map((one, at) => (
          <li key={at} class={at + 1 === line ? "marked" : found.includes(at + 1) ? "found" : undefined}>
            <b>{at + 1}</b>
            <span>{visible(one)}</span>
          </li>
        ))}
    </ol>
  );
}

export function Changes({ before, after }: { before: string; after: string }) {
  const lines = textDiff(before, after);
  const changes = changesOf(lines);
  if (lines.every((line) => line.kind === "same")) return <Nothing>Both versions have the same text.</Nothing>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <ol class="source" aria-label="Changed lines" tabIndex={0}>
      {changes.map((one, at) =>
        one.kind === "skipped" ? (
          <li key={at} class="skipped">
            <b>⋮</b>
            <span>{counted(one.lines, "equal line")}</span>
          </li>
        ) : (
          <li key={at} class={one.kind === "same" ? undefined : one.kind}>
            <b>{one.after ?? one.before}</b>
            <span class="sign">
              {one.kind !== "same" && <span class="hidden">{one.kind}: </span>}
              <span aria-hidden="true">{one.kind === "added" ? "+" : one.kind === "removed" ? "−" : ""}</span>
            </span>
            <span>{visible(one.text)}</span>
          </li>
        ),
      )}
    </ol>
  );
}
