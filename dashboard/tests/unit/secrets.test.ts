import { describe, expect, it } from "vitest";
import { handedOverBy, linesNaming, secretBody } from "../../src/model/secrets.ts";

const PLAIN = { env: {}, approvals: null, branches: [], protected_branches: false };

describe("where a secret is used", () => {
  it("finds the environments that hand it over", () => {
    const environments = [
      { ...PLAIN, name: "production", secrets: { KEY: "deploy-key", OTHER: "other" } },
      { ...PLAIN, name: "staging", secrets: { STAGING_KEY: "deploy-key" } },
    ];
    expect(handedOverBy("deploy-key", environments)).toEqual(["production: KEY", "staging: STAGING_KEY"]);
    expect(handedOverBy("key", environments)).toEqual([]);
  });

  it("finds the lines that name it, in YAML and in JSON", () => {
    const yaml = [
      "secrets: {KEY: deploy-key, OTHER: other}",
      "  TOKEN: 'deploy-key' # of the site",
      "  # KEY: deploy-key",
      "  KEY: deploy-key-of-staging",
      "  run: echo deploy-key",
      "  LAST: deploy-key",
    ].join("\n");
    expect(linesNaming("deploy-key", yaml).map((one) => one.line)).toEqual([1, 2, 6]);
    expect(linesNaming("deploy-key", '{"secrets":{"KEY":"deploy-key"}}')).toHaveLength(1);
    expect(linesNaming("a.b", "K: a.b\nK: aXb").map((one) => one.line)).toEqual([1]);
  });
});

it("keeps, ends or sets the environment that a secret is bound to", () => {
  expect(secretBody("v", "as it is", "as it is", "all")).toEqual({ value: "v" });
  expect(secretBody("v", "all", "as it is", "all")).toEqual({ value: "v", environment: null });
  expect(secretBody("v", "production", "as it is", "all")).toEqual({ value: "v", environment: "production" });
});
