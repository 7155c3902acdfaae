// Where the lines of a log come from. A whole log is read around what is looked at; of one that is filtered, the lines
// that match are read one after the other, from a place on.
import { get, Problem, type Query } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { type Place, SparseLines } from "../model/sparse.ts";
import type { Line } from "./log_row.tsx";

type LogPage = components["schemas"]["LogPage"];

const PAGE = 2_000;
const TAIL = 500;
/** So many lines that match are read by themselves, and more when the reader asks. */
const AT_ONCE = 100_000;
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
  at(row: number): Line | undefined;
  /** Reads what is missing of these rows. */
  look(first: number, count: number): void;
  /** Leads to a place; returns the row that it is in. */
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

abstract class Polled {
  isRead = false;
  protected readonly controller = new AbortController();
  protected after: string | null = null;
  private timer = 0;
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

  protected later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), ms) as unknown as number;
  }

  /** Reads the first page, or what is new; returns the page, or null if there is nothing to ask for now. */
  protected abstract step(isOver: boolean): Promise<LogPage | null>;

  private readonly shown = () => {
    if (!document.hidden) this.later(0);
  };

  private async ask(): Promise<void> {
    if (this.controller.signal.aborted || (document.hidden && this.isRead)) return;
    const isOver = this.told.isOver();
    try {
      const page = await this.step(isOver);
      if (this.controller.signal.aborted || !page) return;
      this.failures = 0;
      this.told.failed(null);
      if (page.more) this.later(0);
      else if (!isOver) this.later(page.lines.length ? 150 : 50);
      // Once more after the end: the last lines may be stored a little later than the run's state.
      else if (!this.isLast) {
        this.isLast = true;
        this.later(1_500);
      }
    } catch (problem) {
      if (this.controller.signal.aborted) return;
      this.failures += 1;
      this.told.failed(problem as Error);
      if (!(problem instanceof Problem) || problem.status === 0 || problem.status >= 500)
        this.later(Math.min(15_000, 500 * 2 ** this.failures));
    }
  }
}

/** A whole log: any row of it is read when it is looked at. */
export class WholeLog extends Polled implements LogSource {
  readonly more = { earlier: false, later: false };
  private readonly lines = new SparseLines<Line>();
  private view = { first: 0, count: 0 };
  private isReading = false;
  private begun: Promise<LogPage> | null = null;

  constructor(run: string, told: Told) {
    super(run, told);
    this.later(0);
  }

  get count(): number {
    return this.lines.total;
  }

  at(row: number): Line | undefined {
    return this.lines.at(row);
  }

  look(first: number, count: number): void {
    this.view = { first, count };
    if (!this.isReading) void this.fill();
  }

  async find(place: Place | { mark: string } | "end"): Promise<number | null> {
    await this.first();
    if (place === "end") return this.count - 1;
    const query = "mark" in place ? { after: place.mark } : { ...place };
    const page = await this.page({ ...query, limit: TAIL });
    const row = page.lines[0] ? page.lines[0].number - 1 : this.count - 1;
    this.lines.put(page.lines, row);
    this.told.changed(0);
    return row;
  }

  async error(row: number, step: 1 | -1): Promise<number | null> {
    const here = this.at(row);
    const wanted = { level: "error", limit: 1 };
    const place = here
      ? { [step === 1 ? "after" : "before"]: `${here.segment}:${here.index + (step === 1 ? 1 : 0)}` }
      : {};
    return (
      (await this.match({ ...wanted, ...place }, step)) ??
      (await this.match({ ...wanted, ...(step === 1 ? {} : { before: "end" }) }, step))
    );
  }

  /** The row of the first line that matches: a request looks through a part of the log only. */
  private async match(query: Query, step: 1 | -1): Promise<number | null> {
    let asked = query;
    for (;;) {
      const page = await this.page(asked);
      const found = page.lines.find((line) => line.level === "error");
      if (found) return found.number - 1;
      if (!page.more) return null;
      asked = { ...query, ...(step === 1 ? { after: page.after } : { before: page.before }) };
    }
  }

  read(): void {}

  protected async step(isOver: boolean): Promise<LogPage> {
    if (this.after === null) return this.first();
    const page = await this.page({ after: this.after, wait: isOver ? 0 : WAIT, limit: PAGE });
    this.after = page.after;
    const before = this.count;
    this.lines.put(page.lines, this.view.first);
    if (page.lines.length) this.told.changed(this.count - before);
    return page;
  }

