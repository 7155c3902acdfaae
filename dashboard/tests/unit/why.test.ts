import { expect, it } from "vitest";
import { lineAt, why } from "../../src/model/why.ts";

const at = (name: string, state: string, finished_at: string | null = null) => ({ name, state, finished_at });

it("tells what broke by itself from what broke because of it", () => {
  const treatments = [
    at("late", "failed", "2026-01-01T00:00:02Z"),
    at("early", "timed_out", "2026-01-01T00:00:01Z"),
    at("between", "skipped"),
    at("below", "failed", "2026-01-01T00:00:03Z"),
    at("beside", "succeeded"),
    at("stopped", "cancelled"),
  ];
  const links = [
    { source: "early", target: "between" },
    { source: "between", target: "below" },
    { source: "beside", target: "stopped" },
  ];
  expect(why(treatments, links)).toEqual({ roots: ["early", "late"], consequences: ["between", "below"] });
});

it("tells the instances that broke, not their group", () => {
  const treatments = [
    at("test", "failed", "2026-01-01T00:00:01Z"),
    at("test:a", "failed", "2026-01-01T00:00:01Z"),
    at("test:b", "succeeded"),
    at("deploy", "skipped"),
  ];
  const links = [{ source: "test", target: "deploy" }];
  expect(why(treatments, links)).toEqual({ roots: ["test:a"], consequences: ["test", "deploy"] });
  expect(why([at("each", "failed")], [])).toEqual({ roots: ["each"], consequences: [] });
});

it("comes to an end with a circle, and with edges from nowhere", () => {
  const links = [
    { source: "a", target: "b" },
    { source: "b", target: "a" },
    { source: "gone", target: "a" },
  ];
  expect(why([at("a", "succeeded"), at("b", "succeeded")], links)).toEqual({ roots: [], consequences: [] });
});

it("names lines as their addresses do", () => {
  expect(lineAt("3:1")).toBe("3:0");
  expect(lineAt("12:1400")).toBe("12:1399");
});
