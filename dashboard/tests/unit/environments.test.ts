import { describe, expect, it } from "vitest";
import { approvalsText, bodyOf, branchesText, pairsOf, pairsText } from "../../src/model/environments.ts";

const PLAIN = { name: "production", env: {}, secrets: {}, approvals: null, branches: [], protected_branches: false };
const RULE = { required: 2, timeout: 7_200, approvers: ["ada", "bob"], not_by_starter: true };

describe("what an environment asks", () => {
  it("is told in words", () => {
    expect([branchesText(PLAIN), approvalsText(PLAIN)]).toEqual(["every branch", "none"]);
    expect(branchesText({ ...PLAIN, branches: ["main", "release/*"] })).toBe("main, release/*");
    const guarded = { ...PLAIN, protected_branches: true };
    expect(branchesText(guarded)).toBe("branches that the code host protects");
    expect(branchesText({ ...guarded, branches: ["main"] })).toBe("main, if the code host protects them");
    expect(approvalsText({ ...PLAIN, approvals: RULE })).toBe(
      "2 approvals by ada, bob within 2 h, not by who started the run",
    );
  });
});

describe("its fields", () => {
  it("lead back to the environment", () => {
    const env = { REGION: "eu west", EMPTY: "", EQUAL: "a=b" };
    expect(pairsOf(pairsText(env))).toEqual(env);
    const fields = { required: "2", hours: "2", approvers: "ada, bob", starter: "no", branches: "main release/*" };
    expect(bodyOf({ ...fields, env: "A=1\n", secrets: "" })).toEqual({
      env: { A: "1" },
      secrets: {},
      branches: ["main", "release/*"],
      protected_branches: false,
      approvals: RULE,
    });
    expect(bodyOf({ required: "", protected: "yes" })).toMatchObject({ approvals: null, protected_branches: true });
  });

  it("name the line that is no pair", () => {
    expect(() => pairsOf("A=1\nREGION")).toThrow('"REGION" is no pair');
  });
});
