// The instances of a group beside each other, those that failed first, and what these have in common.
import { pages } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { bytes, counted, duration } from "../model/format.ts";
import { common } from "../model/instances.ts";
import { broke, shownState } from "../model/states.ts";
import { href } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { Failure } from "./notes.tsx";
import { State } from "./state.tsx";

type Schemas = components["schemas"];

const MOST_PAGES = 10;
const MOST = 100;

interface Props {
  run: string;
  group: string;
  ended: boolean;
}

function useInstances({ run, group, ended }: Props) {
  return useLoaded(
    `instances/${run}/${group}/${ended}`,
    async (signal) => {
      const path = ["runs", run, "treatments", group, "instances"];
      return (await pages<Schemas["InstancesView"]>(path, {}, signal, MOST_PAGES)).flatMap((page) => page.items);
    },
    () => (ended ? null : 2_000),
    `states/${run}`,
  );
}

/** What failed instances of a group have in common. */
export function Common(props: Props) {
  const { value } = useInstances(props);
  return (
    <>
      {common(value ?? []).map((sentence) => (
        <p key={sentence} class="common">
          Of <a href={href({ page: "treatment", run: props.run, treatment: props.group })}>{props.group}</a>:{" "}
          <strong>{visible(sentence)}</strong>
        </p>
      ))}
    </>
  );
}

export function Instances(props: Props) {
  const { run } = props;
  const loaded = useInstances(props);
  const all = loaded.value ?? [];
  const broken = all.filter((one) => broke(one.state));
  const shown = [...broken, ...all.filter((one) => !broke(one.state))].slice(0, MOST);
  const axes = [...new Set(all.flatMap((one) => Object.keys(one.matrix)))];
  const hasElements = all.some((one) => one.element !== null);
  return (
    <section class="card" aria-labelledby="instances-title">
      <div class="section-head">
        <h2 id="instances-title">Instances</h2>
        <span class="quiet-text">
          {counted(all.length, "instance")}
          {broken.length > 0 && `, ${broken.length.toLocaleString("en")} failed`}
        </span>
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {common(all).map((sentence) => (
        <p key={sentence}>
          <strong>{visible(sentence)}</strong>
        </p>
      ))}
      {shown.length > 0 && (
        <div class="scroll-x">
          <table class="plain rows">
            <thead>
              <tr>
                <th scope="col">Instance</th>
                {axes.map((axis) => (
                  <th key={axis} scope="col">
                    {axis}
                  </th>
                ))}
                {hasElements && <th scope="col">For</th>}
                <th scope="col">State</th>
                <th scope="col">Ran</th>
                <th scope="col">Memory</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((one) => (
                <tr key={one.name}>
                  <th scope="row">
                    <a href={href({ page: "treatment", run, treatment: one.name })}>{one.name}</a>
                  </th>
                  {axes.map((axis) => (
                    <td key={axis} data-label={axis}>
                      {visible(String(one.matrix[axis] ?? "–"))}
                    </td>
                  ))}
                  {hasElements && <td data-label="For">{visible((one.element ?? "–").trim().slice(0, 60))}</td>}
                  <td data-label="State">
                    <State state={shownState(one)} note={one.exit_code ? `(exit ${one.exit_code})` : undefined} />
                  </td>
                  <td data-label="Ran">{one.times.ran === null ? "–" : duration(one.times.ran * 1_000)}</td>
                  <td data-label="Memory">{one.usage.memory_peak ? bytes(one.usage.memory_peak) : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {all.length > MOST && <p class="note">{counted(all.length - MOST, "more instance")} not shown.</p>}
    </section>
  );
}
