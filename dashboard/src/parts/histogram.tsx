// How many lines match over time; each bar leads to the lines of its time.
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { counted } from "../model/format.ts";
import { type Bar, barsOf, intervalOf, narrowed, rangeOf } from "../model/histogram.ts";
import { navigate } from "../navigation.ts";
import { href } from "../routes.ts";
import { useKept, useLoaded } from "./data.ts";
import { Failure } from "./notes.tsx";
import "../style/histogram.css";

type Counts = components["schemas"]["CountsView"];

/** `every`: milliseconds until the lines are counted again; null for once. */
export function Histogram({ q, every }: { q: string; every: number | null }) {
  const loaded = useKept(
    q,
    useLoaded(
      `counts/${q}/${every}`,
      async (signal) => {
        const range = rangeOf(q, Date.now());
        if (!range) return null;
        const interval = intervalOf(range);
        const counts = await get<Counts>(["logs", "counts"], { q: range.query, interval, by: "level" }, signal);
        return { range, bars: barsOf(range, interval, counts.counts), isComplete: counts.complete };
      },
      () => every,
    ),
  );
  if (loaded.error) return <Failure error={loaded.error} />;
  if (!loaded.value) return null;
  const { range, bars, isComplete } = loaded.value;
  const most = Math.max(1, ...bars.map((bar) => bar.lines));
  const total = bars.reduce((sum, bar) => sum + bar.lines, 0);
  const choose = (bar: Bar) => navigate(href({ page: "search" }, { q: narrowed(q, bar.start, bar.end) }));
  // One of the bars is in the order of Tab; arrows lead from bar to bar.
  const moved = (event: KeyboardEvent) => {
    const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLButtonElement>("button")];
    const here = all.indexOf(event.target as HTMLButtonElement);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))]?.focus();
  };
  const first = bars.findIndex((bar) => bar.lines > 0);
  return (
    <section class="card" aria-labelledby="histogram-title">
      <div class="section-head">
        <h2 id="histogram-title">Over time</h2>
        <span class="quiet-text">
          {isComplete ? "" : "at least "}
          {counted(total, "line")}
          {range.isChosen ? " within a week" : ""}
        </span>
      </div>
      <div class="histogram" role="group" aria-label="Lines over time; arrows lead from bar to bar" onKeyDown={moved}>
        {bars.map((bar, at) => {
          if (!bar.lines) return <i key={bar.start} />;
          const errors = bar.errors ? `, ${counted(bar.errors, "error")}` : "";
          const what = `${counted(bar.lines, "line")}${errors}, ${moment(bar.start)} to ${moment(bar.end)}`;
          return (
            <button
              key={bar.start}
              type="button"
              tabIndex={at === first ? 0 : -1}
              aria-label={what}
              title={what}
              onClick={() => choose(bar)}
            >
              <span style={{ height: `${Math.max(3, (bar.lines / most) * 100)}%` }}>
                {bar.errors > 0 && <span style={{ height: `${(bar.errors / bar.lines) * 100}%` }} />}
              </span>
            </button>
          );
        })}
      </div>
      <p class="histogram-ends quiet-text">
        <time dateTime={new Date(range.since).toISOString()}>{moment(range.since)}</time>
        <time dateTime={new Date(range.until).toISOString()}>{moment(range.until)}</time>
      </p>
    </section>
  );
}

function moment(time: number): string {
  const date = new Date(time);
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
