// What Cadence announces by WebSocket, without content: who shows it reads it then, from its own position on.
const counts = new Map<string, number>();
const waiting = new Set<() => void>();

/** How often it was announced; null while nothing announces it. */
export const heard = (what: string): number | null => counts.get(what) ?? null;

export function announce(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
  for (const wake of waiting) wake();
}

/** Nothing announces it any more. */
export function silence(what: string): void {
  counts.delete(what);
  for (const wake of waiting) wake();
}

/** Resolves once it is announced again after `count` times, cannot be any more, or at the signal's end. */
export function announced(what: string, count: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      if (heard(what) === count && !signal.aborted) return;
      waiting.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    waiting.add(wake);
    signal.addEventListener("abort", wake);
    wake();
  });
}
