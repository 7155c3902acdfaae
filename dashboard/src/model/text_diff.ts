// Two versions of a text, line by line: what was removed, what was added, and some lines around.

export interface Line {
  kind: "same" | "removed" | "added";
  text: string;
  /** Its number in the older or the newer text, from 1. */
  before: number | null;
  after: number | null;
}

export interface Skipped {
  kind: "skipped";
  lines: number;
}

/** Above it, only the equal beginning and end are looked for: documents have at most some thousand lines. */
const MOST_CELLS = 4_000_000;

/** All lines of both, removed ones before those added in their place; by the longest common subsequence. */
export function textDiff(older: string, newer: string): Line[] {
  const [a, b] = [older.split("\n"), newer.split("\n")];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [rows, columns] = [a.length - start - end, b.length - start - end];
  const found: Line[] = [];
  const same = (x: number, y: number) => found.push({ kind: "same", text: a[x] ?? "", before: x + 1, after: y + 1 });
  const removed = (x: number) => found.push({ kind: "removed", text: a[x] ?? "", before: x + 1, after: null });
  const added = (y: number) => found.push({ kind: "added", text: b[y] ?? "", before: null, after: y + 1 });
  for (let at = 0; at < start; at++) same(at, at);
  const common = rows * columns <= MOST_CELLS ? commonLengths(a, b, start, rows, columns) : null;
  let [x, y] = [0, 0];
  while (x < rows || y < columns) {
    const length = (row: number, column: number) => common?.[row * (columns + 1) + column] ?? 0;
    if (x < rows && y < columns && common && a[start + x] === b[start + y]) {
      same(start + x, start + y);
      x += 1;
      y += 1;
    } else if (x < rows && (y >= columns || length(x + 1, y) >= length(x, y + 1))) {
      removed(start + x);
      x += 1;
    } else {
      added(start + y);
      y += 1;
    }
  }
  for (let at = 0; at < end; at++) same(start + rows + at, start + columns + at);
  return found;
}

/** For each pair of places, how many lines both texts have in common from there on. */
function commonLengths(a: string[], b: string[], start: number, rows: number, columns: number): Uint32Array {
  const lengths = new Uint32Array((rows + 1) * (columns + 1));
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const here = row * (columns + 1) + column;
      lengths[here] =
        a[start + row] === b[start + column]
          ? (lengths[here + columns + 2] ?? 0) + 1
          : Math.max(lengths[here + columns + 1] ?? 0, lengths[here + 1] ?? 0);
    }
  }
  return lengths;
}

/** The changes with `around` equal lines on both sides; longer equal stretches become one entry. */
export function changesOf(lines: readonly Line[], around = 3): (Line | Skipped)[] {
  const near = new Set<number>();
  lines.forEach(({ kind }, at) => {
    if (kind !== "same") for (let one = at - around; one <= at + around; one++) near.add(one);
  });
  const found: (Line | Skipped)[] = [];
  lines.forEach((line, at) => {
    if (near.has(at)) {
      found.push(line);
      return;
    }
    const last = found.at(-1);
    if (last?.kind === "skipped") last.lines += 1;
    else found.push({ kind: "skipped", lines: 1 });
  });
  return found;
}
