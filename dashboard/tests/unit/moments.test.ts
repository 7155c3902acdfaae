import { expect, it } from "vitest";
import { away, localMinute, moment } from "../../src/model/moments.ts";

const HOUR = 3_600_000;

it.each([
  ["2", HOUR, 2 * HOUR],
  ["0.5", HOUR, HOUR / 2],
  ["3", -HOUR, -3 * HOUR],
])("is %s times %d ms away", (text, unit, far) => {
  const before = Date.now();
  const time = Date.parse(away(text, unit, "hours"));
  expect(time).toBeGreaterThanOrEqual(before + far);
  expect(time).toBeLessThanOrEqual(Date.now() + far);
});

it.each(["two", "", "0", "-1", "1e30", "Infinity"])("refuses %j", (text) => {
  expect(() => away(text, HOUR, "hours")).toThrow(`Write hours as a number above 0; "${text}" is none`);
});

it("turns a field's local time into that of the API and back, to the minute", () => {
  const text = moment("2026-11-30T14:03");
  expect(text).toBe(new Date(2026, 10, 30, 14, 3).toISOString());
  expect(localMinute(text)).toBe("2026-11-30T14:03");
  // Of a year that is being written the first digit is there.
  expect(localMinute(moment("0002-11-30T14:03"))).toBe("0002-11-30T14:03");
  for (const none of ["", "soon", null, undefined]) expect([moment(none), localMinute(none)]).toEqual([null, ""]);
});
