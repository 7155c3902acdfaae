// One WebSocket for all that a page watches.
import { afterEach, beforeEach, expect, it, vi } from "vitest";

type Sent = { action: string; run?: string; ticket?: string };

class Socket {
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  isClosed = false;
  readonly sent: Sent[] = [];
  constructor() {
    sockets.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }
  close(): void {
    this.isClosed = true;
  }
  receive(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  /** Answers everything that is to be watched and was not yet. */
  confirm(): void {
    for (const { action, run } of this.sent.splice(0))
      if (action === "watch") this.receive({ kind: "watching", ...(run ? { run, number: 1 } : {}) });
  }
}

let sockets: Socket[] = [];

vi.stubGlobal("location", new URL("http://page/ui"));
vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
vi.stubGlobal("addEventListener", () => undefined);

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules();
  sockets = [];
  vi.stubGlobal("WebSocket", Socket);
  let tickets = 0;
  vi.stubGlobal("fetch", () => {
    tickets += 1;
    return Promise.resolve({ ok: true, text: async () => JSON.stringify({ ticket: `t${tickets}`, url: "/live" }) });
  });
});

afterEach(() => {
  vi.useRealTimers();
});

async function page() {
  const { watchList, watchRun } = await import("../../src/parts/watching.ts");
  const { heard } = await import("../../src/parts/announced.ts");
  const session = await import("../../src/api/session.ts");
  /** Begins to watch; returns what ends it. */
  const watch = (run: string | null) => {
    const controller = new AbortController();
    const channel = run === null ? watchList(controller.signal) : watchRun(run, controller.signal);
    return { channel, end: () => controller.abort() };
  };
  const opened = async () => {
    await vi.advanceTimersByTimeAsync(0);
    const socket = sockets.at(-1) as Socket;
    socket.onopen?.();
    return socket;
  };
  return { watch, heard, opened, session: session.session };
}

it("watches everything by one connection, which the first message opens", async () => {
  const { watch, heard, opened } = await page();
  watch("a");
  watch(null);
  const socket = await opened();
  expect(socket.sent).toEqual([{ action: "watch", run: "a", ticket: "t1" }]);
  socket.confirm();
  expect(socket.sent).toEqual([{ action: "watch" }]);
  socket.confirm();
  watch("b");
  expect(socket.sent).toEqual([{ action: "watch", run: "b" }]);
  socket.confirm();
  expect(["runs", "lines/a", "states/b"].map(heard)).toEqual([1, 1, 1]);
  socket.receive({ kind: "new", of: "lines", run: "a" });
  socket.receive({ kind: "new", of: "runs" });
  expect(["runs", "lines/a", "lines/b"].map(heard)).toEqual([2, 2, 1]);
  expect(sockets.length).toBe(1);
});

it("takes what is of each run, and reads anew where a second one begins to follow it", async () => {
  const { watch, opened } = await page();
  const a = watch("a");
  const b = watch("b");
  const socket = await opened();
  socket.confirm();
  socket.confirm();
  expect([await a.channel?.next(), await b.channel?.next()]).toEqual(["read", "read"]);
  const treatments = [{ name: "x", state: "failed" }];
  socket.receive({ kind: "states", run: "b", number: 2, state: {}, treatments });
  expect(await b.channel?.next()).toEqual({ state: {}, treatments });
  const second = watch("b");
  socket.confirm();
  expect([await b.channel?.next(), await second.channel?.next()]).toEqual(["read", "read"]);
});

it("keeps the connection from page to page, and ends what no page shows any more", async () => {
  const { watch, heard, opened } = await page();
  const list = watch(null);
  const socket = await opened();
  socket.confirm();
  list.end();
  await vi.advanceTimersByTimeAsync(1_000);
  const run = watch("a");
  socket.confirm();
  expect(heard("runs")).not.toBe(null);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(socket.sent).toEqual([{ action: "unwatch" }]);
  expect(heard("runs")).toBe(null);
  expect(heard("states/a")).not.toBe(null);
  run.end();
  await vi.advanceTimersByTimeAsync(2_500);
  expect(socket.isClosed).toBe(true);
  expect(heard("states/a")).toBe(null);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sockets.length).toBe(1);
});

it("goes on with the others where one run may not be watched, and begins with another one then", async () => {
  const { watch, heard, opened } = await page();
  watch("a");
  watch("b");
  const socket = await opened();
  socket.confirm();
  socket.receive({ kind: "problem", detail: "There is no run b.", run: "b" });
  expect(socket.isClosed).toBe(false);
  expect([heard("states/a"), heard("states/b")]).toEqual([1, null]);

  // The one that is refused is the first of the next connection's.
  socket.onclose?.();
  await vi.advanceTimersByTimeAsync(1_100);
  const next = await opened();
  expect(next.sent).toEqual([{ action: "watch", run: "a", ticket: "t2" }]);
  next.receive({ kind: "problem", detail: "There is no run a.", run: "a" });
  expect(next.isClosed).toBe(true);
});

it("connects at once where something else is to be watched, and says once that a connection is gone", async () => {
  const { watch, heard, opened } = await page();
  const list = watch(null);
  const socket = await opened();
  socket.confirm();
  const closed = socket.onclose;
  closed?.();
  expect(heard("runs")).toBe(null);
  watch("a");
  await vi.advanceTimersByTimeAsync(0);
  const other = await opened();
  other.confirm();
  other.confirm();
  expect(heard("runs")).not.toBe(null);
  // By the time the first one is closed, another one announces the same.
  socket.onclose?.();
  socket.receive({ kind: "new", of: "runs" });
  expect(heard("runs")).toBe(1);
  list.end();
});

it("connects anew for another session", async () => {
  const { watch, opened, session } = await page();
  watch(null);
  const socket = await opened();
  socket.confirm();
  session.value = { secret: "another" } as NonNullable<typeof session.value>;
  watch("a");
  expect(socket.isClosed).toBe(true);
  await vi.advanceTimersByTimeAsync(1_100);
  expect((await opened()).sent[0]).toMatchObject({ action: "watch", ticket: "t2" });
});
