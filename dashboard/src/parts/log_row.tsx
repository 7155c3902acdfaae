// One line of a log.
import type { components } from "../api/types.ts";
import { plain } from "../model/ansi.ts";
import type { Group } from "../model/folds.ts";
import { clock, counted } from "../model/format.ts";
import { Text } from "./text.tsx";

export type Line = components["schemas"]["NumberedLine"];

const LONGEST = 4_000;

interface Props {
  line: Line;
  isMarked: boolean;
  named: boolean;
  /** The address of this line, and what is done instead of following it; false where it is followed. */
  address: string;
  choose: (event: MouseEvent) => void;
  /** The groups that begin in this line. */
  groups?: readonly NamedGroup[];
}

export interface NamedGroup {
  group: Group;
  name: string;
  isFolded: boolean;
  toggle: () => void;
}

export function Row({ line, isMarked, named, address, choose, groups = [] }: Props) {
  const text = line.text.length > LONGEST ? `${line.text.slice(0, LONGEST)}…` : line.text;
  const rest =
    line.text.length > LONGEST ? ` (${(line.text.length - LONGEST).toLocaleString("en")} more characters)` : "";
  const folded = groups.find((one) => one.isFolded);
  const shown = folded ? groups.slice(0, groups.indexOf(folded) + 1) : groups;
  // A group's name stands in place of the mark that begins it.
  const isNamed = shown.some(({ group }) => group.title !== null);
  return (
    <div class={`log-row level-${line.level}${isMarked ? " marked" : ""}${line.gap ? " gap" : ""}`}>
      <a class="log-number" tabIndex={-1} href={address} title="The address of this line" onClick={choose}>
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
      {shown.map(({ group, name, isFolded, toggle }) => (
        <button key={group.key} type="button" class="log-group" aria-expanded={!isFolded} onClick={toggle}>
          {plain(name)}
          {isFolded && <FoldedCount group={group} />}
        </button>
      ))}
      {!folded && !isNamed && (
        <span class="log-text" title={line.text.length > 300 ? undefined : plain(line.text)}>
          {line.gap ? `— lines are missing here: ${plain(text) || "they were lost with their runner"}` : null}
          {!line.gap && <Text text={text} />}
          {rest}
        </span>
      )}
    </div>
  );
}

function FoldedCount({ group }: { group: Group }) {
  return (
    <>
      {" "}
      <span class="quiet-text">{counted(group.last - group.first + 1, "line")}</span>
      {group.errors > 0 && <span class="bad-text"> {counted(group.errors, "error")}</span>}
    </>
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
