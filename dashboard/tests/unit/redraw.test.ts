// A state that is drawn over another one.
import { expect, it, vi } from "vitest";

vi.stubGlobal("devicePixelRatio", 1);
vi.stubGlobal("Path2D", class {});
const { redraw } = await import("../../src/draw/graph.ts");

/** A context that notes which rectangles are cleared, and how visible each node is drawn. */
function canvas() {
  const [cleared, drawn] = [[] as number[][], [] as number[]];
  const note = {
    canvas: { width: 2_000, height: 500 },
    globalAlpha: 1,
    clearRect: (...sides: number[]) => cleared.push(sides),
    fillRect: () => drawn.push(note.globalAlpha),
    setTransform: () => undefined,
  };
  return { context: note as unknown as CanvasRenderingContext2D, cleared, drawn };
}

it("takes the place of it, also where the node is faint", () => {
  const { context, cleared, drawn } = canvas();
  const layout = { x: [0, 1, 2], y: [0, 0, 0], width: 3, height: 1, routes: [] };
  const colours = { tones: { ok: "green", bad: "red", busy: "blue" } };
  const graph = {
    names: ["a", "b", "c"],
    states: ["succeeded", "failed", "running"],
    layout,
    streams: [],
    ends: [],
    selected: null,
    lit: new Set([0]),
  };
  redraw(context, graph as never, { x: 0, y: 0, scale: 0.3 }, colours as never, ["running", "running", "running"]);
  expect(drawn).toEqual([1, 0.3]);
  expect(cleared).toHaveLength(1);
  const [left = 0, , width = 0] = cleared[0] ?? [];
  expect([left > 168 && left < 224, left + width > 224 + 168]).toEqual([true, true]);
});
