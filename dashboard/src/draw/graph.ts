// Draws a run's graph on a canvas: nodes with their states, edges as blocks or streams.

import type { Parts } from "../model/groups.ts";
import type { Box } from "../model/islands.ts";
import type { Layout } from "../model/layout.ts";
import { markOf } from "../model/marks.ts";
import { type Tone, tone } from "../model/states.ts";

export const NODE = { width: 168, height: 34, gapX: 56, gapY: 14 };
const STEP = { x: NODE.width + NODE.gapX, y: NODE.height + NODE.gapY };

export interface View {
  /** Of the graph's origin on the canvas, in CSS pixels. */
  x: number;
  y: number;
  scale: number;
}

export interface Drawn {
  names: readonly string[];
  /** Names of the islands. */
  islands?: readonly string[];
  states: readonly string[];
  layout: Layout;
  /** For each edge: whether a stream flows over it. */
  streams: readonly boolean[];
  /** What is written on each edge. */
  labels?: readonly (string | undefined)[] | null;
  /** Ends of each edge. */
  ends: readonly { from: number; to: number }[];
  selected: number | null;
  /** The nodes of the critical path, each with the one after it. */
  path?: ReadonlyMap<number, number | undefined>;
  /** Of each node that is a group: its instances by tone. */
  parts?: readonly (Parts | undefined)[] | null;
  /** Lit nodes; everything else is faint. Null: all. */
  lit: ReadonlySet<number> | null;
}

export interface Palette {
  text: string;
  faint: string;
  surface: string;
  line: string;
  focus: string;
  tones: Record<Tone, string>;
  washes: Record<Tone, string>;
  font: string;
}

export function palette(element: Element): Palette {
  const style = getComputedStyle(element);
  // Colours are resolved by the browser: a canvas does not understand `light-dark()`.
  const probe = document.createElement("i");
  element.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const all = (prefix: string) =>
    Object.fromEntries(
      (["ok", "bad", "busy", "wait", "off"] as const).map((one) => [one, colour(prefix + one)]),
    ) as Record<Tone, string>;
  const found: Palette = {
    text: colour("text"),
    faint: colour("text-soft"),
    surface: colour("surface"),
    line: colour("edge"),
    focus: colour("accent"),
    tones: all(""),
    washes: all("wash-"),
    font: style.fontFamily,
  };
  probe.remove();
  return found;
}

/** The size of the whole graph, in CSS pixels at scale 1. */
export function extent(layout: Layout): { width: number; height: number } {
  return { width: layout.width * STEP.x - NODE.gapX, height: layout.height * STEP.y - NODE.gapY };
}

export function fitted(layout: Layout, width: number, height: number, margin = 16): View {
  const size = extent(layout);
  const scale = Math.min(1, (width - 2 * margin) / size.width, (height - 2 * margin) / size.height);
  return { scale, x: (width - size.width * scale) / 2, y: (height - size.height * scale) / 2 };
}

/** The whole graph where it is legible, else a part of it with this node in the middle. */
export function around(layout: Layout, node: number, width: number, height: number): View {
  const whole = fitted(layout, width, height);
  if (whole.scale >= 0.6) return whole;
  const scale = 0.8;
  const x = (layout.x[node] as number) * STEP.x + NODE.width / 2;
  const y = (layout.y[node] as number) * STEP.y + NODE.height / 2;
  return { scale, x: width / 2 - x * scale, y: height / 2 - y * scale };
}

export function nodeAt(drawn: Drawn, view: View, x: number, y: number): number | null {
  const gx = (x - view.x) / view.scale;
  const gy = (y - view.y) / view.scale;
  const { layout } = drawn;
  for (let node = 0; node < drawn.names.length; node++) {
    const left = (layout.x[node] as number) * STEP.x;
    const top = (layout.y[node] as number) * STEP.y;
    if (gx >= left && gx <= left + NODE.width && gy >= top && gy <= top + NODE.height) return node;
  }
  return null;
}

/** How far a node's edge reaches beyond it. */
const EDGE = 1.25;
/** From here down nodes are marks of one colour. */
const SMALL = 0.35;

/** The part of the graph that is in view, in its own units; coordinates of the canvas are those from now on. */
function placed(context: CanvasRenderingContext2D, view: View): Seen {
  const ratio = devicePixelRatio || 1;
  const { width, height } = context.canvas;
  context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y);
  return {
    left: -view.x / view.scale - STEP.x,
    top: -view.y / view.scale - STEP.y,
    right: (width / ratio - view.x) / view.scale,
    bottom: (height / ratio - view.y) / view.scale,
  };
}

