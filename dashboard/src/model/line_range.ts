// A line of a log, or a range of lines, as addresses name them: `segment:index`, `segment:index-segment:index`.

export interface Spot {
  segment: number;
  index: number;
}

export interface LineRange {
  /** Marks of the first and the last line; the same for one line. */
  first: string;
  last: string;
}

/** How addresses name a line of a log. */
export function lineMark(line: Spot): string {
  return `${line.segment}:${line.index}`;
}

/** The range that an address names; null if it names none. */
export function rangeOf(text: string | null): LineRange | null {
  const [first = "", last = first, ...more] = (text ?? "").split("-");
  if (more.length || !spotOf(first) || !spotOf(last)) return null;
  return between(first, last);
}

/** The range from one line to another, in whatever order. */
export function between(one: string, other: string): LineRange {
  const isOrdered = compare(spotOf(one) as Spot, spotOf(other) as Spot) <= 0;
  return isOrdered ? { first: one, last: other } : { first: other, last: one };
}

export function rangeText({ first, last }: LineRange): string {
  return first === last ? first : `${first}-${last}`;
}

export function isWithin(range: LineRange, line: Spot): boolean {
  return compare(spotOf(range.first) as Spot, line) <= 0 && compare(line, spotOf(range.last) as Spot) <= 0;
}

/** Two numbers of lines, as a reader writes a range: `10-20`, `7,654-7,700`. Null if it is none. */
export function numbersOf(text: string): { first: number; last: number } | null {
  const found = /^\s*(\d[\d,_ ]*?)\s*[-–]\s*(\d[\d,_ ]*)$/.exec(text);
  if (!found) return null;
  const [a = 0, b = 0] = found.slice(1).map((digits) => Number(digits.replace(/\D/g, "")));
  return a >= 1 && b >= 1 && Math.max(a, b) <= 1e15 ? { first: Math.min(a, b), last: Math.max(a, b) } : null;
}

function spotOf(mark: string): Spot | null {
  const found = /^(\d{1,12}):(\d{1,12})$/.exec(mark);
  return found ? { segment: Number(found[1]), index: Number(found[2]) } : null;
}

function compare(a: Spot, b: Spot): number {
  return a.segment - b.segment || a.index - b.index;
}
