// A layered layout: longest path, barycentre, dummy nodes for long edges. Left to right.
import type { Box } from "./islands.ts";

export interface Edge {
  from: number;
  to: number;
}

export interface Layout {
  /** Centre of each node, in units of a node's width and height with its gap. */
  x: Float32Array;
  y: Float32Array;
  /** Corners of each edge: x, y, x, y …; a long edge has one in each layer that it crosses. */
  routes: Float32Array[];
  width: number;
  height: number;
  /** Of the islands, where the graph has several. */
  boxes?: Box[];
}

const SWEEPS = 6;

export function layered(count: number, edges: readonly Edge[]): Layout {
  const layer = longestPaths(count, edges);
  const depth = count ? Math.max(...chunkedMax(layer)) + 1 : 0;
  const layers: number[][] = Array.from({ length: depth }, () => []);
  for (let node = 0; node < count; node++) (layers[layer[node] as number] as number[]).push(node);

  // A long edge becomes a chain of dummy nodes, one in each layer between.
  const before: number[][] = Array.from({ length: count }, () => []);
  const after: number[][] = Array.from({ length: count }, () => []);
  const chains: number[][] = [];
  for (const { from, to } of edges) {
    const chain = [from];
    for (let at = (layer[from] as number) + 1; at < (layer[to] as number); at++) {
      const dummy = before.length;
      before.push([]);
      after.push([]);
      (layers[at] as number[]).push(dummy);
      chain.push(dummy);
    }
    chain.push(to);
    for (let at = 1; at < chain.length; at++) {
      const [one, other] = [chain[at - 1] as number, chain[at] as number];
      (after[one] as number[]).push(other);
      (before[other] as number[]).push(one);
    }
    chains.push(chain);
  }

  const place = new Float64Array(before.length);
  for (const nodes of layers)
    nodes.forEach((node, index) => {
      place[node] = index;
    });
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    const neighbours = forward ? before : after;
    for (let at = 0; at < depth; at++) order(layers[forward ? at : depth - 1 - at] as number[], neighbours, place);
  }
  const y = positions(layers, before, after, place);
  const x = new Float64Array(before.length);
  layers.forEach((nodes, at) => {
    for (const node of nodes) x[node] = at;
  });
  let height = 1;
  for (const value of y) height = Math.max(height, value + 1);
  return {
    x: Float32Array.from(x.subarray(0, count)),
    y: Float32Array.from(y.subarray(0, count)),
    routes: chains.map((chain) => Float32Array.from(chain.flatMap((node) => [x[node] as number, y[node] as number]))),
    width: Math.max(1, depth),
    height,
  };
}

function chunkedMax(values: Int32Array): number[] {
  let most = 0;
  for (const value of values) most = Math.max(most, value);
  return [most];
}

/** The layer of each node: one more than the highest of those before it. Edges that close a circle are ignored. */
export function longestPaths(count: number, edges: readonly Edge[]): Int32Array {
  const layer = new Int32Array(count);
  const waiting = new Int32Array(count);
  const after: number[][] = Array.from({ length: count }, () => []);
  for (const { from, to } of edges) {
    (after[from] as number[]).push(to);
    waiting[to] = (waiting[to] as number) + 1;
  }
  const ready: number[] = [];
  for (let node = 0; node < count; node++) if (waiting[node] === 0) ready.push(node);
  for (let at = 0; at < ready.length; at++) {
    const node = ready[at] as number;
    for (const next of after[node] as number[]) {
      layer[next] = Math.max(layer[next] as number, (layer[node] as number) + 1);
      waiting[next] = (waiting[next] as number) - 1;
      if (waiting[next] === 0) ready.push(next);
    }
  }
  return layer;
}

function order(nodes: number[], neighbours: readonly number[][], place: Float64Array): void {
  const centre = new Map<number, number>();
  for (const node of nodes) {
    const beside = neighbours[node] as number[];
    let sum = 0;
    for (const other of beside) sum += place[other] as number;
    centre.set(node, beside.length ? sum / beside.length : (place[node] as number));
  }
  nodes.sort(
    (a, b) => (centre.get(a) as number) - (centre.get(b) as number) || (place[a] as number) - (place[b] as number),
  );
  nodes.forEach((node, index) => {
    place[node] = index;
  });
}

/** Rows: each node as near to the mean of its neighbours as its order in the layer allows. */
function positions(
  layers: readonly number[][],
  before: readonly number[][],
  after: readonly number[][],
  place: Float64Array,
): Float64Array {
  const y = Float64Array.from(place);
  for (let sweep = 0; sweep < 4; sweep++) {
    const forward = sweep % 2 === 0;
    for (let step = 0; step < layers.length; step++) {
      const nodes = layers[forward ? step : layers.length - 1 - step] as number[];
      const neighbours = forward ? before : after;
      const wanted = nodes.map((node) => {
        const beside = neighbours[node] as number[];
        if (!beside.length) return y[node] as number;
        let sum = 0;
        for (const other of beside) sum += y[other] as number;
        return sum / beside.length;
      });
      settle(wanted).forEach((value, index) => {
        y[nodes[index] as number] = value;
      });
    }
  }
  let least = Number.POSITIVE_INFINITY;
  for (const value of y) least = Math.min(least, value);
  return least === Number.POSITIVE_INFINITY ? y : y.map((value) => value - least);
}

/** The values nearest to the wanted ones (least squares) that keep their order with a distance of one. */
export function settle(wanted: readonly number[]): number[] {
  // Pooled neighbours: blocks whose members would overlap move together, by the mean of what they want.
  const blocks: { sum: number; count: number }[] = [];
  wanted.forEach((want, index) => {
    let block = { sum: want - index, count: 1 };
    while (blocks.length) {
      const last = blocks[blocks.length - 1] as { sum: number; count: number };
      if (last.sum / last.count <= block.sum / block.count) break;
      blocks.pop();
      block = { sum: last.sum + block.sum, count: last.count + block.count };
    }
    blocks.push(block);
  });
  const placed: number[] = [];
  for (const { sum, count } of blocks) {
    for (let at = 0; at < count; at++) placed.push(sum / count + placed.length);
  }
  return placed;
}
