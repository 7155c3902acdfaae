// Where the lines of a log come from. A whole log is read around what is looked at; of one that is filtered, the lines
// that match are read one after the other, from a place on. Both ask for what is written later.
import { get, Problem, type Query } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { lineMark } from "../model/line_range.ts";
import type { Place } from "../model/sparse.ts";
import { announced, heard } from "./announced.ts";
import type { Line } from "./log_row.tsx";

export type LogPage = components["schemas"]["LogPage"];

/** Lines of a request, and of one for the end or for what stands before a place. */
export const PAGE = 2_000;
export const TAIL = 500;
/** So many lines that match are read by themselves, and more when the reader asks; as many are stored as a file. */
export const AT_ONCE = 100_000;
const WAIT = 2;

export interface Told {
  /** Something changed; `added` lines are new at the end. */
  changed(added: number): void;
  failed(error: Error | null): void;
  /** Whether the run has ended. */
  isOver(): boolean;
}

export interface LogSource {
  readonly count: number;
  /** How many rows were put before the first one since it was opened: those that were there stand so much lower. */
  readonly above: number;
  at(row: number): Line | undefined;
  /** Reads what is missing of these rows. */
  look(first: number, count: number): void;
  /** Leads to a place; returns the row that it is in, null if another place was asked for since. */
  find(place: Place | { mark: string } | "end"): Promise<number | null>;
  /** The next or last line with an error, seen from a row; it begins anew where there is none. */
  error(row: number, step: 1 | -1): Promise<number | null>;
  /** What is left to be read in this direction, by itself only if the reader asks. */
  readonly more: { earlier: boolean; later: boolean };
  read(direction: "earlier" | "later"): void;
  /** Whether the first answer is there. */
  readonly isRead: boolean;
  close(): void;
}

/** Asks for new lines, again and again, until the log has ended. */
export abstract class Polled {
  isRead = false;
  protected readonly controller = new AbortController();
  protected after: string | null = null;
  private timer = 0;
  /** Of the request that counts: one that was sent before it changes nothing any more. */
  private turn = 0;
  private failures = 0;
  private isLast = false;
  private readonly run: string;
  protected readonly told: Told;

  constructor(run: string, told: Told) {
    this.run = run;
    this.told = told;
    document.addEventListener("visibilitychange", this.shown);
  }

  close(): void {
    this.controller.abort();
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.shown);
  }

  protected page(query: Query): Promise<LogPage> {
    return get<LogPage>(["runs", this.run, "logs"], query, this.controller.signal);
  }

  /** Seconds for which a request waits for new lines: none where these are announced, or none come any more. */
  protected wait(isOver: boolean): number {
    return isOver || heard(this.news) !== null ? 0 : WAIT;
  }

  private get news(): string {
    return `lines/${this.run}`;
  }

  protected later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), ms) as unknown as number;
  }

  /** Asks at once; what is asked for already does not count any more. */
  protected anew(): void {
    this.turn += 1;
    this.later(0);
  }

  /** Reads the first page, or what is new, and takes it if it still counts; null if there is nothing to ask for now. */
  protected abstract step(isOver: boolean, counts: () => boolean): Promise<LogPage | null>;

  private readonly shown = () => {
    if (!document.hidden) this.later(0);
  };

  private async ask(): Promise<void> {
    if (this.controller.signal.aborted || (document.hidden && this.isRead)) return;
    const isOver = this.told.isOver();
    this.turn += 1;
    const turn = this.turn;
    const counts = () => turn === this.turn && !this.controller.signal.aborted;
    const count = heard(this.news);
    try {
      const page = await this.step(isOver, counts);
      if (!page || !counts()) return;
      this.failures = 0;
      this.told.failed(null);
      if (page.more) this.later(0);
      else if (!isOver) {
        if (count === null) return this.later(page.lines.length ? 150 : 50);
        await announced(this.news, count, this.controller.signal);
        if (counts()) this.later(0);
      }
      // Once more after the end: the last lines may be stored a little later than the run's state.
      else if (!this.isLast) {
        this.isLast = true;
        this.later(1_500);
      }
    } catch (problem) {
      if (!counts()) return;
      this.failures += 1;
      this.told.failed(problem as Error);
      if (!(problem instanceof Problem) || problem.status === 0 || problem.status >= 500)
        this.later(Math.min(15_000, 500 * 2 ** this.failures));
    }
  }
}

/** The mark of a line, by its number in the whole log; null if there is none. */
export async function markOf(run: string, number: number): Promise<string | null> {
  const { lines } = await get<LogPage>(["runs", run, "logs"], { line: number, limit: 1 });
  return lines[0] ? lineMark(lines[0]) : null;
}

/** The first lines that match, for a file. */
export async function firstLines(run: string, filter: Query): Promise<Line[]> {
  const found: Line[] = [];
  let after: string | null = null;
  do {
    const page: LogPage = await get<LogPage>(["runs", run, "logs"], { ...filter, after, limit: PAGE });
    found.push(...page.lines);
    after = page.more ? page.after : null;
  } while (after !== null && found.length < AT_ONCE);
  return found;
}
