// A whole log: any row of it is read when it is looked at.
import type { Query } from "../api/client.ts";
import { type Place, SparseLines } from "../model/sparse.ts";
import type { Line } from "./log_row.tsx";
import { type LogPage, type LogSource, PAGE, Polled, TAIL, type Told } from "./log_source.ts";

export class WholeLog extends Polled implements LogSource {
  readonly above = 0;
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

  protected async step(isOver: boolean, counts: () => boolean): Promise<LogPage | null> {
    if (this.after === null) return this.first();
    const page = await this.page({ after: this.after, wait: this.wait(isOver), limit: PAGE });
    if (!counts()) return null;
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
