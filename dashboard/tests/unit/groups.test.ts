import { describe, expect, it } from "vitest";
import { folded, groupOf, MOST_OPEN, type Node, parts } from "../../src/model/groups.ts";

const node = (name: string, instances: Node["instances"] = null): Node => ({ name, group: groupOf(name), instances });
const edge = (source: string, target: string) => ({ source, target, flow: "block" });
const ends = (edges: readonly { source: string; target: string }[]) =>
  edges.map(({ source, target }) => `${source} ${target}`).sort();

describe("groups in the graph", () => {
  const matrix = [node("list"), node("test", { running: 2 }), node("test:a"), node("test:b"), node("end")];
  const edges = [edge("list", "test:a"), edge("list", "test:b"), edge("test", "end")];

  it("folds the instances of a matrix into their group, which is between what feeds them and what reads them", () => {
    const found = folded(matrix, edges, null, []);
    expect(found.names).toEqual(["list", "test", "end"]);
    expect(ends(found.edges)).toEqual(["list test", "test end"]);
  });

  it("opens the group that is chosen", () => {
    const found = folded(matrix, edges, "test", ["test:a", "test:b"]);
    expect(found.names).toEqual(["list", "test", "test:a", "test:b", "end"]);
    expect(ends(found.edges)).toEqual(["list test:a", "list test:b", "test end", "test:a test", "test:b test"]);
  });

  it("opens a group of elements, whose instances are in no plan", () => {
    const each = [node("list"), node("work", { ready: 2 }), node("end")];
    const found = folded(each, [edge("list", "work"), edge("work", "end")], "work", ["work:0", "work:1"]);
    expect(found.names).toEqual(["list", "work", "end", "work:0", "work:1"]);
    expect(ends(found.edges)).toEqual(["list work:0", "list work:1", "work end", "work:0 work", "work:1 work"]);
  });

  it("does not open more instances than a graph can show", () => {
    const many = Array.from({ length: MOST_OPEN + 1 }, (_, at) => `test:${at}`);
    expect(folded(matrix, edges, "test", many).names).toEqual(["list", "test", "end"]);
  });

  it("leaves a graph without groups as it is", () => {
    const plain = [edge("a", "b"), edge("a", "b")];
    const found = folded([node("a"), node("b")], plain, "a", []);
    expect(found.names).toEqual(["a", "b"]);
    expect(found.edges).toBe(plain);
  });

  it("counts instances by tone, what broke first", () => {
    const states = ["succeeded", "failed", "succeeded", "lost", "running"];
    const one = (name: string, state: string, soft_failed = false) => ({ name, state, soft_failed });
    const treatments = [...states.map((state, at) => one(`test:${at}`, state)), one("a:b", "ready")];
    treatments.push(one("test:soft", "failed", true)); // shown as in the table: it breaks nothing
    expect([...parts(treatments, new Set(["test"]))]).toEqual([
      [
        "test",
        [
          ["bad", 2],
          ["busy", 1],
          ["wait", 1],
          ["ok", 2],
        ],
      ],
    ]);
  });
});
