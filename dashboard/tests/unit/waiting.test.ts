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
