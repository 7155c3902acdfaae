// The run's graph, always in view: a canvas that can be moved and scaled; the table beside it says the same in words.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  around,
  type Drawn,
  draw,
  extent,
  fitted,
  nodeAt,
  type Palette,
  palette,
  redraw,
  type View,
} from "../draw/graph.ts";
import { drawPicture, type Picture, pictureOf } from "../draw/picture.ts";
import type { Parts } from "../model/groups.ts";
import type { Layout } from "../model/layout.ts";
import { following } from "../model/path.ts";
import { layOut } from "../workers/client.ts";
import { colouring } from "./theme.ts";

export interface GraphNode {
  name: string;
  state: string;
  /** What is written on it, where that is not its name. */
  label?: string;
  /** The name of the island that it stands on. */
  island?: string;
  /** Of a group: its instances by tone. */
  parts?: Parts | undefined;
}

export interface GraphEdge {
  source: string;
  target: string;
  flow: string;
}

/** The name of an edge, by which its label is found. */
export const edgeKey = ({ source, target }: { source: string; target: string }) => `${source}\n${target}`;

/** From so many treatments on, drawing takes longer than a frame. */
const LARGE = 500;
const REST = 150;

interface Props {
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
  /** What is written on edges, by `edgeKey`. */
  labels?: ReadonlyMap<string, string> | null;
  selected: string | null;
  choose: (name: string) => void;
  /** The names of the critical path, in order. */
  path?: readonly string[];
  /** Takes the layout whenever there is a new one. */
  laid?: (layout: Layout) => void;
  /** Whether the chosen node is in the middle where the whole graph does not fit. */
  centred?: boolean;
  /** What the graph shows, for those who do not see it. */
  title?: string;
}

