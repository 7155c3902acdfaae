// A trace as a way to read: step by step, and as a picture of treatments. Links of the API lead from effect to cause.
import type { components } from "../api/types.ts";

export type Trace = components["schemas"]["ProvenanceView"];
export type TracedNode = components["schemas"]["TracedNode"];
export type TracedLink = components["schemas"]["TracedLink"];
type Part = components["schemas"]["PartView"];

export interface Step {
  node: TracedNode;
  /** How it was reached; null at the start. */
  link: TracedLink | null;
  depth: number;
  /** Whether what lies behind it is shown further up. */
  again: boolean;
}

export interface Picture {
  nodes: { name: string; label: string; state: string; island: string }[];
  /** `flow` is a stream, which is drawn dashed, where only the order in time is known. */
  edges: { source: string; target: string; flow: "block" | "stream" }[];
}

const UNCERTAIN = ["temporal", "unchecked"];

export function isProven(link: TracedLink): boolean {
  return !UNCERTAIN.includes(link.basis);
}

/** One trace with what another one of the same direction adds to it. */
export function joined(trace: Trace, more: Trace): Trace {
  const known = new Map(trace.nodes.map((node) => [node.id, node]));
  for (const node of more.nodes) {
    const before = known.get(node.id);
    // The node that was asked for has the cursor of those that are left; everything else keeps what it had.
    if (!before || node.id === more.start || before.cut) known.set(node.id, { ...(before ?? node), ...node });
  }
  const links = new Map(
    [...trace.links, ...more.links].map((link) => [`${link.effect} ${link.cause} ${link.port}`, link]),
  );
  return { ...trace, nodes: [...known.values()], links: [...links.values()] };
}

/** Everything that was reached, each below what it was reached from; what lies behind a node is listed once. */
export function steps(trace: Trace): Step[] {
  const backward = trace.direction === "backward";
  const nodes = new Map(trace.nodes.map((node) => [node.id, node]));
  const next = new Map<string, { link: TracedLink; node: TracedNode }[]>();
  for (const link of trace.links) {
    const [near, far] = backward ? [link.effect, link.cause] : [link.cause, link.effect];
    const node = nodes.get(far);
    if (!node) continue;
    const found = next.get(near);
    if (found) found.push({ link, node });
    else next.set(near, [{ link, node }]);
  }
  const start = nodes.get(trace.start);
  if (!start) return [];
  const behind = (node: TracedNode) =>
    (next.get(node.id) ?? []).flatMap((one) => {
      // The line of a value shows the treatment that made it: what that one used follows at once.
      if (!backward || node.kind !== "value" || one.link.kind !== "generated_by") return [one];
      if (shown.has(one.node.id)) return [];
      shown.add(one.node.id);
      return next.get(one.node.id) ?? [];
    });
  const found: Step[] = [];
  const shown = new Set<string>();
  const open: Step[] = [{ node: start, link: null, depth: 0, again: false }];
  for (let step = open.pop(); step; step = open.pop()) {
    const { node, link, depth } = step;
    // A run, and what was only waited for, are listed once, and only where something lies behind them.
    const isAside = link !== null && ["part_of", "waited_for"].includes(link.kind);
    if (isAside && (shown.has(node.id) || (backward && node.kind === "run" && !next.get(node.id)))) continue;
    const again = shown.has(node.id) && next.has(node.id);
    found.push({ ...step, again });
    if (shown.has(node.id)) continue;
    shown.add(node.id);
    for (const one of behind(node).reverse()) open.push({ ...one, depth: depth + 1, again: false });
  }
  return found;
}

/** The trace on the graph of its runs: values are shown as the treatments that sent them. */
export function picture(trace: Trace): Picture {
  const nodes = new Map(trace.nodes.map((node) => [node.id, node]));
  const shown = new Map<string, Picture["nodes"][number]>();
  const withCauses = new Set(trace.links.filter((link) => link.kind !== "part_of").map((link) => link.effect));
  const drawn = (id: string): string | null => {
    const node = nodes.get(id);
    if (!node) return null;
    // A run is drawn where something led to it: all its treatments are part of it.
    if (node.kind === "run" && !withCauses.has(id) && id !== trace.start) return null;
    const isOfTreatment = node.kind === "value" || node.kind === "treatment";
    const name = isOfTreatment ? `treatment:${node.run_id}/${node.treatment}` : id;
    if (!shown.has(name)) {
      const maker = isOfTreatment ? (nodes.get(name) ?? node) : node;
      const state = maker.state ?? node.run?.state ?? "succeeded";
      shown.set(name, { name, label: label(node), state, island: node.run_id ?? "" });
    }
    return name;
  };
  const edges = new Map<string, Picture["edges"][number]>();
  const fed = new Set<string>();
  // What belongs to a run comes last: it is drawn only to those that nothing else leads to.
  const links = [...trace.links].sort((a, b) => Number(a.kind === "part_of") - Number(b.kind === "part_of"));
  drawn(trace.start);
  for (const link of links) {
    const [source, target] = [drawn(link.cause), drawn(link.effect)];
    if (source === null || target === null || source === target) continue;
    if (link.kind === "part_of" && fed.has(target)) continue;
    if (link.kind !== "part_of") fed.add(target);
    const key = `${source} ${target}`;
    if (!edges.has(key) || isProven(link))
      edges.set(key, { source, target, flow: isProven(link) ? "block" : "stream" });
  }
  // What is of no run, such as a cache, stands with what it has to do with.
  const found = [...edges.values()];
  for (const node of shown.values()) {
    if (node.island) continue;
    const edge = found.find((one) => one.source === node.name || one.target === node.name);
    node.island = shown.get(edge?.source === node.name ? edge.target : (edge?.source ?? ""))?.island ?? "";
  }
  return { nodes: [...shown.values()], edges: found };
}

