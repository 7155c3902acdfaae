import { expect, it } from "vitest";
import { parametersOf } from "../../src/model/parameters.ts";

it("reads one parameter a line", () => {
  expect(parametersOf("day = 2026-12-01\n\nquery=a=b\nempty=\n")).toEqual({
    day: "2026-12-01",
    query: "a=b",
    empty: "",
  });
  expect(parametersOf("")).toEqual({});
});

it.each(["day", "=2026"])("refuses %j", (line) => {
  expect(() => parametersOf(`a=1\n${line}`)).toThrow(`"${line}" is none`);
});