export function Graph(props: Props) {
  const { nodes, edges, labels = null, selected, choose, path = [], laid, centred = false, title } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [layout, setLayout] = useState<Layout | null>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const view = useRef<View>({ x: 0, y: 0, scale: 1 });
  const moved = useRef(false);
  const colours = useRef<Palette | null>(null);
  // By its name: the shape may change below the pointer.
  const [hovered, setHovered] = useState<string | null>(null);

  // The shape is laid out again only when it changes, not with every state.
  const kept = useRef<Shape>({ names: [], edges: [] });
  if (!isSame(kept.current, nodes, edges)) kept.current = { names: nodes.map((node) => node.name), edges };
  const shape = kept.current;
  const { names } = shape;
  const ends = useMemo(() => {
    const index = new Map(names.map((name, at) => [name, at]));
    return edges.flatMap((edge) => {
      const [from, to] = [index.get(edge.source), index.get(edge.target)];
      return from === undefined || to === undefined ? [] : [{ from, to, stream: edge.flow === "stream" }];
    });
  }, [shape]);

  const islands = useMemo(() => [...new Set(nodes.map((node) => node.island ?? ""))], [shape]);

  useEffect(() => {
    let current = true;
    void layOut(
      names.length,
      ends.map(({ from, to }) => ({ from, to })),
      islands.length > 1 ? nodes.map((node) => islands.indexOf(node.island ?? "")) : null,
    ).then((made) => {
      if (!current) return;
      setLayout(made);
      laid?.(made);
    });
    return () => {
      current = false;
    };
  }, [shape]);

  const critical = useMemo(() => following(path, names), [shape, path.join("\n")]);

  const drawn = useRef<Drawn | null>(null);
  const chosen = selected === null ? null : names.indexOf(selected);
  // What the pointer is over, else what is chosen; the way of a trace is lit by itself.
  const over = hovered === null ? -1 : names.indexOf(hovered);
  const focus = over >= 0 ? over : centred || chosen === -1 ? null : chosen;
  const lit = useMemo(() => (focus === null ? null : related(focus, ends)), [focus, ends]);
  drawn.current =
    layout && layout.x.length === names.length && layout.routes.length === ends.length
      ? {
          names: nodes.map((node) => node.label ?? node.name),
          islands,
          states: nodes.map((node) => node.state),
          layout,
          streams: ends.map((edge) => edge.stream),
          ends,
          labels:
            labels &&
            ends.map(({ from, to }) =>
              labels.get(edgeKey({ source: names[from] as string, target: names[to] as string })),
            ),
          selected: chosen !== null && chosen >= 0 ? chosen : null,
          path: critical,
          parts: nodes.some((node) => node.parts) ? nodes.map((node) => node.parts) : null,
          lit,
        }
      : null;

  const frame = useRef(0);
  const picture = useRef<Picture | null>(null);
  /** What is on the canvas. */
  const painted = useRef<Painted | null>(null);
  const paint = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const context = canvas.current?.getContext("2d");
      if (!context || !drawn.current || !canvas.current) return;
      if (picture.current) {
        drawPicture(context, picture.current, view.current);
        painted.current = null;
        return;
      }
      colours.current ??= palette(canvas.current.parentElement as Element);
      const before = painted.current;
      painted.current = { ...drawn.current, ...view.current, colours: colours.current };
      // A new state in a large graph is drawn over the old one: all of it takes longer than a frame.
      if (before && names.length >= LARGE && isSameButStates(before, painted.current))
        redraw(context, drawn.current, view.current, colours.current, before.states);
      else draw(context, drawn.current, view.current, colours.current);
    });
  };

  // While a large graph is moved, a picture of it is; it is drawn again once it rests.
  const rest = useRef(0);
  const rested = () => {
    clearTimeout(rest.current);
    if (!picture.current) return;
    picture.current = null;
    paint();
  };
  const moving = () => {
    if (names.length < LARGE || !canvas.current) return;
    picture.current ??= pictureOf(canvas.current, view.current);
    clearTimeout(rest.current);
    rest.current = setTimeout(rested, REST) as unknown as number;
  };
  useEffect(() => () => clearTimeout(rest.current), []);

  useEffect(() => {
    const box = canvas.current?.parentElement;
    if (!box) return;
    const observer = new ResizeObserver(() => setSize({ width: box.clientWidth, height: box.clientHeight }));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = canvas.current;
    if (!element || !size.width) return;
    picture.current = null;
    painted.current = null;
    const ratio = devicePixelRatio || 1;
    element.width = Math.round(size.width * ratio);
    element.height = Math.round(size.height * ratio);
    if (layout && !moved.current) {
      view.current =
        centred && chosen !== null && chosen >= 0
          ? around(layout, chosen, size.width, size.height)
          : fitted(layout, size.width, size.height);
    }
    paint();
  }, [size.width, size.height, layout]);

  useEffect(() => {
    colours.current = null;
    paint();
  }, [colouring.value]);

  useEffect(paint);

  const at = (event: MouseEvent): number | null => {
    const element = canvas.current;
    if (!element || !drawn.current) return null;
    const box = element.getBoundingClientRect();
    return nodeAt(drawn.current, view.current, event.clientX - box.left, event.clientY - box.top);
  };

  const scale = (factor: number, x = size.width / 2, y = size.height / 2) => {
    moving();
    const before = view.current;
    const next = Math.min(2, Math.max(0.02, before.scale * factor));
    const ratio = next / before.scale;
    view.current = { scale: next, x: x - (x - before.x) * ratio, y: y - (y - before.y) * ratio };
    moved.current = true;
    paint();
  };

  const whole = () => {
    picture.current = null;
    moved.current = false;
    if (layout) view.current = fitted(layout, size.width, size.height);
    paint();
  };

  const drag = useRef<{ x: number; y: number; far: boolean } | null>(null);
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    drag.current = { x: event.clientX, y: event.clientY, far: false };
    canvas.current?.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    const start = drag.current;
    if (!start) {
      const found = at(event);
      setHovered(found === null ? null : (names[found] as string));
      return;
    }
    const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
    if (!start.far && Math.hypot(dx, dy) < 4) return;
    moving();
    view.current = { ...view.current, x: view.current.x + dx, y: view.current.y + dy };
    drag.current = { x: event.clientX, y: event.clientY, far: true };
    moved.current = true;
    paint();
  };
  const up = (event: PointerEvent) => {
    const start = drag.current;
    drag.current = null;
    rested();
    if (!start || start.far) return;
    const found = at(event);
    if (found !== null) choose(names[found] as string);
  };

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls; with Ctrl the graph is scaled
      event.preventDefault();
      const box = element.getBoundingClientRect();
      scale(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  });

  const tall = layout ? Math.min(440, Math.max(110, extent(layout).height + 40)) : 140;
  return (
    <div class="graph" style={{ height: `${tall}px` }}>
      <canvas
        ref={canvas}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={() => {
          drag.current = null;
          rested();
        }}
        onPointerLeave={() => setHovered(null)}
        style={{ cursor: over < 0 ? "grab" : "pointer" }}
        role="img"
        aria-label={title ?? `Graph of ${names.length} treatments. The table below lists the same.`}
      />
      <div class="graph-tools">
        <button type="button" onClick={() => scale(1.3)} aria-label="Larger">
          +
        </button>
        <button type="button" onClick={() => scale(1 / 1.3)} aria-label="Smaller">
          −
        </button>
        <button type="button" onClick={whole}>
          Fit
        </button>
      </div>
    </div>
  );
}

interface Painted extends Drawn, View {
  colours: Palette;
}

const BESIDE_STATES = [
  "layout",
  "ends",
  "labels",
  "selected",
  "path",
  "parts",
  "lit",
  "x",
  "y",
  "scale",
  "colours",
] as const;

function isSameButStates(one: Painted, other: Painted): boolean {
  return BESIDE_STATES.every((key) => one[key] === other[key]);
}

interface Shape {
  names: readonly string[];
  edges: readonly GraphEdge[];
}

function isSame(shape: Shape, nodes: readonly GraphNode[], edges: readonly GraphEdge[]): boolean {
  if (shape.names.length !== nodes.length || shape.edges.length !== edges.length) return false;
  if (!nodes.every((node, at) => node.name === shape.names[at])) return false;
  return (
    shape.edges === edges ||
    edges.every((edge, at) => edge.source === shape.edges[at]?.source && edge.target === shape.edges[at]?.target)
  );
}

/** A node with all its ancestors and descendants. */
function related(node: number, edges: readonly { from: number; to: number }[]): ReadonlySet<number> {
  const found = new Set([node]);
  for (const forward of [true, false]) {
    const beside = new Map<number, number[]>();
    for (const { from, to } of edges) {
      const [one, other] = forward ? [from, to] : [to, from];
      const known = beside.get(one);
      if (known) known.push(other);
      else beside.set(one, [other]);
    }
    const open = [node];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const other of beside.get(next) ?? []) {
        if (!found.has(other)) {
          found.add(other);
          open.push(other);
        }
      }
    }
  }
  return found;
}
