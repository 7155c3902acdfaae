// The lines of a log of any length of which only parts are kept: those around what was looked at last. And places in a
// log, as they are written.

export interface Numbered {
  number: number;
}

export const CHUNK = 500;
/** So many chunks are kept: 20,000 lines. */
const MOST = 40;

export class SparseLines<L extends Numbered> {
  /** How many lines the log has. */
  total = 0;
  private readonly chunks = new Map<number, (L | undefined)[]>();

  /** Takes lines, in whatever order they come; lines that are there already are replaced by themselves. */
  put(lines: readonly L[], around: number): void {
    for (const line of lines) {
      const row = line.number - 1;
      this.total = Math.max(this.total, line.number);
      const chunk = Math.floor(row / CHUNK);
      let held = this.chunks.get(chunk);
      if (!held) {
        held = new Array(CHUNK);
        this.chunks.set(chunk, held);
      }
      held[row % CHUNK] = line;
    }
    this.forget(around);
  }

  /** The line of a row, counted from 0; undefined where it is not kept. */
  at(row: number): L | undefined {
    return this.chunks.get(Math.floor(row / CHUNK))?.[row % CHUNK];
  }

  /** The first row of `count` from `first` on whose line is not kept, and how many to read with it; null if there is none. */
  missing(first: number, count: number): { row: number; count: number } | null {
    const last = Math.min(this.total, first + count);
    for (let row = Math.max(0, first); row < last; row++) {
      if (this.at(row)) continue;
      // From the chunk's beginning, unless that is there: one reads on in both directions.
      const begin = Math.floor(row / CHUNK) * CHUNK;
      const from = this.at(begin) ? row : begin;
      return { row: from, count: Math.min(begin + CHUNK, this.total) - from };
    }
    return null;
  }

  get kept(): number {
    return this.chunks.size * CHUNK;
  }

  private forget(around: number): void {
    if (this.chunks.size <= MOST) return;
    const middle = Math.floor(around / CHUNK);
    const far = [...this.chunks.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const chunk of far.slice(0, this.chunks.size - MOST)) this.chunks.delete(chunk);
  }
}

export type Place = { line: number } | { time: string };

/**
 * A line's number or a time, as a reader writes it: `12,345`, `14:03`, `14:03:22.5` on the day of `near`, or a date with a
 * time, which are local as well unless they name their zone. Null if it is neither.
 */
export function placeOf(text: string, near: string | null): Place | null {
  const trimmed = text.trim();
  if (/^\d[\d,_ ]*$/.test(trimmed)) {
    const line = Number(trimmed.replace(/\D/g, ""));
    return line >= 1 && line <= 1e15 ? { line } : null;
  }
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/.exec(trimmed);
  if (clock) {
    const [, hours, minutes, seconds = "0", fraction = "0"] = clock;
    const day = near ? new Date(near) : new Date();
    day.setHours(Number(hours), Number(minutes), Number(seconds), Number(fraction.padEnd(3, "0")));
    return Number.isNaN(day.getTime()) ? null : { time: day.toISOString() };
  }
  // A day alone would be one of UTC.
  const given = /^\d{4}-\d{2}-\d{2}$/.test(trimmed) ? `${trimmed}T00:00` : trimmed;
  const time = /^\d{4}-\d{2}-\d{2}/.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(time) ? null : { time: new Date(time).toISOString() };
}
