import { describe, expect, it } from "vitest";
import { changeText, healthOf, rateText, slowest, trendText } from "../../src/model/health.ts";

const START = Date.parse("2026-11-30T12:00:00Z");
const time = (seconds: number) => new Date(START + 1000 * seconds).toISOString();

function run(number: number, seconds: number, state = "succeeded", more: object = {}) {
  const [created_at, started_at] = [time(100 * number), time(100 * number)];
  const finished_at = ["pending", "running"].includes(state) ? null : time(100 * number + seconds);
  return { run_id: `run-${number}`, state, created_at, started_at, finished_at, replay_of: null, ...more } as never;
}

describe("the health of a pipeline", () => {
  it("counts runs that ended by themselves", () => {
    const runs = [
      run(4, 0, "running"),
      run(3, 10, "cancelled"),
      run(2, 4, "failed"),
      run(1, 20),
      run(0, 10),
      run(5, 1, "failed", { replay_of: { run_id: "run-2", treatment: "total" } }),
    ];
    const health = healthOf(runs);
    expect(health.ended.map((one) => one.ms)).toEqual([10_000, 20_000, 4_000, 10_000]);
    expect([rateText(health), health.median, health.p95]).toEqual(["2 of 3 passed (66 %)", 20_000, 20_000]);
    expect(trendText(health)).toBe("Durations of the last 4 runs, the oldest first: 2 of 3 passed (66 %), median 20 s");
    expect(rateText(healthOf([]))).toBe("no run ended yet");
    expect([healthOf([]).median, changeText(healthOf([]))]).toEqual([null, null]);
  });

  it("tells a change of the duration from noise", () => {
    const of = (durations: number[]) => changeText(healthOf(durations.map((seconds, at) => run(at, seconds))));
    expect(of([10, 10, 10, 10, 15, 15, 15, 15])).toBe("50 % longer than the runs before");
    expect(of([20, 20, 20, 20, 15, 15, 15, 15])).toBe("25 % shorter than the runs before");
    expect(of([20, 20, 20, 20, 21, 21, 21, 21])).toBeNull();
    expect(of([10, 10, 20, 20])).toBeNull();
  });

  it("finds the treatments that take longest, of a group all instances together", () => {
    const treatment = (name: string, ready: number, started: number | null, finished: number, state = "succeeded") =>
      ({
        name,
        state,
        kept_from: null,
        ready_at: time(ready),
        started_at: started === null ? null : time(started),
        finished_at: time(finished),
      }) as never;
    const details = [
      { treatments: [treatment("fetch", 0, 1, 2), treatment("build:0", 2, 4, 9), treatment("build:1", 2, 3, 10)] },
      { treatments: [treatment("fetch", 0, 2, 4, "failed"), treatment("mail", 4, null, 5, "skipped")] },
    ];
    expect(slowest(details)).toEqual([
      { name: "build", ran: 7_000, waited: 2_000, executions: 2, broken: 0 },
      { name: "fetch", ran: 2_000, waited: 2_000, executions: 2, broken: 1 },
    ]);
  });
});
