import { describe, expect, it } from "vitest";
import { following, listed, named, onGraph, type Step, spent, took } from "../../src/model/path.ts";

const BEGIN = Date.parse("2026-12-01T09:00:00Z");
const time = (seconds: number) => new Date(BEGIN + 1_000 * seconds).toISOString();

/** Steps that take so many seconds, one after the other. */
function steps(...seconds: number[]): Step[] {
  let since = 0;
  return seconds.map((ran, at) => {
    const step = { treatment: `t${at}`, state: "succeeded", attempt: 1, since: time(since), until: time(since + ran) };
    since += ran;
    return { ...step, queued: 0, booted: 1, ran: ran - 1 };
  });
}

describe("the critical path", () => {
  it("takes from its beginning to its end", () => {
    expect(took(steps(30, 104), Number.NaN)).toBe(134_000);
    expect(took([], 5)).toBe(0);
  });

  it("takes until now while its last treatment goes on", () => {
    const going = steps(30, 10).map((step, at) => (at ? { ...step, state: "running" } : step));
    expect(took(going, BEGIN + 90_000)).toBe(90_000);
  });

  it("says where its time went", () => {
    expect(spent(steps(31, 104))).toBe("2.0 s booting, 2 min 13 s running");
  });

  it("names the first and the last of many", () => {
    expect(named(steps(1, 2, 3))).toEqual(["t0", "t1", "t2"]);
    const many = named(steps(...Array.from({ length: 40 }, () => 2)));
    expect(many).toEqual(["t0", "t1", "t2", "t3", "t4", "t5", null, "t34", "t35", "t36", "t37", "t38", "t39"]);
  });

  it("lists those of many that took longest, in their order", () => {
    const many = steps(...Array.from({ length: 200 }, (_, at) => (at % 4 === 1 ? 10 : 2)));
    expect(listed(many).map((step) => Number(step.treatment.slice(1)) % 4)).toEqual(Array(50).fill(1));
    expect(listed(many.slice(0, 50))).toHaveLength(50);
  });

  it("leads over the nodes that the graph shows: an instance that is folded is its group", () => {
    const path = ["list", "test:a", "test", "gone", "end"].map((treatment) => ({
      ...(steps(1)[0] as Step),
      treatment,
    }));
    expect(onGraph(path, new Set(["list", "test", "end"]))).toEqual(["list", "test", "end"]);
    expect(onGraph(path, new Set(["list", "test:a", "test", "end"]))).toEqual(["list", "test:a", "test", "end"]);
    expect([...following(["list", "gone", "end"], ["end", "other", "list"])]).toEqual([
      [2, 0],
      [0, undefined],
    ]);
  });
});
