// Where a secret is used: the environments that hand it over, and the lines of pipelines that name it.
import type { components } from "../api/types.ts";

type Environment = components["schemas"]["EnvironmentView"];

export interface NamedLine {
  project: string;
  pipeline: string;
  /** Counts from 1. */
  line: number;
  text: string;
}

/** The variables by which environments hand it over, such as `production: DEPLOY_KEY`. */
export function handedOverBy(secret: string, environments: readonly Environment[]): string[] {
  return environments.flatMap(({ name, secrets }) =>
    Object.entries(secrets)
      .filter(([, named]) => named === secret)
      .map(([variable]) => `${name}: ${variable}`),
  );
}

/**
 * The lines of a document (YAML or JSON, as written) in which the name is the whole value of a member, as under
 * `secrets`. Comments do not count.
 */
export function linesNaming(secret: string, document: string): { line: number; text: string }[] {
  const quoted = secret.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const value = new RegExp(`:\\s*(["']?)${quoted}\\1\\s*(?=[,}]|#|$)`);
  return document
    .split("\n")
    .map((text, at) => ({ line: at + 1, text: text.trim() }))
    .filter(({ text }) => value.test(text.replace(/(^|\s)#.*$/, "")));
}

/** The body of a request; without a member `environment` the secret stays bound as it is. */
export function secretBody(value: string, scope: string, unchanged: string, everywhere: string) {
  if (scope === unchanged) return { value };
  return { value, environment: scope === everywhere ? null : scope };
}
