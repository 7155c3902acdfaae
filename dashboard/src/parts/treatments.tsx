// The treatments of a run as a table with their times as bars; long lists are made only as far as they are in view.
import { useEffect, useRef, useState } from "preact/hooks";
import type { components } from "../api/types.ts";
import { between, duration } from "../model/format.ts";
import { broke, shownState, tone } from "../model/states.ts";
import { href } from "../routes.ts";
import { State } from "./state.tsx";

type Treatment = components["schemas"]["TreatmentSummary"];

const ROW = 37;
const MANY = 150;

interface Props {
  run: string;
  treatments: readonly Treatment[];
  selected: string | null;
  start: string | null;
  end: string | null;
  now: number;
  /** A moment that is marked in the times. */
  at?: number | null;
}

export function Treatments({ run, treatments, selected, start, end, now, at = null }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const begin = start ? Date.parse(start) : now;
  const until = Math.max(begin + 1, end ? Date.parse(end) : now);
  const many = treatments.length > MANY;
  const first = many ? Math.max(0, Math.floor(top / ROW) - 10) : 0;
  const shown = many ? treatments.slice(first, first + 40) : treatments;

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
                <Bars treatment={one} begin={begin} until={until} now={now} />
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
  begin: number;
  until: number;
  now: number;
}

function Bars({ treatment, begin, until, now }: BarsProps) {
  if (!treatment.ready_at) return null;
  const at = (time: number) => `${Math.min(100, Math.max(0, ((time - begin) / (until - begin)) * 100)).toFixed(2)}%`;
  const ready = Date.parse(treatment.ready_at);
  const end = treatment.finished_at ? Date.parse(treatment.finished_at) : now;
  const started = treatment.started_at ? Date.parse(treatment.started_at) : end;
  const width = (from: number, to: number) =>
    `max(2px, ${(Math.max(0, (to - from) / (until - begin)) * 100).toFixed(2)}%)`;
  return (
    <span
      class="bar-track"
      title={`waited for its runner ${duration(started - ready)}, ran ${duration(end - started)}`}
    >
      <i class="bar-queued" style={{ left: at(ready), width: width(ready, started) }} />
      {treatment.started_at && (
        <i
          class={`bar-ran tone-${tone(shownState(treatment))}`}
          style={{ left: at(started), width: width(started, end) }}
        />
      )}
    </span>
  );
}
