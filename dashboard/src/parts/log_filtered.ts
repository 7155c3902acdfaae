// The lines of a log that match, from a place on: as many as the reader asks for.
import type { Query } from "../api/client.ts";
import { lineMark } from "../model/line_range.ts";
import type { Place } from "../model/sparse.ts";
import type { Line } from "./log_row.tsx";
import { AT_ONCE, type LogPage, type LogSource, PAGE, Polled, TAIL, type Told } from "./log_source.ts";

export class FilteredLog extends Polled implements LogSource {
  above = 0;
  private all: Line[] = [];
  private allowed = AT_ONCE;
  private before: string | null = null;
  private isMore = true;
  /** What is read from now on was written since. */
  private isCaughtUp = false;
  private places = 0;
  private readonly filter: Query;

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
    this.places += 1;
    const mine = this.places;
    if (place === "end" && !this.more.later) return this.count - 1;
    const known = typeof place === "object" && "mark" in place ? this.rowOf(place.mark) : -1;
    if (known >= 0) return known;
    const begin: Query = place === "end" ? { before: "end" } : "mark" in place ? { after: place.mark } : { ...place };
    const page = await this.page({ ...this.filter, ...begin, limit: PAGE });
    // What stands before the place is shown with it.
    const isInside = place !== "end" && page.before !== null;
    const above = isInside ? await this.page({ ...this.filter, before: page.before, limit: TAIL }) : null;
    if (mine !== this.places) return null;
    this.all = [...(above?.lines ?? []), ...page.lines];
    this.isRead = true;
    this.allowed = AT_ONCE;
    this.after = page.after;
    this.before = above ? above.before : page.before;
    this.isMore = place !== "end" && page.more;
    this.isCaughtUp = !this.isMore;
    this.told.changed(0);
    this.anew();
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

  protected async step(isOver: boolean, counts: () => boolean): Promise<LogPage | null> {
    if (this.all.length >= this.allowed) {
      // What is written from now on is not read by itself.
      if (!isOver && !this.isMore) {
        this.isMore = true;
        this.told.changed(0);
      }
      return null;
    }
    const wait = this.after === null ? 0 : this.wait(isOver);
    const page = await this.page({ ...this.filter, after: this.after, wait, limit: PAGE });
    if (!counts()) return null;
    this.isRead = true;
    this.all.push(...page.lines);
    this.after = page.after;
    this.isMore = page.more;
    this.told.changed(this.isCaughtUp ? page.lines.length : 0);
    this.isCaughtUp ||= !page.more;
    return page;
  }

  private async earlier(): Promise<void> {
    const { before } = this;
    try {
      const page = await this.page({ ...this.filter, before, limit: PAGE });
      if (before !== this.before) return; // the lines begin at another place now
      this.all = [...page.lines, ...this.all];
      this.above += page.lines.length;
      this.before = page.before;
      this.told.changed(0);
    } catch (problem) {
      if (!this.controller.signal.aborted) this.told.failed(problem as Error);
    }
  }

  private rowOf(mark: string): number {
    return this.all.findIndex((line) => lineMark(line) === mark);
  }
}
