// What flows over the edges of a run: bytes, bytes per second, and how far its readers are behind.
import { useEffect } from "preact/hooks";
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { type Flow, flowsOf, labelsOf, recent, type Sent, wordsOf } from "../model/flows.ts";
import { href, valueRoute } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { edgeKey, type GraphEdge } from "./graph.tsx";
import "../style/flows.css";

type Schemas = components["schemas"];

interface Props {
  run: string;
  /** Streams whose producers run. */
  edges: readonly (GraphEdge & { source_port: string })[];
  /** Takes what is written on the edges. */
  label: (labels: ReadonlyMap<string, string> | null) => void;
}

const MOST = 12;
const STALLS = 6_000;

export function Flows({ run, edges, label }: Props) {
  const sources = [...new Set(edges.map((edge) => edge.source))].slice(0, MOST);
  const loaded = useLoaded<{ readings: Sent[][]; flows: Flow[] }>(
    `flows/${run}/${sources.join()}`,
    async (signal, last) => {
      const read = async (source: string): Promise<Sent[]> => {
        const { items } = await get<Schemas["FlowsView"]>(["runs", run, "treatments", source, "flows"], {}, signal);
        return items.map((item) => ({ ...item, source, at: Date.now() }));
      };
      const sent = (await Promise.all(sources.map(read))).flat();
      const before = recent(last?.readings ?? [], Date.now());
      return { readings: [...before, sent], flows: flowsOf(edges, sent, before[0] ?? []) };
    },
    () => 2_000,
    `flows/${run}`,
    STALLS, // a stream that stalls announces nothing
  );
  const flows = loaded.value?.flows ?? [];
  useEffect(() => {
    label(labelsOf(flows, edgeKey));
    return () => label(null);
  }, [loaded.value]);
  if (flows.length === 0) return null;
  return (
    <ul class="flows" aria-label="What flows">
      {flows.map((flow) => (
        <li key={`${flow.port} ${edgeKey(flow)}`}>
          <a href={href(valueRoute(run, `${flow.source}.${flow.port}`))}>
            {flow.source}.{flow.port}
          </a>{" "}
          <span class="quiet-text">to {flow.target}</span> <span class="number">{wordsOf(flow)}</span>
        </li>
      ))}
    </ul>
  );
}
