import { describe, expect, it } from "vitest";
import { brokenPipelines, poolProblems } from "../../src/model/attention.ts";

const run = (pipeline: string, state: string, replay_of: unknown = null, generated = false) => ({
  project: "p",
  pipeline,
  branch: null,
  state,
  replay_of,
  generated,
});

describe("broken pipelines", () => {
  it("are those whose newest ended run broke, with how often in a row", () => {
    const runs = [
      run("a", "running"),
      run("a", "failed"),
      run("b", "succeeded"),
      run("a", "cancelled"),
      run("a", "timed_out"),
      run("b", "failed"),
      run("a", "succeeded"),
      run("a", "failed"),
      run("c", "failed", { run_id: "x", treatment: "t" }),
      run("d", "failed", null, true),
    ];
    expect(brokenPipelines(runs).map((one) => [one.run.pipeline, one.times])).toEqual([["a", 2]]);
  });
});

describe("problems of pools", () => {
  const now = Date.parse("2026-11-30T12:00:00Z");
  const pool = (provider: string, rest: object = {}) => ({
    pool: { name: "one", provider },
    probe: null,
    refusals: [],
    queue: [],
    spending: null,
    ...rest,
  });
  const host = (last_seen: string, draining = false) => ({ pool: "one", name: "h", last_seen, draining });

  it("are told where a probe failed, an offer is refused, a budget is used up, or no host asks", () => {
    const refusal = { offer: "spot", reason: "no room", until: "2026-11-30T12:05:00Z" };
    const past = { ...refusal, until: "2026-11-30T11:00:00Z" };
    expect(poolProblems([pool("aws_ec2", { refusals: [refusal, past] })], [], now)).toEqual([
      { pool: "one", problem: "spot is refused: no room" },
    ]);
    const probe = { passed: false, error: null };
    expect(poolProblems([pool("gcp", { probe })], [], now)[0]?.problem).toBe("its last probe did not pass");
    const spending = { per_month: 200, currency: "EUR", spent: 180, set_aside: 10 };
    expect(poolProblems([pool("gcp", { spending })], [], now)).toEqual([]);
    expect(poolProblems([pool("gcp", { spending: { ...spending, set_aside: 20 } })], [], now)[0]?.problem).toBe(
      "nothing is left of this month's budget of 200 EUR",
    );
    const silent = host("2026-11-30T11:00:00Z");
    expect(poolProblems([pool("host", { queue: [1, 2] })], [silent], now)[0]?.problem).toBe(
      "2 wait, and no host asks for work",
    );
    expect(poolProblems([pool("host")], [silent], now)[0]?.problem).toBe("host h is silent");
  });

  it("are none where all is well", () => {
    const hosts = [host("2026-11-30T11:59:30Z"), host("2026-11-30T10:00:00Z", true)];
    expect(poolProblems([pool("host"), pool("gcp", { probe: { passed: true, error: null } })], hosts, now)).toEqual([]);
  });
});
