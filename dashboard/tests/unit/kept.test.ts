// Dead letters and retention in words, and requests of which only some are open at once.
import { describe, expect, it } from "vitest";
import { contentText, redrivenText } from "../../src/model/dead_letters.ts";
import { inTurn } from "../../src/model/in_turn.ts";
import { lossText, mebibytesText, retentionText, storageText } from "../../src/model/retention.ts";

describe("a dead letter", () => {
  it("is shown as JSON, text or hex", () => {
    expect(contentText('{"a":1}', "utf-8")).toBe('{\n  "a": 1\n}');
    expect(contentText('{"a":1', "utf-8")).toBe('{"a":1');
    expect(contentText(btoa("\x00\xff0123456789abcdef"), "base64")).toBe(
      "00 ff 30 31 32 33 34 35 36 37 38 39 61 62 63 64\n65 66",
    );
  });

  it("is counted when it was redriven", () => {
    expect(redrivenText(1, [])).toBe("1 dead letter redriven.");
    expect(redrivenText(0, ["it is gone", "refused"])).toBe("0 dead letters redriven, 2 failed: it is gone");
  });
});

describe("retention", () => {
  it("is told with where it comes from", () => {
    expect(retentionText({ days: 30, own: null, longest: 30, holds: 0 })).toBe("30 days, as the installation");
    expect(retentionText({ days: 1, own: 1, longest: 30, holds: 0 })).toBe("1 day");
    const held = retentionText({ days: 1, own: 1, longest: 30, holds: 2 });
    expect(held).toBe("1 day; 2 legal holds: what is held is not deleted");
    const own = { used: 512 * 1_048_576, limit: 2_048 * 1_048_576, own: 2_048 * 1_048_576, most: 2 ** 40 };
    expect(storageText(own)).toBe("537 MB of 2.1 GB (25 %)");
    expect(mebibytesText(own)).toBe("2048");
    expect(mebibytesText({ ...own, own: null })).toBe("");
  });

  it("asks only where something is lost", () => {
    const before = { days: 7, own: 7, longest: 30, holds: 0 };
    expect(lossText(before, "3")).toContain("older than 3 days are removed");
    expect([lossText(before, "7"), lossText(before, ""), lossText({ ...before, days: 30 }, "")]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

it("has only some requests open at once, and keeps the order", async () => {
  let open = 0;
  let most = 0;
  const found = await inTurn([5, 1, 4, 2, 3], 2, async (item) => {
    open += 1;
    most = Math.max(most, open);
    await Promise.resolve();
    open -= 1;
    return item * 10;
  });
  expect([found, most]).toEqual([[50, 10, 40, 20, 30], 2]);
  expect(await inTurn([], 2, async () => 1)).toEqual([]);
  await expect(inTurn([1], 2, () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
});
