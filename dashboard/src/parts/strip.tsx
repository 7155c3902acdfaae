// The graph of a run while its large one is out of view: small, at the bottom of the screen, with the chosen treatment.
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Palette, palette } from "../draw/graph.ts";
import { type Strip as Drawing, drawStrip, nodeNear } from "../draw/strip.ts";
import type { Layout } from "../model/layout.ts";
import { following } from "../model/path.ts";
import type { GraphEdge, GraphNode } from "./graph.tsx";
import { State, StateMark } from "./state.tsx";
import { colouring } from "./theme.ts";
import "../style/strip.css";

interface Props {
  layout: Layout;
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
  /** The names of the critical path, in order. */
  path: readonly string[];
  /** Every treatment with its state, in the order of the table. */
  treatments: readonly { name: string; state: string }[];
  /** How many treatments are in which state. */
  states: readonly (readonly [string, number])[];
  selected: string | null;
  choose: (name: string) => void;
  /** The large graph. */
  large: RefObject<HTMLDivElement | null>;
}

/** What is on the canvas. */
interface Drawn extends Drawing {
  size: object;
  colouring: string;
}

export function Strip({ layout, nodes, edges, path, treatments, states, selected, choose, large }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useRef<Palette | null>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [isLargeSeen, setLargeSeen] = useState(true);

  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setLargeSeen((entry?.intersectionRatio ?? 0) >= 0.3), {
      threshold: [0, 0.3],
    });
    if (large.current) observer.observe(large.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const box = canvas.current;
    if (!box) return;
    const observer = new ResizeObserver(() => setSize({ width: box.clientWidth, height: box.clientHeight }));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  const names = useMemo(() => nodes.map((node) => node.name), [layout]);
  const index = useMemo(() => new Map(names.map((name, at) => [name, at])), [names]);
  const ends = useMemo(
    () =>
      edges.flatMap(({ source, target }) => {
        const [from, to] = [index.get(source), index.get(target)];
        return from === undefined || to === undefined ? [] : [{ from, to }];
      }),
    [index],
  );
  const critical = useMemo(() => following(path, names), [names, path.join("\n")]);
  const painted = useRef<Drawn | null>(null);
  // While the large graph is in view, nothing is drawn here.
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (isLargeSeen || !size.width || !element || !context || layout.x.length !== nodes.length) return;
    const frame = requestAnimationFrame(() => {
      const before =
        painted.current?.size === size && painted.current.colouring === colouring.value ? painted.current : null;
      if (!before) {
        const ratio = devicePixelRatio || 1;
        element.width = Math.round(size.width * ratio);
        element.height = Math.round(size.height * ratio);
        colours.current = palette(element.parentElement as Element);
      }
      const strip = {
        layout,
        states: nodes.map((node) => node.state),
        ends,
        selected: selected === null ? null : (index.get(selected) ?? null),
        path: critical,
      };
      drawStrip(context, strip, colours.current as Palette, before);
      painted.current = { ...strip, size, colouring: colouring.value };
    });
    return () => cancelAnimationFrame(frame);
  }, [layout, nodes, ends, selected, critical, size, colouring.value, isLargeSeen]);

  const at = (event: MouseEvent): string | null => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box || layout.x.length !== nodes.length) return null;
    const found = nodeNear(layout, box.width, box.height, event.clientX - box.left, event.clientY - box.top);
    return found === null ? null : (nodes[found]?.name ?? null);
  };
  const position = useMemo(() => treatments.findIndex((one) => one.name === selected), [treatments, selected]);
  const chosen = treatments[position];
  const step = (by: 1 | -1) => {
    const next = position < 0 ? (by === 1 ? 0 : treatments.length - 1) : position + by;
    const one = treatments[next];
    if (one) choose(one.name);
  };
  const words = states.map(([state, count]) => `${count.toLocaleString("en")} ${state.replaceAll("_", " ")}`);
  return (
    <div class="strip" role="group" aria-label="Graph of the run, small" data-unneeded={isLargeSeen || undefined}>
      <button
        type="button"
        class="quiet"
        data-key="v"
        aria-label="To the graph"
        onClick={() => large.current?.scrollIntoView({ block: "center" })}
      >
        ↑<span class="strip-word"> Graph</span>
      </button>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Graph: ${words.join(", ")}`}
        onClick={(event) => {
          const name = at(event);
          if (name !== null) choose(name);
        }}
        onPointerMove={(event) => {
          if (canvas.current) canvas.current.title = at(event) ?? "";
        }}
      />
      <span class="strip-state">
        {chosen ? (
          <>
            <span class="clip">{chosen.name}</span> <State state={chosen.state} />
          </>
        ) : (
          states.map(([state, count], place) => (
            <span key={state} class="count" title={words[place]}>
              <StateMark state={state} /> {count.toLocaleString("en")}
            </span>
          ))
        )}
      </span>
      <span class="strip-steps">
        <button type="button" data-key="p" aria-label="The treatment before" onClick={() => step(-1)}>
          ‹
        </button>
        <button type="button" data-key="n" aria-label="The next treatment" onClick={() => step(1)}>
          ›
        </button>
      </span>
    </div>
  );
}
