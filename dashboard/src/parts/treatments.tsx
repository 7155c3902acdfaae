// The treatments of a run as a table with their times as bars; long lists are made only as far as they are in view.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { components } from "../api/types.ts";
import { between, duration } from "../model/format.ts";
import { endOf, type Step } from "../model/path.ts";
import { broke, shownState } from "../model/states.ts";
import { spans } from "../model/timeline.ts";
import type { Change } from "../model/travel.ts";
import { href } from "../routes.ts";
import { State } from "./state.tsx";

type Treatment = components["schemas"]["TreatmentSummary"];

const ROW = 37;
const MANY = 150;
/** So many rows are made of many, of which some stand above the view. */
const MADE = 40;
const ABOVE = 10;

interface Props {
  run: string;
  treatments: readonly Treatment[];
  selected: string | null;
  start: string | null;
  end: string | null;
  now: number;
  /** A moment that is marked in the times. */
  at?: number | null;
  /** The states that each was in; where they are not read, times are those of the latest attempt. */
  changes?: ReadonlyMap<string, readonly Change[]> | undefined;
  /** The critical path, marked in the times. */
  path?: readonly Step[];
}

export function Treatments({ run, treatments, selected, start, end, now, at = null, changes, path = [] }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const begin = start ? Date.parse(start) : now;
  const until = Math.max(begin + 1, end ? Date.parse(end) : now);
  const steps = useMemo(() => new Map(path.map((step) => [step.treatment, step])), [path]);
  const many = treatments.length > MANY;
  // There may be fewer than at the time of the last scrolling, as at an earlier moment of the run.
  const first = many ? Math.max(0, Math.min(Math.floor(top / ROW) - ABOVE, treatments.length - MADE)) : 0;
  const shown = many ? treatments.slice(first, first + MADE) : treatments;

  useEffect(() => {
    const index = treatments.findIndex((one) => one.name === selected);
    if (many && index >= 0 && box.current) box.current.scrollTop = Math.max(0, index * ROW - 120);
  }, [selected, many]);

  return (
    <div
      class="treatments"
      ref={box}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      tabIndex={many ? 0 : undefined}
      role="region"
      aria-label="Table of treatments"
    >
      <table
        aria-rowcount={treatments.length + 1}
        class={at === null ? undefined : "at-moment"}
        style={at === null ? undefined : { "--moment": `${Math.max(0, (at - begin) / (until - begin)) * 100}%` }}
      >
        <thead>
          <tr>
            <th scope="col">Treatment</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Time
            </th>
            <th scope="col" class="bars-head">
              <span>0 s</span>
              <span>{duration(until - begin)}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr class="space" style={{ height: `${first * ROW}px` }} />}
          {shown.map((one, at) => (
            <tr key={one.name} class={one.name === selected ? "selected" : undefined} aria-rowindex={first + at + 2}>
              <th scope="row">
                <a class="clip" href={href({ page: "treatment", run, treatment: one.name })} title={one.name}>
                  {one.name}
                </a>
              </th>
              <td>
                <State state={shownState(one)} note={note(one)} />
              </td>
              <td class="number">{between(one.started_at ?? null, one.finished_at, now)}</td>
              <td class="bars">
                <Bars
                  treatment={one}
                  changes={changes?.get(one.name)}
                  step={steps.get(one.name)}
                  begin={begin}
                  until={until}
                  now={now}
                />
              </td>
            </tr>
          ))}
          {many && (
            <tr class="space" style={{ height: `${Math.max(0, treatments.length - first - shown.length) * ROW}px` }} />
          )}
        </tbody>
      </table>
    </div>
  );
}

function note(treatment: Treatment): string | undefined {
  if (broke(treatment.state) && treatment.exit_code !== null) return `(exit ${treatment.exit_code})`;
  return treatment.attempt > 1 ? `(attempt ${treatment.attempt})` : undefined;
}

interface BarsProps {
  treatment: Treatment;
  changes: readonly Change[] | undefined;
  /** What it had of the run's time on the critical path. */
  step: Step | undefined;
  begin: number;
  until: number;
  now: number;
}

const WORDS = { queued: "queued", booted: "booted in", ran: "ran" };

function Bars({ treatment, changes, step, begin, until, now }: BarsProps) {
  const found = spans(treatment, changes, now);
  if (!found.length && !step) return null;
  const place = (from: number, to: number) => ({
    left: `${Math.min(100, Math.max(0, ((from - begin) / (until - begin)) * 100)).toFixed(2)}%`,
    width: `max(2px, ${(Math.max(0, (to - from) / (until - begin)) * 100).toFixed(2)}%)`,
  });
  const attempts = new Set(found.map((span) => span.attempt)).size > 1;
  const words = found.map(
    (span) => `${attempts ? `attempt ${span.attempt} ` : ""}${WORDS[span.kind]} ${duration(span.to - span.from)}`,
  );
  return (
    <span class="bar-track" title={[...words, ...(step ? ["on the critical path"] : [])].join(", ")}>
      {found.map((span) => (
        <i
          key={`${span.attempt} ${span.kind} ${span.from}`}
          class={`bar-${span.kind} tone-${span.tone}`}
          style={place(span.from, span.to)}
        />
      ))}
      {step && <i class="bar-critical" style={place(Date.parse(step.since), endOf(step, now))} />}
    </span>
  );
}
