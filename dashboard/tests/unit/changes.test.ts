import { describe, expect, it } from "vitest";
import { type Changes, follow, merged, type Named, type Source } from "../../src/model/changes.ts";

interface One {
  name: string;
  state: string;
}
interface Run {
  state: string;
  treatments: One[];
}

/** A server with a history: each entry is the run after one more change; positions are indexes into it. */
class Server implements Source<One, Run> {
  at = 0;
  asked: string[] = [];
  /** Answers that fail, by the number of the request. */
  cuts = new Set<number>();
  channel = true;
  overlap = 2;
  history: Run[];

  constructor(history: Run[]) {
    this.history = history;
  }

  private pass(what: string): void {
    this.asked.push(what);
    if (this.cuts.has(this.asked.length)) throw new Error("cut");
  }
  async position(): Promise<string> {
    if (!this.channel) throw new Error("no channel");
    return String(this.at);
  }
  async whole(): Promise<Run> {
    this.pass("whole");
    if (!this.channel) this.at = Math.min(this.at + 1, this.history.length - 1);
    return structuredClone(this.history[this.at] as Run);
  }
  async changes(after: string): Promise<Changes<One>> {
    // Each request finds the server a step further; changes before the position come again.
    this.at = Math.min(this.at + 1, this.history.length - 1);
    this.pass(`changes ${after}`);
    const since = Math.max(0, Number(after) - this.overlap);
    const old = new Map((this.history[since] as Run).treatments.map((one) => [one.name, one.state]));
    const now = this.history[this.at] as Run;
    const treatments = now.treatments.filter((one) => old.get(one.name) !== one.state);
    return {
      run: { state: now.state },
      treatments: structuredClone(treatments),
      reload: false,
      after: String(this.at),
    };
  }
  async shown(): Promise<void> {}
  async sleep(): Promise<void> {}
}

const HISTORY: Run[] = [
  { state: "running", treatments: [{ name: "a", state: "ready" }] },
  { state: "running", treatments: [{ name: "a", state: "running" }] },
  {
    state: "running",
    treatments: [
      { name: "a", state: "succeeded" },
      { name: "b", state: "ready" },
    ],
  },
  {
    state: "running",
    treatments: [
      { name: "a", state: "succeeded" },
      { name: "b", state: "running" },
    ],
  },
  {
    state: "failed",
    treatments: [
      { name: "a", state: "succeeded" },
      { name: "b", state: "failed" },
    ],
  },
];

async function followed(server: Server): Promise<{ shown: Run[]; errors: number }> {
  const shown: Run[] = [];
  let errors = 0;
  await follow(
    server,
    (run) => run.state === "failed",
    (run, error) => {
      if (error) errors += 1;
      else if (run) shown.push(run);
    },
    () => server.asked.length > 200,
  );
  return { shown, errors };
}

describe("following a run", () => {
  it("shows each state once, and ends with the run", async () => {
    const server = new Server(HISTORY);
    const { shown } = await followed(server);
    expect(shown).toEqual(HISTORY);
    expect(server.asked).toEqual(["whole", "changes 0", "changes 1", "changes 2", "changes 3"]);
  });

  it.each([1, 2, 3, 4, 5])("loses nothing when answer %i is cut", async (cut) => {
    const server = new Server(HISTORY);
    server.cuts.add(cut);
    const { shown, errors } = await followed(server);
    expect(errors).toBe(1);
    expect(shown.at(-1)).toEqual(HISTORY.at(-1));
    for (const run of shown) expect(new Set(run.treatments.map((one) => one.name)).size).toBe(run.treatments.length);
  });

  it("goes on from whole runs when the channel is cut for long", async () => {
    const server = new Server(HISTORY);
    for (const cut of [2, 3, 4]) server.cuts.add(cut);
    const { shown, errors } = await followed(server);
    expect(errors).toBe(3);
    expect(shown.at(-1)).toEqual(HISTORY.at(-1));
  });

  it("polls where there is no channel", async () => {
    const server = new Server(HISTORY);
    server.channel = false;
    const { shown } = await followed(server);
    expect(shown.at(-1)).toEqual(HISTORY.at(-1));
    expect(server.asked.every((what) => what === "whole")).toBe(true);
  });

  it("does not go back for what was pushed before it was read", () => {
    const ended: Named & One = { name: "a", state: "failed", attempt: 1, started_at: "1", finished_at: "2" };
    const run = { state: "running", treatments: [ended] };
    const older: Named & One = { name: "a", state: "running", attempt: 1, started_at: "1", finished_at: null };
    const changes = { run: {}, treatments: [older], reload: false, after: "1", pushed: true };
    expect(merged(run, changes).treatments).toEqual([ended]);
    const again: Named & One = { ...older, attempt: 2, started_at: null };
    expect(merged(run, { ...changes, treatments: [again] }).treatments).toEqual([again]);
    expect(merged(run, { ...changes, pushed: false }).treatments).toEqual([older]);
  });

  it("replaces what comes again", () => {
    const changes = { run: { state: "running" }, treatments: [{ name: "a", state: "x" }], reload: false, after: "1" };
    const once = merged<One, Run>(HISTORY[2] as Run, changes);
    expect(merged<One, Run>(once, changes)).toEqual(once);
    expect(once.treatments).toEqual([
      { name: "a", state: "x" },
      { name: "b", state: "ready" },
    ]);
  });
});
