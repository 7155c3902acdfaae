// What instances of a group that failed have in common.
import { broke } from "./states.ts";

export interface Instance {
  state: string;
  matrix: Record<string, unknown>;
}

/** Values of the matrix with which all instances failed, while none failed with another value. */
export function common(instances: readonly Instance[]): string[] {
  const broken = instances.filter((one) => broke(one.state));
  if (!broken.length || broken.length === instances.length) return [];
  const sentences: string[] = [];
  for (const axis of new Set(instances.flatMap((one) => Object.keys(one.matrix)))) {
    const values = new Set(broken.map((one) => String(one.matrix[axis])));
    const [value] = values;
    if (values.size === 1 && instances.every((one) => broke(one.state) || String(one.matrix[axis]) !== value))
      sentences.push(`All failed instances have ${axis} = ${value}, and all instances with it failed.`);
  }
  return sentences;
}
