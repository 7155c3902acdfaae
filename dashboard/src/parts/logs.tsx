// A run's log: a scroller of its own, since browsers cannot lay out millions of rows.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { pieces, plain } from "../model/ansi.ts";
import { fileName, jsonLines, logText } from "../model/export.ts";
import { clock, counted } from "../model/format.ts";
import { ROW, scrollTo, visibleWindow } from "../model/scroll.ts";
import { save } from "./export.tsx";
import { Failure } from "./notes.tsx";

type Line = components["schemas"]["LineView"];
type LogPage = components["schemas"]["LogPage"];

const PAGE = 2_000;
// Lines are kept in memory; more are read when the reader asks for them.
const AT_ONCE = 100_000;
const LONGEST = 4_000;

interface Props {
  run: string;
  treatment?: string | undefined;
  ended: boolean;
  /** `segment:index` of a line to begin at, which is marked. */
  mark?: string | null;
}

class Lines {
  all: Line[] = [];
  after: string | null = null;
  more = true;
  allowed = AT_ONCE;
  errors: number[] = [];

  add(page: LogPage): void {
    for (const line of page.lines) {
      if (line.level === "error" || line.level === "fatal" || line.level === "critical")
        this.errors.push(this.all.length);
      this.all.push(line);
    }
    this.after = page.after;
    this.more = page.more;
  }
}

