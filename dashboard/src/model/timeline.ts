// The times of a treatment as spans: queued, booted and ran, for each of its attempts.
import type { Tone } from "./states.ts";
import { hasEnded, shownState, tone } from "./states.ts";
import type { Change } from "./travel.ts";

export interface Span {
  kind: "queued" | "booted" | "ran";
  attempt: number;
  from: number;
  to: number;
  /** Of its attempt's end, or of what it is doing. */
  tone: Tone;
}

interface Timed {
  state: string;
  soft_failed: boolean;
  attempt: number;
  ready_at: string | null;
  started_at: string | null;
  finished_at: string | null;
}

const KINDS: Record<string, Span["kind"]> = {
  ready: "queued",
  placing: "queued",
  booting: "booted",
  running: "ran",
};

/**
 * The spans of a treatment until `now` at the most (milliseconds), from the changes of its states; without them, those
 * of its latest attempt, in which the time until it ran counts as queued.
 */
export function spans(treatment: Timed, changes: readonly Change[] | undefined, now: number): Span[] {
  const end = treatment.finished_at ? Date.parse(treatment.finished_at) : now;
  const last = tone(shownState(treatment));
  const { attempt } = treatment;
  if (!changes?.length) {
    if (!treatment.ready_at) return [];
    const ready = Date.parse(treatment.ready_at);
    const started = treatment.started_at ? Date.parse(treatment.started_at) : end;
    const queued: Span = { kind: "queued", attempt, from: ready, to: started, tone: "wait" };
    return treatment.started_at ? [queued, { kind: "ran", attempt, from: started, to: end, tone: last }] : [queued];
  }
  const found: Span[] = [];
  changes.forEach((change, at) => {
    const kind = KINDS[change.state];
    const next = changes[at + 1];
    const to = Math.min(next?.at ?? end, now);
    if (!kind || change.at >= to) return;
    const before = found.at(-1);
    if (before?.kind === kind && before.attempt === change.attempt && before.to === change.at) before.to = to;
    else found.push({ kind, attempt: change.attempt, from: change.at, to, tone: "wait" });
  });
  for (const span of found) {
    if (span.kind !== "ran") continue;
    const ended = changes.find((change) => change.attempt === span.attempt && isEnd(change.state));
    span.tone = span.attempt === attempt ? last : tone(ended?.state ?? "failed");
  }
  return found;
}

const isEnd = (state: string) => hasEnded(state) || state === "interrupted";
