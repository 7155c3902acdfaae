// The stored pipelines, with their last run and next firings.

import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { ago } from "../model/format.ts";
import { useLoaded } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";
import { State } from "../parts/state.tsx";
import { href } from "../routes.ts";

type Schemas = components["schemas"];

export function Pipelines() {
  useTitle("Pipelines");
  const loaded = useLoaded("pipelines", async (signal) => {
    const projects = await get<Schemas["ProjectList"]>(["projects"], {}, signal);
    const lists = await Promise.all(
      projects.items.map((project) =>
        get<Schemas["PipelineList"]>(["projects", project.name, "pipelines"], {}, signal),
      ),
    );
    const runs = await get<Schemas["RunList"]>(["runs"], { limit: 200 }, signal);
    return { pipelines: lists.flatMap((list) => list.items), runs: runs.items };
  });
  const now = Date.now();
  const found = loaded.value;
  return (
    <>
      <div class="title-row">
        <h1>Pipelines</h1>
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!found && !loaded.error && <Loading what="pipelines" />}
      {found && found.pipelines.length === 0 && <Nothing>No pipeline is stored.</Nothing>}
      {found && found.pipelines.length > 0 && (
        <div class="card scroll-x">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">Pipeline</th>
                <th scope="col">Project</th>
                <th scope="col">Version</th>
                <th scope="col">Last runs, the newest first</th>
                <th scope="col">Next</th>
              </tr>
            </thead>
            <tbody>
              {found.pipelines.map((pipeline) => (
                <tr key={`${pipeline.project}/${pipeline.name}`}>
                  <th scope="row">
                    <a href={href({ page: "pipeline", project: pipeline.project, name: pipeline.name })}>
                      {pipeline.name}
                    </a>
                  </th>
                  <td>{pipeline.project}</td>
                  <td>
                    {pipeline.version}, {ago(pipeline.created_at, now)} by {pipeline.created_by}
                  </td>
                  <td class="last-runs">
                    {found.runs
                      .filter((run) => run.pipeline === pipeline.name && run.project === pipeline.project)
                      .slice(0, 5)
                      .map((run) => (
                        <a key={run.run_id} href={href({ page: "run", run: run.run_id })} title={`Run ${run.run_id}`}>
                          <State state={run.state} />
                        </a>
                      ))}
                  </td>
                  <td>{pipeline.next_firings[0] ? new Date(pipeline.next_firings[0]).toLocaleString() : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