export function Logs({ run, treatment, ended, mark = null }: Props) {
  const [grep, setGrep] = useState("");
  const [level, setLevel] = useState("");
  const [wrap, setWrap] = useState(false);
  const [, redraw] = useState(0);
  const [error, setError] = useState<Error | null>(null);
  const lines = useRef(new Lines());
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 480 });
  const following = useRef(!ended && !mark);
  const [unseen, setUnseen] = useState(0);
  const isOver = useRef(ended);
  isOver.current = ended;
  const [asked, setAsked] = useState(false);
  const resume = useRef<() => void>(() => undefined);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const current = new Lines();
    lines.current = current;
    setUnseen(0);
    setAsked(false);
    setError(null);
    redraw((count) => count + 1);
    let timer = 0;
    let failures = 0;
    let last = false;
    const later = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), ms) as unknown as number;
    };
    const ask = async () => {
      if (signal.aborted || (document.hidden && current.all.length)) return;
      if (current.all.length >= current.allowed) return;
      const over = isOver.current;
      try {
        const page = await get<LogPage>(
          ["runs", run, "logs"],
          { after: current.after, wait: over || current.after === null ? 0 : 2, limit: PAGE, treatment, level, grep },
          signal,
        );
        if (signal.aborted) return;
        failures = 0;
        setError(null);
        setAsked(true);
        current.add(page);
        if (page.lines.length) {
          if (!following.current && !over) setUnseen((count) => count + page.lines.length);
          redraw((count) => count + 1);
        }
        if (page.more) later(0);
        else if (!over) later(page.lines.length ? 150 : 50);
        // Once more after the end: the last lines may be stored a little later than the run's state.
        else if (!last) {
          last = true;
          later(1_500);
        }
      } catch (problem) {
        if (signal.aborted) return;
        failures += 1;
        setError(problem as Error);
        if (!(problem instanceof Problem) || problem.status === 0 || problem.status >= 500)
          later(Math.min(15_000, 500 * 2 ** failures));
      }
    };
    resume.current = () => later(0);
    const shown = () => {
      if (!document.hidden) later(0);
    };
    document.addEventListener("visibilitychange", shown);
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [run, treatment, level, grep, ended]);

  const all = lines.current.all;
  const marked = mark ? all.findIndex((line) => `${line.segment}:${line.index}` === mark) : -1;

  useLayoutEffect(() => {
    const element = box.current;
    if (element && following.current) element.scrollTop = element.scrollHeight;
  }, [all.length]);

  useLayoutEffect(() => {
    const element = box.current;
    if (element && marked >= 0) element.scrollTop = scrollTo(marked, all.length, element.clientHeight);
  }, [marked]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setView({ top: element.scrollTop, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW * 2;
    following.current = atEnd && !ended;
    if (atEnd) setUnseen(0);
    setView({ top: element.scrollTop, height: element.clientHeight });
  };

  const goTo = (row: number) => {
    const element = box.current;
    if (!element) return;
    following.current = false;
    element.scrollTop = scrollTo(row, all.length, element.clientHeight);
  };

  const toError = (step: 1 | -1) => {
    const element = box.current;
    const found = lines.current.errors;
    if (!element || !found.length) return;
    const now = visibleWindow(all.length, element.scrollTop, element.clientHeight);
    const middle = now.first + now.count / 2;
    const next = step === 1 ? found.find((row) => row > middle + 0.5) : found.findLast((row) => row < middle - 1.5);
    goTo(next ?? (step === 1 ? (found[0] as number) : (found.at(-1) as number)));
  };

  const toEnd = () => {
    const element = box.current;
    if (!element) return;
    following.current = !ended;
    setUnseen(0);
    element.scrollTop = element.scrollHeight;
  };

  const window_ = visibleWindow(all.length, view.top, view.height);
  const rows = all.slice(window_.first, window_.first + window_.count);
  const digits = String(all.length).length;
  return (
    <section class="card logs" aria-labelledby="logs-title">
      <div class="section-head">
        <h2 id="logs-title">Log</h2>
        <span class="quiet-text" role="status">
          {counted(all.length, "line")}
          {lines.current.more && all.length >= lines.current.allowed ? " of more" : ""}
        </span>
        <span class="fill" />
        <label class="inline">
          <span class="hidden">Find in the log (regular expression)</span>
          <input
            type="search"
            data-key="f"
            placeholder="Find …"
            value={grep}
            onChange={(event) => setGrep(event.currentTarget.value)}
          />
        </label>
        <label class="inline">
          <span class="hidden">Level</span>
          <select value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
            {["", "error", "warning", "info", "debug"].map((one) => (
              <option key={one} value={one}>
                {one || "all levels"}
              </option>
            ))}
          </select>
        </label>
        <span class="buttons">
          <button
            type="button"
            onClick={() => toError(-1)}
            disabled={!lines.current.errors.length}
            data-key="E"
            aria-label="Previous error"
          >
            ↑ error
          </button>
          <button
            type="button"
            onClick={() => toError(1)}
            disabled={!lines.current.errors.length}
            data-key="e"
            aria-label="Next error"
          >
            ↓ error
          </button>
          <button type="button" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
            Wide lines
          </button>
        </span>
      </div>
      {error && <Failure error={error} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keyboard */}
      <div class="log-box" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-label="Lines" aria-live="off">
        <div class="log-area" style={{ height: `${Math.max(window_.height, 1)}px`, "--digits": digits }}>
          <div class={wrap ? "log-rows wide" : "log-rows"} style={{ transform: `translateY(${window_.top}px)` }}>
            {rows.map((line, at) => (
              <Row
                key={`${line.segment}:${line.index}`}
                line={line}
                number={window_.first + at + 1}
                isMarked={window_.first + at === marked}
                named={treatment === undefined}
              />
            ))}
          </div>
        </div>
        {all.length === 0 && !(error && !asked) && (
          <p class={asked ? "note" : "note loading"}>
            {!asked ? "Loading …" : ended ? "There are no such lines." : "No line yet."}
          </p>
        )}
      </div>
      <div class="log-foot">
        {unseen > 0 && (
          <button type="button" class="primary" onClick={toEnd}>
            {counted(unseen, "new line")} ↓
          </button>
        )}
        {lines.current.more && all.length >= lines.current.allowed && (
          <button
            type="button"
            onClick={() => {
              lines.current.allowed += AT_ONCE;
              resume.current();
            }}
          >
            Read {AT_ONCE.toLocaleString("en")} more
          </button>
        )}
        {all.length > 0 && (
          <>
            <button
              type="button"
              class="quiet"
              onClick={() => save(fileName(run, treatment ?? "", "log"), logText(lines.current.all), "text/plain")}
            >
              Save lines
            </button>
            <button
              type="button"
              class="quiet"
              aria-label="Save lines as JSON"
              onClick={() =>
                save(fileName(run, treatment ?? "", "jsonl"), jsonLines(lines.current.all), "application/x-ndjson")
              }
            >
              as JSON
            </button>
          </>
        )}
        <button type="button" class="quiet" data-key="l" onClick={toEnd}>
          To the end
        </button>
      </div>
    </section>
  );
}

function Row({ line, number, isMarked, named }: { line: Line; number: number; isMarked: boolean; named: boolean }) {
  const text = line.text.length > LONGEST ? `${line.text.slice(0, LONGEST)}…` : line.text;
  const rest =
    line.text.length > LONGEST ? ` (${(line.text.length - LONGEST).toLocaleString("en")} more characters)` : "";
  return (
    <div class={`log-row level-${line.level}${isMarked ? " marked" : ""}${line.gap ? " gap" : ""}`}>
      <span class="log-number" aria-hidden="true">
        {number}
      </span>
      <time dateTime={line.time} title={line.time}>
        {clock(line.time)}
      </time>
      {named && (
        <span class="log-treatment" title={line.treatment}>
          {line.treatment}
        </span>
      )}
      <span class="log-text" title={line.text.length > 300 ? undefined : plain(line.text)}>
        {line.gap ? `— lines are missing here: ${plain(text) || "they were lost with their runner"}` : null}
        {!line.gap &&
          pieces(text).map((piece, at) => (
            <span key={at} class={piece.look || undefined} style={piece.colour ? { color: piece.colour } : undefined}>
              {piece.text}
            </span>
          ))}
        {rest}
      </span>
    </div>
  );
}
