// Which rows of a long list are in view. Browsers cannot lay out ten million rows, nor an element that is higher than
// some 16 million pixels; so the scrolled height is bounded, and positions in it stand for rows in proportion.

export const ROW = 20;
const HIGHEST = 8_000_000;
const AROUND = 12;

export interface Window {
  /** Of the first row that is made, and how many there are. */
  first: number;
  count: number;
  /** Where the first row is, in pixels from the top of the scrolled area. */
  top: number;
  /** Of the scrolled area, in pixels. */
  height: number;
}

export function visibleWindow(rows: number, scrollTop: number, viewport: number): Window {
  const height = Math.min(rows * ROW, HIGHEST);
  const fits = Math.ceil(viewport / ROW);
  const at = firstVisible(rows, scrollTop, viewport);
  const first = Math.max(0, Math.floor(at) - AROUND);
  const count = Math.min(rows - first, fits + 2 * AROUND);
  return { first, count: Math.max(0, count), top: scrollTop - (at - first) * ROW, height };
}

/** The row at the top of the view, with its fraction. */
export function firstVisible(rows: number, scrollTop: number, viewport: number): number {
  const height = Math.min(rows * ROW, HIGHEST);
  const travel = height - viewport;
  const most = Math.max(0, rows - viewport / ROW);
  return travel <= 0 ? 0 : Math.min(most, Math.max(0, (scrollTop / travel) * most));
}

/** How many rows' heights one pixel of the scrolled area stands for, in pixels: more than 1 for very many rows. */
export function ratio(rows: number, viewport: number): number {
  const travel = Math.min(rows * ROW, HIGHEST) - viewport;
  return travel <= 0 ? 1 : Math.max(1, (rows * ROW - viewport) / travel);
}

/** Where to scroll to, so that the same row stays at the top while rows are added at the end. */
export function keptPlace(before: number, now: number, scrollTop: number, viewport: number): number {
  const travel = Math.min(now * ROW, HIGHEST) - viewport;
  const most = Math.max(0, now - viewport / ROW);
  return travel <= 0 || most === 0 ? 0 : (firstVisible(before, scrollTop, viewport) / most) * travel;
}

/** Where to scroll to, so that a row is in the middle of the view. */
export function scrollTo(row: number, rows: number, viewport: number): number {
  const height = Math.min(rows * ROW, HIGHEST);
  const travel = height - viewport;
  const most = Math.max(0, rows - viewport / ROW);
  if (travel <= 0 || most === 0) return 0;
  const first = Math.min(most, Math.max(0, row - viewport / ROW / 2));
  return (first / most) * travel;
}
