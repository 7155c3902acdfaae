// The choice of a project, above a page that shows one of them.
import type { ComponentChildren } from "preact";
import { pages } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { navigate } from "../navigation.ts";
import { type AdminPart, href } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { Failure } from "./notes.tsx";

type ProjectList = components["schemas"]["ProjectList"];

/** The names of the projects that the caller may read. */
export async function projectNames(signal: AbortSignal): Promise<string[]> {
  const found = await pages<ProjectList>(["projects"], {}, signal);
  return found.flatMap((page) => page.items.map((project) => project.name));
}

interface Props {
  part: AdminPart;
  /** The project of the address; the first one without it. */
  name: string | null;
  children: (project: string) => ComponentChildren;
}

export function ProjectChoice({ part, name, children }: Props) {
  const loaded = useLoaded("projects", projectNames);
  const names = loaded.value ?? [];
  const project = name ?? names[0] ?? null;
  return (
    <>
      {loaded.error && <Failure error={loaded.error} />}
      {names.length > 1 && (
        <p class="above">
          <label class="inline">
            Project{" "}
            <select
              value={project ?? ""}
              onChange={(event) => navigate(href({ page: "admin", part, name: event.currentTarget.value }))}
            >
              {names.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </p>
      )}
      {project && children(project)}
    </>
  );
}