/** A node's name, as short as it can be. */
export function label(node: TracedNode): string {
  switch (node.kind) {
    case "value":
    case "treatment":
      return node.treatment ?? "";
    case "run":
      return `run of ${node.run?.pipeline ?? "?"}`;
    case "cache":
      return `cache ${node.cache?.key ?? ""}`;
    case "line":
      return `line of ${node.treatment}`;
    default:
      return `${node.pipeline?.name ?? node.kind}${node.pipeline?.version ? ` ${node.pipeline.version}` : ""}`;
  }
}

const ARROWS: Record<string, string> = {
  derived_from: "the same as",
  waited_for: "after",
  part_of: "in",
  instance_of: "instance of",
  started_by: "started by",
  repeats: "repeats",
  defined_by: "uses",
  generated_by: "by",
  used: "used",
};
const FORWARD: Record<string, string> = {
  derived_from: "taken over as",
  waited_for: "before",
  part_of: "with",
  instance_of: "with instance",
  started_by: "started",
  generated_by: "sent",
  used: "used by",
};

/** How a step leads on, in words: the port where there is one. */
export function arrow(link: TracedLink, isBackward: boolean): string {
  if (link.port && ["used", "generated_by"].includes(link.kind)) return link.port;
  return (isBackward ? ARROWS[link.kind] : (FORWARD[link.kind] ?? ARROWS[link.kind])) ?? link.kind;
}

const EVIDENCE: Record<string, string> = {
  recorded: "recorded",
  constructed: "made by Cadence itself",
  identical: "the same bytes",
  prefix: "its beginning, byte by byte",
  subsequence: "all lines sent are in it, in order",
  selection: "all lines sent are in it, in another order",
  same_text: "the same text",
  temporal: "only the order in time is known",
  unchecked: "too large to compare, or not kept",
};

export function evidence(link: TracedLink): string {
  return EVIDENCE[link.basis] ?? link.basis;
}

export function place(part: Part | null): string {
  if (!part) return "";
  const where = part.line ? `line ${part.line.toLocaleString("en")}` : `byte ${part.offset.toLocaleString("en")}`;
  return part.candidates > 1 ? `${where} or one of ${(part.candidates - 1).toLocaleString("en")} more` : where;
}

/** How much a trace reaches: of each kind, in how many runs, on how many runners. */
export function reach(trace: Trace): { values: number; treatments: number; runs: number; runners: number } {
  const of = (kind: string) => trace.nodes.filter((node) => node.kind === kind);
  const makers = [...of("value"), ...of("treatment")];
  return {
    values: of("value").length,
    treatments: new Set(makers.map((node) => `${node.run_id}/${node.treatment}`)).size,
    runs: new Set(trace.nodes.map((node) => node.run_id).filter(Boolean)).size,
    runners: new Set(makers.map((node) => node.runner?.runner_id).filter(Boolean)).size,
  };
}

const LONGEST_EXCERPT = 60;

/** What a value has at the place that is followed, or all of it; nothing where its preview does not reach there. */
export function excerpt({ value, part }: TracedNode): string {
  if (!value?.preview) return "";
  if (!part) return value.size <= LONGEST_EXCERPT ? value.preview.trim() : "";
  const content = new TextEncoder().encode(value.preview);
  if (part.offset + part.length > content.length || part.length > 4 * LONGEST_EXCERPT) return "";
  return new TextDecoder().decode(content.subarray(part.offset, part.offset + part.length)).trim();
}

export interface TextLine {
  /** Of the line's first byte in the value. */
  offset: number;
  text: string;
}

/** The lines of a piece of a value that begins at `offset`, each with its first byte. */
export function linesOf(content: Uint8Array, offset: number): TextLine[] {
  const found: TextLine[] = [];
  const decoder = new TextDecoder();
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(10, at);
    const stop = end < 0 ? content.length : end;
    found.push({ offset: offset + at, text: decoder.decode(content.subarray(at, stop)) });
    at = stop + 1;
  }
  return found;
}
