import { describe, expect, it } from "vitest";
import { spans } from "../../src/model/timeline.ts";

const TREATMENT = { state: "succeeded", soft_failed: false, attempt: 1 };
const time = (ms: number) => new Date(ms).toISOString();

/** Changes such as `"0 1 ready"`: when, attempt, state. */
function changes(...texts: string[]) {
  return texts.map((text) => {
    const [at, attempt, state] = text.split(" ");
    return { at: Number(at), attempt: Number(attempt), state: state as string };
  });
}

const brief = (found: ReturnType<typeof spans>) =>
  found.map((one) => `${one.attempt} ${one.kind} ${one.from}-${one.to} ${one.tone}`);

describe("the times of a treatment", () => {
  it("are queued, booted and ran; what it waited for others is none of it", () => {
    const own = { ...TREATMENT, ready_at: time(5), started_at: time(30), finished_at: time(90) };
    const history = changes(
      "0 1 pending",
      "5 1 ready",
      "9 1 placing",
      "20 1 booting",
      "30 1 running",
      "90 1 succeeded",
    );
    expect(brief(spans(own, history, 1_000))).toEqual(["1 queued 5-20 wait", "1 booted 20-30 wait", "1 ran 30-90 ok"]);
  });

  it("are those of each attempt, with how it ended", () => {
    const own = { ...TREATMENT, attempt: 2, ready_at: time(50), started_at: time(60), finished_at: time(90) };
    const history = changes("0 1 ready", "10 1 running", "40 1 failed", "50 2 ready", "60 2 running", "90 2 succeeded");
    expect(brief(spans(own, history, 1_000))).toEqual([
      "1 queued 0-10 wait",
      "1 ran 10-40 bad",
      "2 queued 50-60 wait",
      "2 ran 60-90 ok",
    ]);
  });

  it("of one that goes on lead until now, and at an earlier moment until that", () => {
    const own = { ...TREATMENT, state: "running", ready_at: time(0), started_at: time(10), finished_at: null };
    const history = changes("0 1 ready", "10 1 running");
    expect(brief(spans(own, history, 70))).toEqual(["1 queued 0-10 wait", "1 ran 10-70 busy"]);
    expect(brief(spans({ ...own, state: "ready", started_at: null }, history, 7))).toEqual(["1 queued 0-7 wait"]);
  });

  it("without a history are those of the latest attempt", () => {
    const own = { ...TREATMENT, ready_at: time(0), started_at: time(10), finished_at: time(90) };
    expect(brief(spans(own, undefined, 1_000))).toEqual(["1 queued 0-10 wait", "1 ran 10-90 ok"]);
    expect(brief(spans({ ...own, started_at: null }, undefined, 1_000))).toEqual(["1 queued 0-90 wait"]);
    expect(spans({ ...own, ready_at: null }, undefined, 1_000)).toEqual([]);
  });
});
