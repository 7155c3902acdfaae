import { describe, expect, it } from "vitest";
import { EVERYWHERE, meaning } from "../../src/model/keys.ts";

const press = (key: string, rest: object = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...rest });

describe("keys", () => {
  it("lead to pages, two in a row", () => {
    expect(meaning(press("r"), "g")).toEqual({ kind: "go", to: "runs" });
    expect(meaning(press("z"), "g")).toBeNull();
    expect(meaning(press("g"), null)).toBeNull();
  });

  it("open the sheet, or use what the page offers", () => {
    expect(meaning(press("?"), null)).toEqual({ kind: "help" });
    expect(meaning(press("e"), null)).toEqual({ kind: "use", key: "e" });
    expect(meaning(press("E"), "x")).toEqual({ kind: "use", key: "E" });
  });

  it.each(["ctrlKey", "metaKey", "altKey"])("with %s are the browser's", (held) => {
    expect(meaning(press("?", { [held]: true }), null)).toBeNull();
  });

  it.each(["Enter", "Tab", " ", "Escape", "ArrowDown"])("%s stays what it is", (key) => {
    expect(meaning(press(key), null)).toBeNull();
  });

  it("are each listed once", () => {
    expect(new Set(EVERYWHERE.map((one) => one.key)).size).toBe(EVERYWHERE.length);
  });
});
