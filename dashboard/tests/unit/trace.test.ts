import { describe, expect, it } from "vitest";
import {
  arrow,
  excerpt,
  joined,
  linesOf,
  picture,
  place,
  reach,
  steps,
  type Trace,
  type TracedLink,
  type TracedNode,
} from "../../src/model/trace.ts";

function node(id: string, more: object = {}) {
  const [kind, rest = ""] = id.split(/:(.*)/);
  const [run, name = ""] = rest.split(/\/(.*)/);
  const isValue = kind === "value";
  const treatment = isValue ? name.slice(0, name.lastIndexOf(".")) : kind === "treatment" ? name : null;
  const port = isValue ? name.slice(name.lastIndexOf(".") + 1) : null;
  return { id, kind, run_id: run || null, treatment, port, state: "succeeded", cut: false, next: null, ...more };
}

function link(effect: string, cause: string, kind: string, more: Partial<TracedLink> = {}) {
  return {
    effect,
    cause,
    kind,
    basis: "recorded",
    port: null,
    note: null,
    effect_part: null,
    cause_part: null,
    ...more,
  };
}

function trace(nodes: object[], links: object[], direction = "backward"): Trace {
  return { run_id: "r", direction, start: (nodes[0] as { id: string }).id, nodes, links } as unknown as Trace;
}

const BACK = trace(
  ["value:r/c.n", "treatment:r/c", "value:r/b.n", "treatment:r/b", "run:r", "treatment:q/b", "value:q/b.n"].map((id) =>
    node(id),
  ),
  [
    link("value:r/c.n", "treatment:r/c", "generated_by", { port: "n" }),
    link("treatment:r/c", "value:r/b.n", "used", { port: "in", basis: "temporal" }),
    link("treatment:r/c", "run:r", "part_of"),
    link("value:r/b.n", "value:q/b.n", "derived_from"),
    link("value:q/b.n", "treatment:q/b", "generated_by"),
  ],
);

describe("a trace", () => {
  it("lists values below each other, with what their makers used", () => {
    const found = steps(BACK).map(({ node: { id }, depth }) => [id, depth]);
    expect(found).toEqual([
      ["value:r/c.n", 0],
      ["value:r/b.n", 1],
      ["value:q/b.n", 2],
    ]);
  });

  it("lists what was reached twice only once in full", () => {
    const ids = ["treatment:r/d", "value:r/x.o", "value:r/y.o", "value:r/a.o", "value:r/z.o"];
    const both = trace(
      ids.map((id) => node(id)),
      [
        link("treatment:r/d", "value:r/x.o", "used"),
        link("treatment:r/d", "value:r/y.o", "used"),
        link("value:r/x.o", "value:r/a.o", "derived_from"),
        link("value:r/y.o", "value:r/a.o", "derived_from"),
        link("value:r/a.o", "value:r/z.o", "derived_from"),
      ],
    );
    const found = steps(both).map(({ node: { treatment }, again }) => `${treatment}${again ? " again" : ""}`);
    expect(found).toEqual(["d", "x", "a", "z", "y", "a again"]);
  });

  it("ends where treatments feed each other in a circle", () => {
    const circle = trace(
      ["treatment:r/a", "treatment:r/b"].map((id) => node(id)),
      [
        link("treatment:r/a", "treatment:r/b", "waited_for"),
        link("treatment:r/b", "treatment:r/a", "used"),
        link("treatment:r/a", "treatment:r/a", "used"),
      ],
    );
    expect(steps(circle)).toHaveLength(4);
  });

  it("is drawn as treatments, dashed where only the order in time is known, each run an island", () => {
    const { nodes, edges } = picture(BACK);
    expect(nodes.map(({ name, island }) => [name, island])).toEqual([
      ["treatment:r/c", "r"],
      ["treatment:r/b", "r"],
      ["treatment:q/b", "q"],
    ]);
    expect(edges).toEqual([
      { source: "treatment:r/b", target: "treatment:r/c", flow: "stream" },
      { source: "treatment:q/b", target: "treatment:r/b", flow: "block" },
    ]);
  });

  it("draws a run where something led to it, and a cache beside what used it", () => {
    const started = trace(
      [node("treatment:r/a"), node("run:r"), node("treatment:p/go"), node("cache:", { id: "cache:1", run_id: null })],
      [
        link("treatment:r/a", "run:r", "part_of"),
        link("run:r", "treatment:p/go", "started_by"),
        link("treatment:p/go", "cache:1", "used"),
      ],
    );
    const { nodes, edges } = picture(started);
    expect(edges.map(({ source, target }) => `${source} ${target}`).sort()).toEqual([
      "cache:1 treatment:p/go",
      "run:r treatment:r/a",
      "treatment:p/go run:r",
    ]);
    expect(nodes.find((one) => one.name === "cache:1")?.island).toBe("p");
  });

  it("grows by further neighbours, and keeps what it had", () => {
    const first = trace([node("value:r/a.o", { next: "on" }), node("treatment:r/b")], [], "forward");
    const more = trace(
      [node("value:r/a.o", { next: null }), node("treatment:r/c")],
      [link("treatment:r/c", "value:r/a.o", "used", { port: "in" })],
      "forward",
    );
    const both = joined(joined(first, more), more);
    expect(both.nodes.map((one) => [one.id, one.next])).toEqual([
      ["value:r/a.o", null],
      ["treatment:r/b", null],
      ["treatment:r/c", null],
    ]);
    expect(both.links).toHaveLength(1);
    expect(reach(both)).toEqual({ values: 1, treatments: 3, runs: 1, runners: 0 });
  });

  it("names places and steps", () => {
    const part = { offset: 17, length: 10, line: 3, candidates: 1 };
    expect(place(part)).toBe("line 3");
    expect(place({ ...part, line: null })).toBe("byte 17");
    expect(place({ ...part, candidates: 4 })).toBe("line 3 or one of 3 more");
    const one = link("e", "c", "used", { port: "rows" }) as TracedLink;
    expect(arrow(one, true)).toBe("rows");
    expect(arrow({ ...one, kind: "started_by" }, false)).toBe("started");
  });

  it("shows what a value has at the place that is followed", () => {
    const value = { size: 12, preview: "é 1\nbanana\n" };
    const at = (part: object | null) => excerpt({ value, part } as TracedNode);
    expect(at({ offset: 5, length: 7 })).toBe("banana");
    expect(at({ offset: 5, length: 70 })).toBe("");
    expect(at(null)).toBe("é 1\nbanana");
    expect(excerpt({ value: { ...value, size: 100 }, part: null } as TracedNode)).toBe("");
    expect(excerpt({ value: null, part: null } as TracedNode)).toBe("");
  });

  it("has the lines of a value with their first bytes", () => {
    const content = new TextEncoder().encode("é 1\nb\n\nlast");
    expect(linesOf(content, 100)).toEqual([
      { offset: 100, text: "é 1" },
      { offset: 105, text: "b" },
      { offset: 107, text: "" },
      { offset: 108, text: "last" },
    ]);
    expect(linesOf(new Uint8Array(), 0)).toEqual([]);
  });
});
