import { expect, it } from "vitest";
import { common } from "../../src/model/instances.ts";

const one = (state: string, os: string, python: number) => ({ state, matrix: { os, python } });

it("names the value that all failed instances have, and no other", () => {
  const instances = [
    one("failed", "mac", 3.11),
    one("failed", "mac", 3.12),
    one("succeeded", "linux", 3.11),
    one("succeeded", "linux", 3.12),
  ];
  expect(common(instances)).toEqual(["All failed instances have os = mac, and all instances with it failed."]);
});

it("says nothing where all, none or others failed as well", () => {
  expect(common([one("failed", "mac", 3.11), one("failed", "linux", 3.11)])).toEqual([]);
  expect(common([one("succeeded", "mac", 3.11)])).toEqual([]);
  expect(common([one("failed", "mac", 3.11), one("succeeded", "mac", 3.11), one("succeeded", "linux", 3.12)])).toEqual(
    [],
  );
});
