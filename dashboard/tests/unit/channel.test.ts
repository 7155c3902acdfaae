import { describe, expect, it } from "vitest";
import { merged } from "../../src/model/changes.ts";
import { Channel, type Message } from "../../src/model/channel.ts";

interface One {
  name: string;
  state: string;
}
interface Run {
  state: string;
  treatments: One[];
}

const delta = (number: number, name: string, state: string, run = "r"): Message<One> => ({
  kind: "states",
  run,
  number,
  state: {},
  treatments: [{ name, state }],
});

function watched(number = 0): Channel<One> {
  const channel = new Channel<One>("r");
  channel.accept({ kind: "watching", run: "r", number });
  return channel;
}

describe("a channel", () => {
  it("begins with reading what changed before, and takes deltas in their order", async () => {
    const channel = watched(7);
    expect(await channel.next()).toBe("read");
    const waiting = channel.next();
    channel.accept(delta(8, "a", "running"));
    expect(await waiting).toEqual({ state: {}, treatments: [{ name: "a", state: "running" }] });
    channel.accept(delta(9, "a", "failed"));
    channel.accept({ ...delta(10, "b", "ready"), state: { state: "failed" } } as Message<One>);
    expect(await channel.next()).toEqual({
      state: { state: "failed" },
      treatments: [
        { name: "a", state: "failed" },
        { name: "b", state: "ready" },
      ],
    });
  });

  it("reads after a gap, of which the queue is a part, and goes on with the number that it got", async () => {
    const channel = watched();
    await channel.next();
    channel.accept(delta(1, "a", "ready"));
    channel.accept(delta(3, "a", "running"));
    expect(await channel.next()).toBe("read");
    channel.accept(delta(4, "a", "succeeded"));
    expect(await channel.next()).toEqual({ state: {}, treatments: [{ name: "a", state: "succeeded" }] });
  });

  it("ignores what it has seen and what is of other runs", async () => {
    const channel = watched(2);
    await channel.next();
    channel.accept(delta(3, "other", "running", "s"));
    channel.accept(delta(3, "a", "running"));
    channel.accept(delta(3, "a", "ready"));
    channel.accept(delta(1, "a", "pending"));
    expect(await channel.next()).toEqual({ state: {}, treatments: [{ name: "a", state: "running" }] });
  });

  it("notices by a sign of life that the last delta was lost", async () => {
    const channel = watched(2);
    await channel.next();
    const waiting = channel.next();
    expect(channel.accept({ kind: "pong", runs: { r: 2 } })).toBe(true);
    expect(channel.accept({ kind: "pong", runs: { r: 3 } })).toBe(true);
    expect(await waiting).toBe("read");
  });

  it("tells at once that nothing comes: without a connection, after a problem, and when it is not watched any more", async () => {
    const channel = new Channel<One>("r");
    expect(await channel.next()).toBe(null);
    channel.accept({ kind: "watching", run: "r", number: 0 });
    await channel.next();
    const waiting = channel.next();
    expect(channel.accept({ kind: "problem", detail: "The token is revoked." })).toBe(false);
    expect(channel.accept({ kind: "pong", runs: {} })).toBe(false);
    channel.lost();
    expect(await waiting).toBe(null);
  });

  it("keeps no long queue for a tab that is hidden", async () => {
    const channel = watched();
    await channel.next();
    for (let number = 1; number <= 600; number += 1) channel.accept(delta(number, `t${number}`, "running"));
    expect(await channel.next()).toBe("read");
    const waiting = channel.next();
    channel.accept(delta(601, "a", "running"));
    expect(await waiting).toEqual({ state: {}, treatments: [{ name: "a", state: "running" }] });
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "loses and doubles nothing, whatever is lost, repeated or turned (%i)",
    async (seed) => {
      let dice = seed * 7919;
      const roll = (sides: number) => {
        dice = (dice * 1103515245 + 12345) % 2147483648;
        return Math.floor(dice / 65536) % sides;
      };
      const server: Run = { state: "running", treatments: [] };
      let page: Run = structuredClone(server);
      const channel = watched();
      let number = 0;
      for (let step = 0; step < 300; step += 1) {
        const name = `t${roll(5)}`;
        const one = { name, state: `s${step}` };
        server.treatments = [...server.treatments.filter((other) => other.name !== name), one];
        number += 1;
        const message = delta(number, name, one.state);
        const fate = roll(10);
        if (fate > 1) channel.accept(message); // lost otherwise
        if (fate === 2) channel.accept(message);
        if (fate === 3) channel.accept({ kind: "pong", runs: { r: number } });
        if (fate === 4) {
          channel.lost();
          channel.accept({ kind: "watching", run: "r", number });
        }
      }
      channel.accept({ kind: "pong", runs: { r: number } });
      for (const _ of [1, 2]) {
        channel.check();
        const next = await channel.next();
        if (next === "read") page = structuredClone(server);
        else if (next)
          page = merged<One, Run>(page, { run: next.state, treatments: next.treatments, reload: false, after: "" });
      }
      const byName = (run: Run) => run.treatments.map((one) => `${one.name} ${one.state}`).sort();
      expect(byName(page)).toEqual(byName(server));
    },
  );
});
