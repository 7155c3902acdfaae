// What waits for an answer, a tab or a connection leaves nothing behind.
import { getEventListeners } from "node:events";
import { afterEach, expect, it, vi } from "vitest";

vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
vi.stubGlobal("addEventListener", () => undefined);
vi.stubGlobal("location", new URL("http://page/ui"));

afterEach(() => {
  vi.useRealTimers();
});

it("leaves no listener on the signal of a page that is followed for days", async () => {
  const { shown, sleep } = await import("../../src/parts/live.ts");
  const { signal } = new AbortController();
  for (let times = 0; times < 5; times++) {
    await sleep(1, signal);
    Object.assign(document, { hidden: true });
    const back = shown(signal);
    Object.assign(document, { hidden: false });
    document.dispatchEvent(new Event("visibilitychange"));
    await back;
  }
  expect(getEventListeners(signal, "abort").length).toBe(0);
});

it("says once that a connection is gone: by the time it is closed another one announces the same", async () => {
  class Socket {
    onclose: (() => void) | null = null;
    onmessage: ((event: { data: string }) => void) | null = null;
    constructor() {
      sockets.push(this);
    }
    send(): void {}
    close(): void {}
  }
  const sockets: Socket[] = [];
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("fetch", () =>
    Promise.resolve({ ok: true, text: async () => JSON.stringify({ ticket: "t", url: "/v1/live/socket" }) }),
  );
  const { watchList } = await import("../../src/parts/watching.ts");
  const { heard } = await import("../../src/parts/announced.ts");
  const watch = async () => {
    const controller = new AbortController();
    watchList(controller.signal);
    const count = sockets.length;
    await vi.waitUntil(() => sockets.length > count);
    const socket = sockets.at(-1);
    socket?.onmessage?.({ data: JSON.stringify({ kind: "watching" }) });
    return { controller, socket };
  };
  const one = await watch();
  one.controller.abort();
  expect(heard("runs")).toBe(null);
  const other = await watch();
  expect(heard("runs")).not.toBe(null);
  one.socket?.onclose?.();
  expect(heard("runs")).not.toBe(null);
  other.controller.abort();
});
