// One line of a log.
import type { components } from "../api/types.ts";
import { plain } from "../model/ansi.ts";
import { clock } from "../model/format.ts";
import { Text } from "./text.tsx";

export type Line = components["schemas"]["NumberedLine"];

const LONGEST = 4_000;

interface Props {
  line: Line;
  isMarked: boolean;
  named: boolean;
  /** The address of this line. */
  address: string;
}

export function Row({ line, isMarked, named, address }: Props) {
  const text = line.text.length > LONGEST ? `${line.text.slice(0, LONGEST)}…` : line.text;
  const rest =
    line.text.length > LONGEST ? ` (${(line.text.length - LONGEST).toLocaleString("en")} more characters)` : "";
  return (
    <div class={`log-row level-${line.level}${isMarked ? " marked" : ""}${line.gap ? " gap" : ""}`}>
      <a class="log-number" tabIndex={-1} href={address} title="The address of this line">
        {line.number}
      </a>
      <time dateTime={line.time} title={line.time}>
        {clock(line.time)}
      </time>
      {named && (
        <span class="log-treatment" title={line.treatment}>
          {line.treatment}
        </span>
      )}
      <span class="log-text" title={line.text.length > 300 ? undefined : plain(line.text)}>
        {line.gap ? `— lines are missing here: ${plain(text) || "they were lost with their runner"}` : null}
        {!line.gap && <Text text={text} />}
        {rest}
      </span>
    </div>
  );
}

/** In place of a line that is being read. */
export function Unread({ number }: { number: number }) {
  return (
    <div class="log-row">
      <span class="log-number">{number}</span>
      <span class="quiet-text">…</span>
    </div>
  );
}
