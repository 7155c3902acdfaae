// Lines that match a filter, while requests fail, come late, or are open when another one begins.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { logLine } from "../pages/lines.ts";

interface Open {
  query: URLSearchParams;
  /** Answers with lines of these numbers, of which the last is the place to go on at. */
  answer: (lines: number[], before?: string | null, more?: boolean) => Promise<void>;
  refuse: (status: number) => Promise<void>;
}

const page = Object.assign(new EventTarget(), { hidden: false });
vi.stubGlobal("document", page);
vi.stubGlobal("addEventListener", () => undefined);
const { FilteredLog } = await import("../../src/parts/log_filtered.ts");

describe("the lines of a log that match", () => {
  let open: Open[];

  beforeEach(() => {
    vi.useFakeTimers();
    open = [];
    page.hidden = false;
    vi.stubGlobal("fetch", (path: string) => {
      let resolve: (response: object) => void = () => undefined;
      const promise = new Promise<object>((done) => {
        resolve = done;
      });
      const send = async (status: number, content: object) => {
        resolve({ ok: status < 400, status, text: async () => JSON.stringify(content) });
        await vi.advanceTimersByTimeAsync(1_000);
      };
      open.push({
        query: new URL(path, "http://page").searchParams,
        answer: (numbers, before: string | null = null, more = false) => {
          const lines = numbers.map((number) => logLine(number - 1, `line ${number}`));
          return send(200, { lines, after: `1:${numbers.at(-1) ?? 0}`, before, more, total: null });
        },
        refuse: (status) => send(status, { code: "refused", detail: "Refused." }),
      });
      return promise;
    });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** A log whose first lines are there and whose next request is open. */
  async function opened(numbers: number[], before: string | null = null, changed = (_added: number) => {}) {
    const told = { changed, failed: () => undefined, isOver: () => false };
    const log = new FilteredLog("r", told, { treatment: "total" });
    await vi.advanceTimersByTimeAsync(0);
    await last().answer(numbers, before);
    return log;
  }

  const last = () => open.at(-1) as Open;
  const numbers = (log: InstanceType<typeof FilteredLog>) =>
    Array.from({ length: log.count }, (_, row) => log.at(row)?.number);

  it("are asked for further after a place could not be read", async () => {
    const log = await opened([1, 2]);
    const underWay = last();
    expect(underWay.query.get("wait")).toBe("2");
    const found = log.find({ line: 900 });
    const refused = expect(found).rejects.toThrow("Refused.");
    await last().refuse(503);
    await refused;
    await underWay.answer([3]);
    expect(numbers(log)).toEqual([1, 2, 3]);
    expect(last().query.get("after")).toBe("1:3");
    log.close();
  });

  it("are those of the place that was gone to, not those that were asked for before", async () => {
    const log = await opened([1, 2]);
    const underWay = last();
    const found = log.find({ line: 900 });
    await last().answer([900, 901]);
    expect(await found).toBe(0);
    await underWay.answer([3]);
    expect(numbers(log)).toEqual([900, 901]);
    expect(last().query.get("after")).toBe("1:901");
    log.close();
  });

  it("come once where the tab is shown again while a request is open", async () => {
    const log = await opened([1, 2]);
    const underWay = last();
    page.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
    expect(last()).not.toBe(underWay);
    await last().answer([3]);
    await underWay.answer([3]);
    expect(numbers(log)).toEqual([1, 2, 3]);
    log.close();
  });

  it("come once where earlier ones are asked for twice", async () => {
    const log = await opened([8, 9], "1:7");
    log.read("earlier");
    log.read("earlier");
    const [first, second] = open.slice(-2) as [Open, Open];
    await first.answer([6, 7], "1:5");
    await second.answer([6, 7], "1:5");
    expect(numbers(log)).toEqual([6, 7, 8, 9]);
    log.close();
  });

  it("are new only where they were written since the log was read to its end", async () => {
    const added: number[] = [];
    const log = await opened([], null, (count) => added.push(count));
    const found = log.find({ line: 5 });
    await last().answer([5, 6], null, true);
    await found;
    await last().answer([7, 8]);
    expect(added.every((count) => count === 0)).toBe(true);
    await last().answer([9]);
    expect(added.at(-1)).toBe(1);
    log.close();
  });

  it("can be read on with where as many are there as are read by themselves, while the run goes on", async () => {
    const log = await opened(Array.from({ length: 100_000 }, (_, at) => at + 1));
    expect(log.more.later).toBe(true);
    const before = open.length;
    log.read("later");
    await vi.advanceTimersByTimeAsync(0);
    expect(open.length).toBe(before + 1);
    await last().answer([100_001]);
    expect([log.count, log.more.later]).toEqual([100_001, false]);
    log.close();
  });

  it("are those of the place that was asked for last, whichever answer comes first", async () => {
    const log = await opened([1, 2]);
    const older = log.find({ line: 500 });
    const first = last();
    const newer = log.find({ line: 900 });
    await last().answer([900, 901]);
    expect(await newer).toBe(0);
    await first.answer([500, 501]);
    expect([await older, numbers(log)]).toEqual([null, [900, 901]]);
    log.close();
  });

  it("tell how far they moved down when earlier ones were read", async () => {
    const log = await opened([8, 9], "1:7");
    expect(log.above).toBe(0);
    log.read("earlier");
    await last().answer([5, 6, 7], "1:4");
    expect([log.above, log.at(log.above)?.number]).toEqual([3, 8]);
    log.close();
  });
});
