// How fast streams flow, from two readings of how much was sent.
import { bytes } from "./format.ts";

/** A reading: what a treatment's output has sent by a time (milliseconds), and what its readers do not have yet. */
export interface Sent {
  source: string;
  port: string;
  size: number;
  ended: boolean;
  readers: readonly { treatment: string; behind: number }[];
  at: number;
}

export interface Flow {
  source: string;
  target: string;
  port: string;
  /** Bytes so far, and in a second; null before there are two readings. */
  size: number;
  rate: number | null;
  /** Bytes that the target does not have yet; null while it does not read. */
  behind: number | null;
  ended: boolean;
  /** Nothing was sent for some seconds, although its producer has not said that it was all. */
  stalled: boolean;
}

interface Edge {
  source: string;
  source_port: string;
  target: string;
}

/** Streams are sent in pieces, so that their speed is that of some time. */
const WINDOW = 10_000;
const STALLED = 5_000;

/** The readings of the last ten seconds, and one before them if there is none, the oldest first. */
export function recent(readings: readonly Sent[][], now: number): Sent[][] {
  const within = readings.filter((sent) => (sent[0]?.at ?? 0) >= now - WINDOW);
  return within.length ? within : readings.slice(-1);
}

/** One flow for each reader of a stream, also if it reads the stream by several inputs. */
export function flowsOf(edges: readonly Edge[], sent: readonly Sent[], before: readonly Sent[]): Flow[] {
  const known = new Set<string>();
  return edges.flatMap(({ source, source_port: port, target }) => {
    const key = `${source}.${port} ${target}`;
    if (known.has(key)) return [];
    known.add(key);
    const now = sent.find((one) => one.source === source && one.port === port);
    if (!now) return [];
    const then = before.find((one) => one.source === source && one.port === port);
    const reader = now.readers.find((one) => one.treatment === target);
    return [
      {
        source,
        target,
        port,
        size: now.size,
        // A new attempt begins anew.
        rate: then && now.at > then.at ? (Math.max(0, now.size - then.size) * 1_000) / (now.at - then.at) : null,
        behind: reader ? reader.behind : null,
        ended: now.ended,
        stalled: !now.ended && then?.size === now.size && now.at - then.at >= STALLED,
      },
    ];
  });
}

const speed = (rate: number) => `${bytes(Math.round(rate))}/s`;

/** What fits onto an edge between two treatments: its speed, such as `1.5 MB/s`. */
export function briefly(flow: Flow): string {
  if (flow.ended) return "all sent";
  if (flow.stalled) return "stalled";
  return flow.rate === null ? bytes(flow.size) : speed(flow.rate);
}

/** What is written on the edges by their names, which `edgeKey` returns: of all streams between two treatments. */
export function labelsOf(flows: readonly Flow[], edgeKey: (flow: Flow) => string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const flow of flows) {
    const other = labels.get(edgeKey(flow));
    labels.set(edgeKey(flow), other === undefined ? briefly(flow) : `${other}, ${briefly(flow)}`);
  }
  return labels;
}

/** Such as `12 MB · 1.5 MB/s · 200 kB behind`. */
export function wordsOf(flow: Flow): string {
  const parts = [bytes(flow.size)];
  if (flow.ended) parts.push("all sent");
  else if (flow.stalled) parts.push("stalled");
  else if (flow.rate !== null) parts.push(speed(flow.rate));
  if (flow.behind) parts.push(`${bytes(flow.behind)} behind`);
  return parts.join(" · ");
}
