// A state as a symbol and a word: never by its colour alone.
import { markOf } from "../model/marks.ts";
import { tone, words } from "../model/states.ts";

export function StateMark({ state }: { state: string }) {
  const shape = markOf(state);
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
