// A state as a symbol and a word: never by its colour alone.
import { tone, words } from "../model/states.ts";

const SHAPES: Record<string, string> = {
  succeeded: "M4.2 8.2 7 11l4.8-5.6",
  failed: "m5.3 5.3 5.4 5.4m0-5.4-5.4 5.4",
  soft_failed: "M8 4.6v4m0 2.6v.2",
  lost: "M6 6.3c.2-1.4 1-1.9 2-1.9s2 .7 2 1.8c0 1.5-2 1.6-2 3.1m0 2v.4",
  timed_out: "M8 4.6V8.2l2.4 1.6",
  running: "M6.4 5.2v5.6L11 8z",
  placing: "M4.8 8h.1M8 8h.1m3.1 0h.1",
  booting: "M4.8 8h.1M8 8h.1m3.1 0h.1",
  cancelling: "M5 8h6",
  pending: "",
  ready: "M8 8h.1",
  skipped: "m5.2 5.2 2.9 2.8-2.9 2.8m3.3-5.6L11.4 8l-2.9 2.8",
  cancelled: "m4.9 11.1 6.2-6.2",
};

export function StateMark({ state }: { state: string }) {
  const shape = SHAPES[state] ?? "";
  return (
    <svg class={`symbol tone-${tone(state)}`} viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.6" />
      {shape && <path d={shape} />}
    </svg>
  );
}

export function State({ state, note }: { state: string; note?: string | undefined }) {
  return (
    <span class={`state tone-${tone(state)}`}>
      <StateMark state={state} />
      <span>
        {words(state)}
        {note ? ` ${note}` : ""}
      </span>
    </span>
  );
}
