// Draws a run's whole graph as small as it fits a strip: a mark for each node, in the colour of its state.
import type { Layout } from "../model/layout.ts";
import { tone } from "../model/states.ts";
import type { Palette } from "./graph.ts";

export interface Strip {
  layout: Layout;
  states: readonly string[];
  ends: readonly { from: number; to: number }[];
  selected: number | null;
  /** The nodes of the critical path, each with the one after it. */
  path: ReadonlyMap<number, number | undefined>;
}

const MARGIN = 8;
/** More edges than these are lines upon lines at this size. */
const MOST_EDGES = 400;

/** Between the centres of neighbours, in CSS pixels; the size of a mark; where the first is. */
export function measures(layout: Layout, width: number, height: number) {
  const stepX = Math.min(72, (width - 2 * MARGIN) / layout.width);
  const stepY = Math.min(16, (height - 2 * MARGIN) / layout.height);
  return {
    stepX,
    stepY,
    wide: Math.max(1, stepX * (stepX > 12 ? 0.55 : 0.8)),
    tall: Math.max(0.5, Math.min(10, stepY * 0.7)),
    left: MARGIN,
    top: (height - stepY * layout.height) / 2,
  };
}

/**
 * Draws the strip; over the one `before`, if only states have changed since: then of thousands of nodes few are drawn.
 */
export function drawStrip(
  context: CanvasRenderingContext2D,
  strip: Strip,
  colours: Palette,
  before: Strip | null = null,
): void {
  const ratio = devicePixelRatio || 1;
  const { width, height } = context.canvas;
  const { layout, states, ends, selected, path } = strip;
  const { stepX, stepY, wide, tall, left, top } = measures(layout, width / ratio, height / ratio);
  const x = (node: number) => left + (layout.x[node] as number) * stepX;
  const y = (node: number) => top + (layout.y[node] as number) * stepY + (stepY - tall) / 2;
  // What broke is larger, and so seen without its colour as well.
  const more = Math.max(1, tall * 0.25);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const over = before && isOver(strip, before) ? before.states : null;
  if (!over) {
    context.clearRect(0, 0, width / ratio, height / ratio);
    const line = ({ from, to }: { from: number; to: number }) => {
      context.moveTo(x(from) + wide, y(from) + tall / 2);
      context.lineTo(x(to), y(to) + tall / 2);
    };
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.beginPath();
    if (ends.length <= MOST_EDGES) for (const edge of ends) if (path.get(edge.from) !== edge.to) line(edge);
    context.stroke();
    context.strokeStyle = colours.text;
    context.lineWidth = 2;
    context.beginPath();
    if (path.size) for (const edge of ends) if (path.get(edge.from) === edge.to) line(edge);
    context.stroke();
  }
  states.forEach((state, node) => {
    if (over?.[node] === state) return;
    const kind = tone(state);
    const larger = kind === "bad" ? more : 0;
    context.fillStyle = colours.tones[kind];
    context.fillRect(x(node), y(node) - larger, wide, tall + 2 * larger);
  });
  if (selected === null) return;
  context.strokeStyle = colours.focus;
  context.lineWidth = 2;
  context.strokeRect(x(selected) - 4, y(selected) - 4, wide + 8, tall + 8);
}

/** Whether only states differ, and no mark becomes smaller. */
function isOver(strip: Strip, before: Strip): boolean {
  const isSame = (["layout", "ends", "selected", "path"] as const).every((key) => strip[key] === before[key]);
  return (
    isSame &&
    strip.states.every((state, node) => tone(before.states[node] as string) !== "bad" || tone(state) === "bad")
  );
}

/** The node at a place of the strip, or the nearest one if it is no farther than a finger is wide. */
export function nodeNear(layout: Layout, width: number, height: number, x: number, y: number): number | null {
  const { stepX, stepY, wide, left, top } = measures(layout, width, height);
  let found: number | null = null;
  let least = 12;
  for (let node = 0; node < layout.x.length; node++) {
    const near = left + (layout.x[node] as number) * stepX;
    const beside = Math.max(0, near - x, x - near - wide);
    const away = Math.hypot(beside, top + ((layout.y[node] as number) + 0.5) * stepY - y);
    if (away < least) [found, least] = [node, away];
  }
  return found;
}