/** Draws again those nodes whose state is another one than in `before`, where all else is as it was. */
export function redraw(
  context: CanvasRenderingContext2D,
  drawn: Drawn,
  view: View,
  colours: Palette,
  before: readonly string[],
): void {
  drawNodes(context, drawn, view, colours, placed(context, view), before);
}

export function draw(context: CanvasRenderingContext2D, drawn: Drawn, view: View, colours: Palette): void {
  const { width, height } = context.canvas;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const seen = placed(context, view);
  for (const box of drawn.layout.boxes ?? [])
    drawIsland(context, box, drawn.islands?.[box.island] ?? "", colours, view.scale);
  drawEdges(context, drawn, colours, seen);
  drawNodes(context, drawn, view, colours, seen, []);
  if (view.scale < SMALL) return;
  for (const [edge, label] of drawn.labels?.entries() ?? []) if (label) drawLabel(context, drawn, edge, label, colours);
}

function drawNodes(
  context: CanvasRenderingContext2D,
  drawn: Drawn,
  view: View,
  colours: Palette,
  seen: Seen,
  before: readonly string[],
): void {
  for (let node = 0; node < drawn.names.length; node++) {
    if (drawn.states[node] === before[node]) continue;
    const left = (drawn.layout.x[node] as number) * STEP.x;
    const top = (drawn.layout.y[node] as number) * STEP.y;
    if (left < seen.left || left > seen.right || top < seen.top || top > seen.bottom) continue;
    // A faint node lets what was drawn before shine through.
    if (before.length && drawn.lit && !drawn.lit.has(node))
      context.clearRect(left - EDGE, top - EDGE, NODE.width + 2 * EDGE, NODE.height + 2 * EDGE);
    drawNode(context, drawn, node, left, top, colours, view.scale < SMALL);
  }
}

