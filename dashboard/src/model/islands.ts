// The layout of a graph that reaches over several runs: each run is an island, laid out by itself; islands stand beside
// or below each other, causes left of their effects.
import { type Edge, type Layout, layered } from "./layout.ts";

export interface Box {
  /** In the units of the layout: of the nodes in it, without a margin. */
  x: number;
  y: number;
  width: number;
  height: number;
  island: number;
}

/** Room between islands and above them, in rows: names stand there. */
const ROOM = 1;
const ABOVE = 0.7;
/** With more islands they all stand below each other. */
const MOST_BESIDE = 60;

/** `islands` has a number for each node, counted from 0 without holes. */
export function inIslands(count: number, edges: readonly Edge[], islands: readonly number[]): Layout {
  const groups: number[][] = [];
  const within = new Int32Array(count); // each node's place in its island
  for (let node = 0; node < count; node++) {
    const island = islands[node] as number;
    groups[island] ??= [];
    within[node] = (groups[island] as number[]).push(node) - 1;
  }
  if (groups.length < 2) return layered(count, edges);
  const own: Edge[][] = groups.map(() => []);
  const across: Edge[] = [];
  for (const edge of edges) {
    const island = islands[edge.from] as number;
    if (island !== islands[edge.to]) across.push(edge);
    else (own[island] as Edge[]).push({ from: within[edge.from] as number, to: within[edge.to] as number });
  }
  const laidOut = groups.map((nodes, island) => layered(nodes.length, own[island] as Edge[]));
  const left = columns(laidOut, across, islands, within);
  const boxes = laidOut.map((layout, island) => ({
    x: left[island] as number,
    y: 0,
    width: layout.width,
    height: layout.height,
    island,
  }));
  placeBelow(boxes);

  const x = new Float32Array(count);
  const y = new Float32Array(count);
  for (let node = 0; node < count; node++) {
    const island = islands[node] as number;
    const [layout, box] = [laidOut[island] as Layout, boxes[island] as Box];
    x[node] = box.x + (layout.x[within[node] as number] as number);
    y[node] = box.y + (layout.y[within[node] as number] as number);
  }
  const used = groups.map(() => 0);
  const routes = edges.map(({ from, to }) => {
    const island = islands[from] as number;
    if (island !== islands[to])
      return Float32Array.of(x[from] as number, y[from] as number, x[to] as number, y[to] as number);
    const route = (laidOut[island] as Layout).routes[used[island] as number] as Float32Array;
    used[island] = (used[island] as number) + 1;
    const box = boxes[island] as Box;
    return route.map((value, at) => value + (at % 2 ? box.y : box.x));
  });
  return {
    x,
    y,
    routes,
    boxes,
    width: Math.max(...boxes.map((box) => box.x + box.width)),
    height: Math.max(...boxes.map((box) => box.y + box.height)) + 0.4,
  };
}

/** The first column of each island: its nodes stand right of their causes in others, where that is possible. */
function columns(
  laidOut: readonly Layout[],
  across: readonly Edge[],
  islands: readonly number[],
  within: Int32Array,
): number[] {
  const left = laidOut.map(() => 0);
  const column = (node: number) => (laidOut[islands[node] as number] as Layout).x[within[node] as number] as number;
  // Runs that feed each other in a circle have no such order: they end with the last round.
  for (let round = 0; round < Math.min(laidOut.length, MOST_BESIDE); round++) {
    let isMoved = false;
    for (const { from, to } of across) {
      const [source, target] = [islands[from] as number, islands[to] as number];
      const least = (left[source] as number) + column(from) + 1 - column(to);
      if ((left[target] as number) >= least) continue;
      left[target] = least;
      isMoved = true;
    }
    if (!isMoved) break;
  }
  return left;
}

function placeBelow(boxes: Box[]): void {
  const placed: Box[] = [];
  for (const box of [...boxes].sort((a, b) => a.x - b.x || a.island - b.island)) {
    const free = (y: number) =>
      placed.every(
        (other) =>
          other.x >= box.x + box.width ||
          box.x >= other.x + other.width ||
          y >= other.y + other.height + ROOM ||
          other.y >= y + box.height + ROOM,
      );
    const below = placed.map((other) => other.y + other.height + ROOM).sort((a, b) => a - b);
    box.y =
      boxes.length > MOST_BESIDE ? (below.at(-1) ?? ABOVE) : ([ABOVE, ...below].find(free) ?? (below.at(-1) as number));
    placed.push(box);
  }
}
