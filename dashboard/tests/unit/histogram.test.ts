import { describe, expect, it } from "vitest";
import { barsOf, intervalOf, narrowed, rangeOf } from "../../src/model/histogram.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const range = (query: string) => {
  const found = rangeOf(query, NOW);
  return found && [new Date(found.since).toISOString(), new Date(found.until).toISOString(), found.isChosen];
};

describe("the time of a query", () => {
  it.each([
    ["since:2h boom", "2026-11-30T10:00:00.000Z", "2026-11-30T12:00:00.000Z"],
    ["since:1h30m until:30m", "2026-11-30T10:30:00.000Z", "2026-11-30T11:30:00.000Z"],
    ["boom since:yesterday until:today", "2026-11-29T00:00:00.000Z", "2026-11-30T00:00:00.000Z"],
    ["since:2026-11-24T10:15", "2026-11-24T10:15:00.000Z", "2026-11-30T12:00:00.000Z"],
    ["since:2026-11-24T10:15:00+01:00", "2026-11-24T09:15:00.000Z", "2026-11-30T12:00:00.000Z"],
    ["10m..5m boom", "2026-11-30T11:50:00.000Z", "2026-11-30T11:55:00.000Z"],
    ["2026-11-20..2026-11-22", "2026-11-20T00:00:00.000Z", "2026-11-23T00:00:00.000Z"],
    ["1d..", "2026-11-29T12:00:00.000Z", "2026-11-30T12:00:00.000Z"],
  ])("%s", (query, since, until) => {
    expect(range(query)).toEqual([since, until, false]);
  });

  it("begins a week ago where the query does not say", () => {
    expect(range('boom "since:2h"')).toEqual(["2026-11-23T12:00:00.000Z", "2026-11-30T12:00:00.000Z", true]);
    expect(rangeOf("boom", NOW)?.query).toBe("boom since:2026-11-23T12:00:00Z");
  });

  it.each(["since:soon", "since:1h until:2h", "until:never"])("is not known of %s", (query) => {
    expect(range(query)).toBeNull();
  });
});

describe("bars", () => {
  const found = (query: string) => {
    const one = rangeOf(query, NOW);
    if (!one) throw new Error(query);
    return one;
  };

  it.each([
    ["since:30s", 1],
    ["since:1h", 60],
    ["since:1d", 1_800],
    ["since:7d", 10_800],
    ["since:52w", 604_800],
  ])("of %s last %i seconds", (query, seconds) => {
    expect(intervalOf(found(query))).toBe(seconds);
  });

  it("are as many as the time has, whatever was counted", () => {
    const counts = [
      { start: "2026-11-30T11:58:00Z", value: "info", lines: 5 },
      { start: "2026-11-30T11:58:00Z", value: "error", lines: 2 },
      { start: "2026-11-29T11:58:00Z", value: "error", lines: 9 },
      { start: null, value: null, lines: 1 },
    ];
    const bars = barsOf(found("since:3m"), 60, counts);
    expect(bars.map(({ lines, errors }) => [lines, errors])).toEqual([
      [0, 0],
      [7, 2],
      [0, 0],
    ]);
    expect(new Date(bars[1]?.start ?? 0).toISOString()).toBe("2026-11-30T11:58:00.000Z");
  });

  it("lead to the query of their time", () => {
    const at = (query: string) => narrowed(query, NOW - 60_000, NOW);
    const times = "since:2026-11-30T11:59:00Z until:2026-11-30T12:00:00Z";
    expect(at('level:error since:2h "until: it broke" /a b/i')).toBe(`level:error "until: it broke" /a b/i ${times}`);
    expect(at("1d..2h boom until:now")).toBe(`boom ${times}`);
    expect(at("tests/a..b boom")).toBe(`tests/a..b boom ${times}`);
  });
});
