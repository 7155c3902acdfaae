// The way through a run's time: a slider from its beginning to its end, and steps from change to change.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { pages } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { clock, duration } from "../model/format.ts";
import { hasEnded } from "../model/states.ts";
import { nextMoment, type Travel, travelled, treatmentsAt } from "../model/travel.ts";
import { location_, setQuery } from "../navigation.ts";
import { useKept, useLoaded } from "./data.ts";
import { Failure } from "./notes.tsx";

type PathAt = typeof import("../model/path_at.ts").pathAt;
type Run = components["schemas"]["RunWithTreatments"];
type History = components["schemas"]["RunHistoryView"];
type Treatment = components["schemas"]["TreatmentSummary"];

const STEPS = 200;
const MOST_AT_ONCE = 500;
const NONE: readonly Treatment[] = [];

export interface Past {
  /** The moment that is shown, in milliseconds since 1970; null for now. */
  at: number | null;
  /** As they were at that moment. */
  treatments: readonly Treatment[];
  begin: number;
  end: number;
  ended: boolean;
  travel: Travel | null;
  /** Finds the critical path of a moment; there with `travel`. */
  pathAt: PathAt | null;
  error: Error | null;
  /** Shows a moment while the slider is dragged, without a new address. */
  drag: (at: number | null) => void;
  /** Asks for the history, which is read when it is first needed. */
  want: () => void;
}

/** The run at the moment of the address's `at`, or at the one to which the slider is dragged. */
export function usePast(id: string, run: Run | null, now: number): Past {
  const [dragged, drag] = useState<number | null>(null);
  const [wanted, setWanted] = useState(false);
  const given = Date.parse(new URLSearchParams(location_.value.search).get("at") ?? "");
  const asked = dragged ?? (Number.isNaN(given) ? null : given);
  const ended = run ? hasEnded(run.state) : false;
  // Of a run that has ended the times of all attempts are shown at once, unless it is long.
  const needed = wanted || asked !== null || (ended && (run?.treatments.length ?? 0) <= MOST_AT_ONCE);
  const loaded = useKept(
    id,
    useLoaded<{ travel: Travel; pathAt: PathAt } | null>(
      `history/${id}/${needed}/${ended}`,
      async (signal) => {
        if (!needed) return null;
        const [read, { pathAt }] = await Promise.all([
          pages<History>(["runs", id, "history"], {}, signal),
          import("../model/path_at.ts"), // needed for the past only
        ]);
        return { travel: travelled(read.flatMap((page) => page.treatments)), pathAt };
      },
      () => (needed && !ended ? 3_000 : null),
    ),
  );
  const begin = run ? Date.parse(run.created_at) : now;
  const end = Math.max(begin + 1, run?.finished_at ? Date.parse(run.finished_at) : now);
  const travel = loaded.value?.travel ?? null;
  const pathAt = loaded.value?.pathAt ?? null;
  const at = asked !== null && travel ? Math.min(end, Math.max(begin, asked)) : null;
  const all = run?.treatments ?? NONE;
  const treatments = useMemo(
    () => (at === null || travel === null ? all : treatmentsAt(all, travel, at)),
    [all, travel, at],
  );
  return { at, treatments, begin, end, ended, travel, pathAt, error: loaded.error, drag, want: () => setWanted(true) };
}

export function Scrubber({ past }: { past: Past }) {
  const { at, begin, end, ended, travel, error, drag, want } = past;
  const awaited = useRef<1 | -1 | null>(null);
  const go = (time: number | null) => {
    drag(null);
    setQuery({ at: time === null || time >= end ? null : new Date(time).toISOString() });
  };
  const step = (by: 1 | -1) => {
    if (travel) return go(nextMoment(travel, at ?? end, by) ?? (by === 1 ? null : begin));
    awaited.current = by;
    want();
  };
  useEffect(() => {
    if (travel && awaited.current) step(awaited.current);
    if (travel) awaited.current = null;
  }, [travel]);
  const size = Math.max(1, Math.round((end - begin) / STEPS));
  const chosen = (value: string) => (Number(value) + size > end - begin ? null : begin + Number(value));
  const shown = at === null ? (ended ? "at its end" : "now") : `${duration(at - begin)} after it was created`;
  return (
    <div class="travel">
      <button type="button" data-key="[" onClick={() => step(-1)} aria-label="The change before">
        ‹
      </button>
      <input
        type="range"
        min={0}
        max={end - begin}
        step={size}
        value={(at ?? end) - begin}
        aria-label="Moment of the run"
        aria-valuetext={shown}
        onFocus={want}
        onPointerEnter={want}
        onInput={(event) => drag(chosen(event.currentTarget.value) ?? end)}
        onChange={(event) => go(chosen(event.currentTarget.value))}
      />
      <button type="button" data-key="]" disabled={at === null} onClick={() => step(1)} aria-label="The change after">
        ›
      </button>
      <span class="travel-time" role="status">
        {at !== null && <time dateTime={new Date(at).toISOString()}>{clock(new Date(at).toISOString())}</time>}{" "}
        <span class="quiet-text">{shown}</span>
      </span>
      <button type="button" class={at === null ? "unseen" : undefined} disabled={at === null} onClick={() => go(null)}>
        {ended ? "To the end" : "To now"}
      </button>
      {error && <Failure error={error} />}
    </div>
  );
}
