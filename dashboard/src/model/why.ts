// Which treatments broke by themselves, and which only because of others.
import { groupOf } from "./groups.ts";
import { broke } from "./states.ts";

export interface Standing {
  name: string;
  state: string;
  finished_at: string | null;
}

export interface Link {
  source: string;
  target: string;
}

export interface Why {
  /** What broke and has no broken ancestor, the earliest first. */
  roots: string[];
  /** What broke, was skipped or cancelled below a root. */
  consequences: string[];
}

/** The place of a line as `segment:index` (from 0), of the number (from 1) that diagnoses count with. */
export function lineAt(cursor: string): string {
  const [segment, number] = cursor.split(":");
  return `${segment}:${Math.max(0, Number(number) - 1)}`;
}

export function why(treatments: readonly Standing[], links: readonly Link[]): Why {
  const byName = new Map(treatments.map((treatment) => [treatment.name, treatment]));
  const before = new Map<string, string[]>();
  const follows = (target: string, source: string) => {
    const known = before.get(target);
    if (known) known.push(source);
    else before.set(target, [source]);
  };
  for (const { source, target } of links) follows(target, source);
  // A group that broke did so because of its instances.
  for (const { name } of treatments) {
    const group = groupOf(name);
    if (group !== null && byName.has(group)) follows(group, name);
  }
  const below = new Map<string, boolean>();
  const hasBrokenAncestor = (name: string): boolean => {
    const known = below.get(name);
    if (known !== undefined) return known;
    below.set(name, false); // while it is looked at: a graph without circles never sees this
    const found = (before.get(name) ?? []).some(
      (source) => broke(byName.get(source)?.state ?? "") || hasBrokenAncestor(source),
    );
    below.set(name, found);
    return found;
  };
  const broken = treatments.filter((treatment) => broke(treatment.state));
  const roots = broken.filter((treatment) => !hasBrokenAncestor(treatment.name));
  roots.sort((a, b) => (a.finished_at ?? "9").localeCompare(b.finished_at ?? "9") || a.name.localeCompare(b.name));
  const rooted = new Set(roots.map((treatment) => treatment.name));
  const consequences = treatments.filter(
    (treatment) =>
      !rooted.has(treatment.name) &&
      (broke(treatment.state) || ["skipped", "cancelled"].includes(treatment.state)) &&
      hasBrokenAncestor(treatment.name),
  );
  return { roots: roots.map((treatment) => treatment.name), consequences: consequences.map((one) => one.name) };
}
