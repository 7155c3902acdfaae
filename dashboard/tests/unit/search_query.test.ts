import { describe, expect, it } from "vitest";
import { completed, completing, condition, has, known, queryOfValues, toggled } from "../../src/model/search_query.ts";

/** What is completed at the bar. */
const at = (text: string) => completing(text.replace("|", ""), text.indexOf("|"));

describe("what is completed", () => {
  it("is the name of a field, its value, or one of its values", () => {
    expect(at("tre|")).toEqual({ from: 0, to: 3, typed: "tre", field: null });
    expect(at("refused -(lev|")).toEqual({ from: 10, to: 13, typed: "lev", field: null });
    expect(at("a -level:er| b")).toEqual({ from: 9, to: 11, typed: "er", field: "level" });
    expect(at("level:error,wa|")).toEqual({ from: 12, to: 14, typed: "wa", field: "level" });
    expect(at("Treatment:test:3.|")).toEqual({ from: 10, to: 17, typed: "test:3.", field: "treatment" });
    expect(at('"a phrase" |')).toEqual({ from: 11, to: 11, typed: "", field: null });
  });

  it("is nothing in quotes, in regular expressions, and where no field has the name", () => {
    for (const text of ['"lev|', 'treatment:"a b|', "/lev|", "http:x|", "10.|", '"a"|']) expect(at(text)).toBeNull();
    expect(at("/a b/ lev|")?.typed).toBe("lev");
    expect(at("a/b lev|")?.typed).toBe("lev");
  });

  it("is known for fields, levels, streams, states and times", () => {
    const texts = (text: string) => known(at(text) as NonNullable<ReturnType<typeof at>>).map((one) => one.text);
    expect(texts("p|")).toEqual(["pipeline:", "project:", "pool:"]);
    expect(texts("level:|")).toEqual(["error", "warning", "info", "debug"]);
    expect(texts("stream:std|")).toEqual(["stdout", "stderr"]);
    expect(texts("level:error|")).toEqual([]);
    expect(texts("treatment:b|")).toEqual([]);
  });

  it("is asked for where it is not known, for a week only", () => {
    const query = (text: string) => queryOfValues(at(text) as NonNullable<ReturnType<typeof at>>);
    expect(query("treatment:bui|")).toBe("treatment:bui* since:1w");
    expect(query("pipeline:|")).toBe("since:1w");
    for (const text of ["level:e|", "state:f|", "since:1|", "tre|", "treatment:a*|"]) expect(query(text)).toBeNull();
  });

  it("takes the place of what was written, with quotes where a value needs them", () => {
    const choose = (text: string, chosen: string) =>
      completed(text.replace("|", ""), at(text) as NonNullable<ReturnType<typeof at>>, chosen);
    expect(choose("tr|", "treatment:")).toEqual({ text: "treatment:", cursor: 10 });
    expect(choose("level:er| refused", "error")).toEqual({ text: "level:error refused", cursor: 11 });
    expect(choose("a treatment:|", 'say "hi"')).toEqual({ text: 'a treatment:"say \\"hi\\"" ', cursor: 25 });
  });
});

describe("a condition", () => {
  it("is added once, and taken away again; what is connected by OR stays together", () => {
    const level = condition("level", "error");
    expect(toggled("refused since:2h", level)).toBe("refused level:error since:2h");
    expect(has("refused level:error since:2h", level)).toBe(true);
    expect(toggled("refused level:error since:2h", level)).toBe("refused since:2h");
    expect(toggled("a OR b since:2h", level)).toBe("(a OR b) level:error since:2h");
    const stream = condition("stream", "a service");
    expect(toggled(toggled("refused", stream), stream)).toBe("refused");
    expect(toggled("", condition("pool", "", true))).toBe('-pool:""');
  });
});
