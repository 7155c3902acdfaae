import { describe, expect, it } from "vitest";
import { href, parse, type Route } from "../../src/routes.ts";

const ROUTES: Route[] = [
  { page: "home" },
  { page: "runs" },
  { page: "run", run: "01hx" },
  { page: "run", run: "01hx", line: "12:7" },
  { page: "treatment", run: "01hx", treatment: "main/build#2" },
  { page: "value", run: "01hx", treatment: "a.b", port: "out" },
  { page: "diff", run: "01hx", other: "01hy" },
  { page: "trace", run: "01hx" },
  { page: "search" },
  { page: "pipelines" },
  { page: "pipeline", project: "shop", name: "or/ders" },
  { page: "fleet" },
  { page: "alerts" },
  { page: "approvals" },
  { page: "admin", part: "grants", name: null },
  { page: "admin", part: "repositories", name: "r1" },
  { page: "admin", part: "secrets", name: "shop" },
  { page: "admin", part: "dead-letters", name: "export-1" },
];

describe("addresses", () => {
  it.each(ROUTES)("lead back to $page", (route) => {
    expect(parse(href(route))).toEqual(route);
  });

  it("keep what a query says", () => {
    expect(href({ page: "runs" }, { state: "failed", branch: null, by: "a&b" })).toBe("/ui/runs?state=failed&by=a%26b");
  });

  it.each([
    "/ui/nothing",
    "/ui/runs/01hx/x",
    "/ui/runs/01hx/v/noport",
    "/ui/search/more",
    "/ui/admin/nothing",
    "/ui/admin/teams/x",
    "/ui/admin/limits/x",
    "/ui/pipelines/shop",
  ])("%s is none", (path) => {
    expect(parse(path)).toEqual({ page: "missing" });
  });

  it("of a comparison may name both runs first", () => {
    expect(parse("/ui/compare/01hx/01hy")).toEqual({ page: "diff", run: "01hx", other: "01hy" });
  });

  it("survive what is no percent-encoding", () => {
    expect(parse("/ui/runs/%zz")).toEqual({ page: "run", run: "%zz" });
  });
});
