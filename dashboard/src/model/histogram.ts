// Hits of a search over time: the range that a query is about, intervals in it, and queries for a part of it.

export interface Range {
  since: number;
  until: number;
  /** The query with a beginning, which counts over time need. */
  query: string;
  /** Whether the beginning was chosen here, not by the query. */
  isChosen: boolean;
}

export interface Bar {
  start: number;
  end: number;
  lines: number;
  errors: number;
}

export interface Count {
  start: string | null;
  value: string | null;
  lines: number;
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const WEEK = 7 * DAY;
const MOST_BARS = 60;
const INTERVALS = [1, 2, 5, 10, 15, 30].flatMap((one) => [one, one * MINUTE]);
INTERVALS.push(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, WEEK, 4 * WEEK);
INTERVALS.sort((a, b) => a - b);
const UNITS: Record<string, number> = { s: 1, m: MINUTE, h: HOUR, d: DAY, w: WEEK };
export const TOKEN = /-?[A-Za-z_]+:"(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*"\*?|\/(?:[^/\\]|\\.)*\/i?|\S+/g;

/** The times of a query; null where they cannot be told here. A query without a beginning begins a week ago. */
export function rangeOf(query: string, now: number): Range | null {
  let since: number | null = null;
  let until: number | null = now;
  let isChosen = true;
  for (const [token] of query.matchAll(TOKEN)) {
    const span = isTime(token) ? /^([^.]+(?:\.\d[^.]*)?)?\.\.(.*)$/.exec(token) : null;
    if (token.startsWith("since:") || span) {
      isChosen = false;
      since = timeOf(span ? (span[1] ?? "") : token.slice("since:".length), now);
      if (since === null) return null;
    }
    if (token.startsWith("until:")) until = timeOf(token.slice("until:".length), now);
    else if (span?.[2]) until = timeOf(span[2], now, /^\d{4}-\d\d-\d\d$/.test(span[2]) ? DAY : 0);
    if (until === null) return null;
  }
  if (isChosen) since = until - WEEK * 1_000;
  if (since === null || since >= until) return null;
  const text = isChosen ? `${query} since:${iso(since)}` : query;
  return { since, until, query: text, isChosen };
}

/** Seconds of an interval with which the range has at most sixty. */
export function intervalOf({ since, until }: Range): number {
  const seconds = (until - since) / 1_000;
  return INTERVALS.find((one) => seconds / one <= MOST_BARS) ?? Math.ceil(seconds / MOST_BARS / DAY) * DAY;
}

/** All intervals of the range with their lines, also those that have none. */
export function barsOf(range: Range, interval: number, counts: readonly Count[]): Bar[] {
  const step = interval * 1_000;
  const first = Math.floor(range.since / step);
  const last = Math.max(first, Math.ceil(range.until / step) - 1);
  const bars = Array.from({ length: last - first + 1 }, (_, at) => {
    const start = (first + at) * step;
    return { start, end: start + step, lines: 0, errors: 0 };
  });
  for (const { start, value, lines } of counts) {
    const bar = start === null ? undefined : bars[Math.floor(Date.parse(start) / step) - first];
    if (!bar) continue;
    bar.lines += lines;
    if (value === "error") bar.errors += lines;
  }
  return bars;
}

/** The query about this part of the time only. */
export function narrowed(query: string, start: number, end: number): string {
  const kept = [...query.matchAll(TOKEN)].map(([token]) => token).filter((token) => !isTime(token));
  return [...kept, `since:${iso(start)}`, `until:${iso(end)}`].join(" ");
}

export function isTime(token: string): boolean {
  return /^(since|until):/.test(token) || (/^[^"/:]*[^"/]*\.\./.test(token) && /^[\dnty.]/.test(token));
}

function timeOf(text: string, now: number, more = 0): number | null {
  if (text === "now") return now;
  if (text === "today" || text === "yesterday") {
    const day = Math.floor(now / (DAY * 1_000)) * DAY * 1_000;
    return text === "today" ? day : day - DAY * 1_000;
  }
  if (/^(\d+[smhdw])+$/.test(text)) {
    let seconds = 0;
    for (const [, amount, unit] of text.matchAll(/(\d+)([smhdw])/g))
      seconds += Number(amount) * (UNITS[unit as string] ?? 0);
    return now - seconds * 1_000;
  }
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return null;
  const hasOffset = /(Z|[+-]\d\d:?\d\d)$/i.test(text.slice(10)) || text.length === 10;
  const time = Date.parse(hasOffset ? text : `${text}Z`);
  return Number.isNaN(time) ? null : time + more * 1_000;
}

function iso(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
