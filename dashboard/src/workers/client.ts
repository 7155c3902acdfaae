// Asks the worker for layouts. The page's policy lets only this module make addresses of scripts.
import type { Edge, Layout } from "../model/layout.ts";
import address from "./layout.ts?worker&url";

interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL(text: string): string },
  ): { createScriptURL(text: string): string };
}

let worker: Worker | null = null;
let last = 0;
const waiting = new Map<number, (layout: Layout) => void>();

function started(): Worker {
  if (worker) return worker;
  const policies = (window as unknown as { trustedTypes?: Policies }).trustedTypes;
  const own = (text: string) => {
    if (text !== address) throw new TypeError("not a script of this page");
    return text;
  };
  const script = policies
    ? policies.createPolicy("cadence", { createScriptURL: own }).createScriptURL(address)
    : address;
  worker = new Worker(script, { type: "module" });
  worker.onmessage = (event: MessageEvent<{ id: number; layout: Layout }>) => {
    waiting.get(event.data.id)?.(event.data.layout);
    waiting.delete(event.data.id);
  };
  return worker;
}

export function layOut(count: number, edges: Edge[], islands: number[] | null = null): Promise<Layout> {
  return new Promise((resolve) => {
    last += 1;
    waiting.set(last, resolve);
    started().postMessage({ id: last, count, edges, islands });
  });
}
