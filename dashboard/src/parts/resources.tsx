// What a treatment used over time, against its limits.
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { bytes } from "../model/format.ts";
import { cores, points } from "../model/resources.ts";
import { useLoaded } from "./data.ts";
import "../style/resources.css";

type Schemas = components["schemas"];

interface Props {
  run: string;
  treatment: string;
  attempt: number;
  ended: boolean;
}

export function Resources({ run, treatment, attempt, ended }: Props) {
  const loaded = useLoaded(
    `resources/${run}/${treatment}/${attempt}/${ended}`,
    (signal) => get<Schemas["ResourcesView"]>(["runs", run, "treatments", treatment, "resources"], { attempt }, signal),
    () => (ended ? null : 5_000),
  );
  const found = loaded.value;
  if (!found || found.samples.length < 2) return null;
  const { samples, limits } = found;
  const disks = samples.map((one) => one.disk_bytes ?? 0);
  return (
    <section class="card" aria-labelledby="resources-title">
      <div class="section-head">
        <h2 id="resources-title">Resources</h2>
        <span class="quiet-text">{limits.enforced ? "limits are enforced" : "measured only, without limits"}</span>
      </div>
      <div class="resources">
        <Used name="CPU" values={cores(samples)} limit={limits.cpu ?? limits.machine_cpu} words={inCores} />
        <Used
          name="Memory"
          values={samples.map((one) => one.memory)}
          limit={limits.memory ?? limits.machine_memory}
          words={bytes}
        />
        {disks.some(Boolean) && <Used name="Disk" values={disks} limit={limits.disk} words={bytes} />}
      </div>
    </section>
  );
}

const inCores = (millicores: number) => `${(millicores / 1_000).toFixed(2)} cores`;

interface UsedProps {
  name: string;
  values: readonly number[];
  limit: number | null;
  words: (value: number) => string;
}

function Used({ name, values, limit, words }: UsedProps) {
  const most = Math.max(0, ...values);
  return (
    <figure>
      <figcaption>
        <strong>{name}</strong> {words(Math.round(most))} at most
        {limit ? <span class="quiet-text"> of {words(limit)}</span> : ""}
      </figcaption>
      <svg viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
        <polyline points={points(values, most)} />
      </svg>
    </figure>
  );
}
