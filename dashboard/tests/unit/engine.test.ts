import { expect, it } from "vitest";
import { unreported } from "../../src/model/engine.ts";

it.each([
  [undefined, ""],
  [0, ""],
  [
    1,
    "1 value, which the engine did not report: start it with --debug-level detailed, or in a pool that captures full values",
  ],
  [
    3,
    "3 values, which the engine did not report: start it with --debug-level detailed, or in a pool that captures full values",
  ],
])("says that an engine did not report values: %s", (count, said) => {
  expect(unreported(count)).toBe(said);
});