/** In the middle of the edge's way, where nothing else stands. */
function drawLabel(context: CanvasRenderingContext2D, drawn: Drawn, edge: number, label: string, colours: Palette) {
  const route = drawn.layout.routes[edge] as ArrayLike<number>;
  const at = 2 * Math.floor((route.length / 2 - 1) / 2);
  const x = (((route[at] as number) + (route[at + 2] as number)) * STEP.x + NODE.width) / 2;
  const y = (((route[at + 1] as number) + (route[at + 3] as number)) / 2) * STEP.y + NODE.height / 2;
  context.font = `11px ${colours.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 5;
  context.lineJoin = "round";
  context.strokeStyle = colours.surface;
  context.strokeText(label, x, y);
  context.fillStyle = colours.text;
  context.fillText(label, x, y);
  context.textAlign = "start";
}

function drawIsland(context: CanvasRenderingContext2D, box: Box, name: string, colours: Palette, scale: number): void {
  const left = box.x * STEP.x - 10;
  const top = box.y * STEP.y - 26;
  const width = box.width * STEP.x - NODE.gapX + 20;
  const height = box.height * STEP.y - NODE.gapY + 36;
  context.beginPath();
  context.roundRect(left, top, width, height, 10);
  context.fillStyle = colours.surface;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = colours.line;
  context.stroke();
  if (scale < SMALL) return;
  context.fillStyle = colours.faint;
  context.font = `12px ${colours.font}`;
  context.textBaseline = "middle";
  context.fillText(shortened(context, name, width - 20), left + 10, top + 13);
}

interface Seen {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const TOGETHER = 50;

function drawEdges(context: CanvasRenderingContext2D, drawn: Drawn, colours: Palette, seen: Seen): void {
  let style = "";
  let count = 0;
  drawn.layout.routes.forEach((route, edge) => {
    let inside = false;
    for (let at = 0; at < route.length; at += 2) {
      const y = (route[at + 1] as number) * STEP.y;
      if (y > seen.top - STEP.y * 4 && y < seen.bottom + STEP.y * 4) inside = true;
    }
    if (!inside) return;
    const ends = drawn.ends[edge] as { from: number; to: number };
    const chosen = drawn.selected !== null && (ends.from === drawn.selected || ends.to === drawn.selected);
    const isLit = drawn.lit === null || (drawn.lit.has(ends.from) && drawn.lit.has(ends.to));
    const isStream = drawn.streams[edge] === true;
    // Edges that look alike are drawn together: as many as keep the path simple.
    const isCritical = drawn.path?.get(ends.from) === ends.to;
    const wanted = `${chosen} ${isLit} ${isStream} ${isCritical}`;
    if (wanted !== style || count === TOGETHER) {
      if (count) context.stroke();
      style = wanted;
      count = 0;
      context.strokeStyle = chosen ? colours.focus : isCritical ? colours.text : colours.line;
      context.lineWidth = isCritical ? 3 : 1.5;
      context.globalAlpha = isLit ? 1 : 0.25;
      context.setLineDash(isStream ? [6, 4] : []);
      context.beginPath();
    }
    count += 1;
    let x = (route[0] as number) * STEP.x + NODE.width;
    let y = (route[1] as number) * STEP.y + NODE.height / 2;
    context.moveTo(x, y);
    for (let at = 2; at < route.length; at += 2) {
      const nextX = (route[at] as number) * STEP.x;
      const nextY = (route[at + 1] as number) * STEP.y + NODE.height / 2;
      const bend = (nextX - x) / 2;
      context.bezierCurveTo(x + bend, y, nextX - bend, nextY, nextX, nextY);
      if (at + 2 < route.length) {
        context.lineTo(nextX + NODE.width, nextY);
        x = nextX + NODE.width;
      }
      y = nextY;
    }
  });
  if (count) context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawNode(
  context: CanvasRenderingContext2D,
  drawn: Drawn,
  node: number,
  left: number,
  top: number,
  colours: Palette,
  small: boolean,
): void {
  const state = drawn.states[node] as string;
  const kind = tone(state);
  const chosen = drawn.selected === node;
  context.globalAlpha = drawn.lit === null || drawn.lit.has(node) ? 1 : 0.3;
  if (small) {
    // Its corners are not to be seen; thousands of paths would take long.
    context.fillStyle = colours.tones[kind];
    context.fillRect(left, top, NODE.width, NODE.height);
  } else {
    context.beginPath();
    context.roundRect(left, top, NODE.width, NODE.height, 8);
    context.fillStyle = colours.washes[kind];
    context.fill();
    context.lineWidth = chosen || drawn.path?.has(node) ? 2.5 : 1.25;
    context.strokeStyle = chosen ? colours.focus : colours.tones[kind];
    context.stroke();
    mark(context, state, left + 17, top + NODE.height / 2, colours);
    context.fillStyle = colours.text;
    context.font = `500 13px ${colours.font}`;
    context.textBaseline = "middle";
    context.fillText(
      shortened(context, drawn.names[node] as string, NODE.width - 42),
      left + 31,
      top + NODE.height / 2 + 0.5,
    );
    drawParts(context, drawn.parts?.[node] ?? [], left, top, colours);
  }
  context.globalAlpha = 1;
}

/** A bar at the bottom of a group's node: how many of its instances are in which state. */
function drawParts(context: CanvasRenderingContext2D, parts: Parts, left: number, top: number, colours: Palette): void {
  const count = parts.reduce((sum, [, one]) => sum + one, 0);
  const width = NODE.width - 16;
  let x = left + 8;
  for (const [kind, one] of parts) {
    context.fillStyle = colours.tones[kind];
    context.fillRect(x, top + NODE.height - 6, (width * one) / count, 3);
    x += (width * one) / count;
  }
}

const paths = new Map<string, Path2D>();

function mark(context: CanvasRenderingContext2D, state: string, x: number, y: number, colours: Palette): void {
  let path = paths.get(state);
  if (!path) {
    path = new Path2D(markOf(state));
    paths.set(state, path);
  }
  context.save();
  context.translate(x - 8, y - 8);
  context.strokeStyle = colours.tones[tone(state)];
  context.lineWidth = 1.6;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  context.arc(8, 8, 6.6, 0, Math.PI * 2);
  context.stroke();
  context.stroke(path);
  context.restore();
}

const widths = new Map<string, string>();

function shortened(context: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${width} ${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  let short = text;
  if (context.measureText(text).width > width) {
    let length = text.length;
    while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
    short = `${text.slice(0, length)}…`;
  }
  if (widths.size > 20_000) widths.clear();
  widths.set(key, short);
  return short;
}