  /** The end of the log, which tells how long it is; it is read once. */
  private first(): Promise<LogPage> {
    this.begun ??= this.page({ before: "end", limit: TAIL }).then(
      (page) => {
        this.after = page.after;
        this.isRead = true;
        this.lines.total = page.total ?? 0;
        this.lines.put(page.lines, this.view.first);
        this.told.changed(0);
        return { ...page, more: false };
      },
      (problem) => {
        this.begun = null;
        throw problem;
      },
    );
    return this.begun;
  }

  private async fill(): Promise<void> {
    this.isReading = true;
    try {
      for (;;) {
        // What is looked at may change while it is read: always the newest view is read next.
        const wanted = this.lines.missing(this.view.first, this.view.count);
        if (!wanted || this.controller.signal.aborted) return;
        const page = await this.page({ line: wanted.row + 1, limit: wanted.count });
        if (!page.lines.length) return; // removed, with the time of keeping
        this.lines.put(page.lines, this.view.first);
        this.told.failed(null);
        this.told.changed(0);
      }
    } catch (problem) {
      if (!this.controller.signal.aborted) this.told.failed(problem as Error);
    } finally {
      this.isReading = false;
    }
  }
}

/** The lines that match, from a place on: as many as the reader asks for. */
export class FilteredLog extends Polled implements LogSource {
  private all: Line[] = [];
  private allowed = AT_ONCE;
  private before: string | null = null;
  private isMore = true;
  private readonly filter: Query;
  private generation = 0;

  constructor(run: string, told: Told, filter: Query) {
    super(run, told);
    this.filter = filter;
    this.later(0);
  }

  get count(): number {
    return this.all.length;
  }

  get more() {
    return { earlier: this.before !== null, later: this.isMore && this.all.length >= this.allowed };
  }

  at(row: number): Line | undefined {
    return this.all[row];
  }

  look(): void {}

  async find(place: Place | { mark: string } | "end"): Promise<number | null> {
    if (place === "end" && !this.more.later) return this.count - 1;
    const known = typeof place === "object" && "mark" in place ? this.rowOf(place.mark) : -1;
    if (known >= 0) return known;
    this.generation += 1;
    const begin: Query = place === "end" ? { before: "end" } : "mark" in place ? { after: place.mark } : { ...place };
    const page = await this.page({ ...this.filter, ...begin, limit: PAGE });
    // What stands before the place is shown with it.
    const isInside = place !== "end" && page.before !== null;
    const above = isInside ? await this.page({ ...this.filter, before: page.before, limit: TAIL }) : null;
    this.all = [...(above?.lines ?? []), ...page.lines];
    this.isRead = true;
    this.allowed = AT_ONCE;
    this.after = page.after;
    this.before = above ? above.before : page.before;
    this.isMore = place !== "end" && page.more;
    this.told.changed(0);
    this.later(0);
    return place === "end" ? this.count - 1 : (above?.lines.length ?? 0);
  }

  error(row: number, step: 1 | -1): Promise<number | null> {
    const errors = this.all.flatMap((line, at) => (line.level === "error" ? [at] : []));
    const next = step === 1 ? errors.find((at) => at > row) : errors.findLast((at) => at < row);
    return Promise.resolve(next ?? (step === 1 ? errors[0] : errors.at(-1)) ?? null);
  }

  read(direction: "earlier" | "later"): void {
    if (direction === "later") {
      this.allowed += AT_ONCE;
      this.later(0);
    } else void this.earlier();
  }

  protected async step(isOver: boolean): Promise<LogPage | null> {
    if (this.all.length >= this.allowed) return null;
    const wait = isOver || this.after === null ? 0 : WAIT;
    const begun = this.generation;
    const page = await this.page({ ...this.filter, after: this.after, wait, limit: PAGE });
    if (begun !== this.generation) return null; // the reader went to another place meanwhile
    this.isRead = true;
    this.all.push(...page.lines);
    this.after = page.after;
    this.isMore = page.more;
    this.told.changed(page.lines.length);
    return page;
  }

  private async earlier(): Promise<void> {
    try {
      const page = await this.page({ ...this.filter, before: this.before, limit: PAGE });
      this.all = [...page.lines, ...this.all];
      this.before = page.before;
      this.told.changed(0);
    } catch (problem) {
      if (!this.controller.signal.aborted) this.told.failed(problem as Error);
    }
  }

  private rowOf(mark: string): number {
    return this.all.findIndex((line) => `${line.segment}:${line.index}` === mark);
  }
}
