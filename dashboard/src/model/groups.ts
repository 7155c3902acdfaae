// Groups in the graph: their instances are folded into one node, but for the group that is open.
import { shownState, type Tone, tone } from "./states.ts";

export interface Node {
  name: string;
  group: string | null;
  /** Of a group: the number of its instances by their state. */
  instances: Readonly<Record<string, number>> | null;
}

export interface Edge {
  source: string;
  target: string;
}

/** The name of the group that an instance belongs to, by its own name; null for what is none. */
export function groupOf(name: string): string | null {
  const at = name.indexOf(":");
  return at < 0 ? null : name.slice(0, at);
}

/** More instances than these are not opened: a graph of them says less than their table. */
export const MOST_OPEN = 60;

/**
 * The nodes and edges with instances folded into their groups. Those of the group `open` are nodes of their own between
 * what feeds the group and the group; `instances` are their names.
 */
export function folded<N extends Node, E extends Edge>(
  nodes: readonly N[],
  edges: readonly E[],
  open: string | null,
  instances: readonly string[],
): { names: readonly string[]; edges: readonly E[] } {
  const groups = new Set(nodes.flatMap((node) => (node.instances ? [node.name] : [])));
  if (!groups.size) return { names: nodes.map((node) => node.name), edges };
  const opened = open !== null && groups.has(open) && instances.length <= MOST_OPEN ? instances : [];
  const shown = new Set(opened);
  const seen = (name: string) => {
    const group = groupOf(name);
    return group !== null && groups.has(group) && !shown.has(name) ? group : name;
  };
  const kept = new Map<string, E>();
  const keep = (edge: E, source: string, target: string) => {
    const key = `${source}\n${target}`;
    if (source !== target && !kept.has(key)) kept.set(key, { ...edge, source, target });
  };
  for (const edge of edges) {
    const [source, target] = [seen(edge.source), seen(edge.target)];
    if (target !== open || !opened.length) keep(edge, source, target);
    else for (const one of opened) keep(edge, source, one);
  }
  const [any] = edges;
  if (open !== null && any) for (const one of opened) keep({ ...any, flow: "block" }, one, open);
  const names = nodes.map((node) => node.name).filter((name) => seen(name) === name);
  return { names: [...new Set([...names, ...opened])], edges: [...kept.values()] };
}

/** How many instances of a group have which tone, what broke first. */
export type Parts = readonly (readonly [Tone, number])[];

/** The instances of each group by tone, by the group's name. */
export function parts(
  treatments: readonly { name: string; state: string; soft_failed: boolean }[],
  groups: ReadonlySet<string>,
): ReadonlyMap<string, Parts> {
  const found = new Map<string, Map<Tone, number>>();
  for (const treatment of groups.size ? treatments : []) {
    const group = groupOf(treatment.name);
    if (group === null || !groups.has(group)) continue;
    const counts = found.get(group) ?? new Map<Tone, number>();
    const one = tone(shownState(treatment));
    counts.set(one, (counts.get(one) ?? 0) + 1);
    found.set(group, counts);
  }
  return new Map(
    [...found].map(([group, counts]) => [
      group,
      ORDER.flatMap((one) => (counts.has(one) ? [[one, counts.get(one) as number] as const] : [])),
    ]),
  );
}

const ORDER: readonly Tone[] = ["bad", "busy", "wait", "off", "ok"];
