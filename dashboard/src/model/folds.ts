// Groups of lines in the log of one treatment, which can be folded: its steps, and what commands print in marks of groups
// as GitHub Actions (`::group::`), Azure (`##[group]`) and GitLab (`section_start:`) know them.
import { plain } from "./ansi.ts";

export interface GroupedLine {
  number: number;
  text: string;
  level: string;
  attempt: number;
  step: number | null;
}

export interface Group {
  /** Of the row that it begins in, which stays when it is folded, and its last one. */
  first: number;
  last: number;
  /** Of the group as the command names it; null for a step, whose number `step` is. */
  title: string | null;
  step: number | null;
  errors: number;
  /** What it is known by, however many lines are read before it. */
  key: string;
}

const BEGIN = /^(?:\S+ )?(?:::group::|##\[group\])(.*)$/;
const END = /^(?:\S+ )?(?:::endgroup::|##\[endgroup\])/;
const SECTION = /^section_start:\d+:([\w.-]+)(?:\[[^\]]*\])?\r?(.*)$/;
/** Sections in sections are followed so deep: marks without ends would have each line looked at for all of them. */
const DEEPEST = 20;
const SECTION_END = /^section_end:\d+:([\w.-]+)/;

interface Open {
  group: Group;
  /** Of a section; groups without one end where the next of them begins. */
  section: string | null;
  /** What the agent writes between the lines of a step is not in its groups. */
  step: number | null;
}

export class Groups {
  all: Group[] = [];
  private seen = 0;
  private begin: number | undefined;
  private step: Group | null = null;
  private open: Open[] = [];
  private attempt = 0;

  /** Takes the rows that are new; all of them, where they begin with another line now. */
  take(count: number, at: (row: number) => GroupedLine | undefined): void {
    const begin = at(0)?.number;
    if (begin !== this.begin || count < this.seen) {
      this.all = [];
      this.open = [];
      this.step = null;
      this.seen = 0;
      this.attempt = 0;
      this.begin = begin;
    }
    for (; this.seen < count; this.seen++) {
      const line = at(this.seen);
      if (line) this.line(line, this.seen);
    }
  }

  private line(line: GroupedLine, row: number): void {
    if (line.attempt !== this.attempt) {
      this.attempt = line.attempt;
      this.open = [];
      this.step = null;
    }
    if (line.step !== null && line.step !== this.step?.step) {
      this.open = [];
      this.step = this.add(line, row, null);
    }
    const text = line.text.includes("\x1b") ? plain(line.text) : line.text;
    const isMark = text.includes("group") || text.includes("section_");
    const isDeep = this.open.length >= DEEPEST;
    const section = isMark && !isDeep ? SECTION.exec(text) : null;
    const begun = isMark && !section ? BEGIN.exec(text) : null;
    if (begun) this.endUnnamed(row - 1);
    if (section || begun) {
      const title = (section ? section[2] || section[1] : begun?.[1])?.trim() || "Group";
      this.open.push({ group: this.add(line, row, title), section: section?.[1] ?? null, step: line.step });
    }
    const around = this.open.filter((one) => one.step === line.step).map((one) => one.group);
    for (const group of line.step === null || !this.step ? around : [this.step, ...around]) {
      group.last = row;
      if (line.level === "error") group.errors += 1;
    }
    if (!isMark) return;
    const ended = SECTION_END.exec(text)?.[1];
    if (ended !== undefined) {
      const from = this.open.findLastIndex((one) => one.section === ended);
      if (from >= 0) this.open.length = from;
    } else if (END.test(text)) this.endUnnamed(row);
  }

  private add(line: GroupedLine, row: number, title: string | null): Group {
    const key = `${line.number}${title === null ? "s" : "g"}`;
    const group = { first: row, last: row, title, step: title === null ? line.step : null, errors: 0, key };
    this.all.push(group);
    return group;
  }

  private endUnnamed(last: number): void {
    const from = this.open.findIndex((one) => one.section === null);
    if (from < 0) return;
    for (const { group } of this.open.slice(from)) group.last = Math.max(group.first, last);
    this.open.length = from;
  }
}

/** The rows that are left when some groups are folded, of each of which the first stays. */
export class ShownRows {
  readonly count: number;
  /** What is left out: rows of the log, and how many were left out before. */
  private readonly gaps: { first: number; last: number; before: number }[] = [];

  constructor(rows: number, folded: readonly Group[]) {
    let hidden = 0;
    let end = -1;
    for (const { first, last } of [...folded].sort((a, b) => a.first - b.first || b.last - a.last)) {
      const from = Math.max(first + 1, end + 1);
      const to = Math.min(last, rows - 1);
      if (to < from) continue;
      this.gaps.push({ first: from, last: to, before: hidden });
      hidden += to - from + 1;
      end = to;
    }
    this.count = rows - hidden;
  }

  /** The row of the log that is shown in a place. */
  rowAt(place: number): number {
    let row = place;
    for (const { first, last, before } of this.gaps) {
      if (place + before < first) break;
      row = place + before + (last - first + 1);
    }
    return row;
  }

  /** The place in which a row of the log is shown; that of its group's first one where it is folded. */
  placeOf(row: number): number {
    let place = row;
    for (const { first, last, before } of this.gaps) {
      if (row < first) break;
      place = row > last ? row - before - (last - first + 1) : first - 1 - before;
    }
    return place;
  }
}
