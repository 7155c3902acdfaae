import { expect, it } from "vitest";
import { briefly, flowsOf, labelsOf, recent, type Sent, wordsOf } from "../../src/model/flows.ts";

const EDGES = [
  { source: "encode", source_port: "frames", target: "upload" },
  { source: "encode", source_port: "frames", target: "check" },
  { source: "encode", source_port: "sound", target: "upload" },
];

function sent(size: number, at: number, readers: Sent["readers"] = [], ended = false): Sent {
  return { source: "encode", port: "frames", size, ended, readers, at };
}

it("tells bytes, speed, and how far each reader is behind", () => {
  const readers = [{ treatment: "upload", behind: 200_000 }];
  const flows = flowsOf(EDGES, [sent(12_000_000, 3_000, readers)], [sent(9_000_000, 1_000)]);
  expect(flows.map((flow) => [flow.target, wordsOf(flow)])).toEqual([
    ["upload", "12 MB · 1.5 MB/s · 200 kB behind"],
    ["check", "12 MB · 1.5 MB/s"],
  ]);
});

it("tells no speed from one reading, nor a negative one of a new attempt", () => {
  const words = (now: Sent, before: Sent[]) => flowsOf(EDGES.slice(0, 1), [now], before).map(wordsOf);
  const brief = (now: Sent, before: Sent[]) => flowsOf(EDGES.slice(0, 1), [now], before).map(briefly);
  expect([brief(sent(500, 0), []), brief(sent(500, 1_000), [sent(400, 0)])]).toEqual([["500 B"], ["100 B/s"]]);
  expect(words(sent(500, 0), [])).toEqual(["500 B"]);
  expect(words(sent(500, 1_000), [sent(9_000, 0)])).toEqual(["500 B · 0 B/s"]);
  expect(words(sent(500, 1_000, [], true), [sent(400, 0)])).toEqual(["500 B · all sent"]);
});

it("tells that a stream is stalled once nothing was sent for five seconds", () => {
  const words = (now: Sent, before: Sent) => {
    const [flow] = flowsOf(EDGES.slice(0, 1), [now], [before]) as [ReturnType<typeof flowsOf>[0]];
    return [wordsOf(flow), briefly(flow)];
  };
  expect(words(sent(500, 4_999), sent(500, 0))).toEqual(["500 B · 0 B/s", "0 B/s"]);
  expect(words(sent(500, 5_000), sent(500, 0))).toEqual(["500 B · stalled", "stalled"]);
  expect(words(sent(500, 9_000, [], true), sent(500, 0))).toEqual(["500 B · all sent", "all sent"]);
});

it("measures speed over ten seconds", () => {
  const readings = [1_000, 6_000, 12_000].map((at) => [sent(at, at)]);
  expect(recent(readings, 13_000).map(([one]) => one?.at)).toEqual([6_000, 12_000]);
  expect(recent(readings, 60_000).map(([one]) => one?.at)).toEqual([12_000]);
  expect(recent([], 60_000)).toEqual([]);
});

it("tells of each stream between two treatments, once for each reader", () => {
  const twice = [...EDGES, EDGES[2] as (typeof EDGES)[0]];
  const sound = { ...sent(7_000, 3_000), port: "sound" };
  const flows = flowsOf(twice, [sent(12_000_000, 3_000), sound], []);
  expect(flows.map(({ port, target }) => `${port} → ${target}`)).toEqual([
    "frames → upload",
    "frames → check",
    "sound → upload",
  ]);
  const labels = labelsOf(flows, ({ source, target }) => `${source} ${target}`);
  expect([...labels]).toEqual([
    ["encode upload", "12 MB, 7.0 kB"],
    ["encode check", "12 MB"],
  ]);
});
