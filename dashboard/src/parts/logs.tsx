// A run's log: a scroller of its own, since browsers cannot lay out millions of rows.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { counted } from "../model/format.ts";
import { keptPlace, ROW, ratio, scrollTo, visibleWindow } from "../model/scroll.ts";
import { type Place, placeOf } from "../model/sparse.ts";
import { href, lineMark } from "../routes.ts";
import { files } from "./export.tsx";
import { Field } from "./field.tsx";
import { FilteredLog } from "./log_filtered.ts";
import { Row, Unread } from "./log_row.tsx";
import { AT_ONCE, firstLines, type LogSource } from "./log_source.ts";
import { WholeLog } from "./log_whole.ts";
import { Failure } from "./notes.tsx";

interface Props {
  run: string;
  treatment?: string | undefined;
  ended: boolean;
  /** `segment:index` of a line to begin at, which is marked. */
  mark?: string | null;
}

export function Logs({ run, treatment, ended, mark = null }: Props) {
  const [grep, setGrep] = useState("");
  const [level, setLevel] = useState("");
  const [wrap, setWrap] = useState(false);
  const [, redraw] = useState(0);
  const [error, setError] = useState<Error | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 480 });
  const following = useRef(!ended && !mark);
  const [unseen, setUnseen] = useState(0);
  const isOver = useRef(ended);
  isOver.current = ended;
  const [source, setSource] = useState<LogSource | null>(null);
  /** The row to be in the middle once it can be shown, which is then lit, and a place that is no place. */
  const [target, setTarget] = useState<{ row: number } | null>(null);
  const [isLost, setLost] = useState("");

  // A line's address leads to it among all lines.
  useEffect(() => {
    if (!mark) return;
    setGrep("");
    setLevel("");
  }, [mark]);

  useEffect(() => {
    const told = {
      changed: (added: number) => {
        if (added && !following.current && !isOver.current) setUnseen((count) => count + added);
        redraw((count) => count + 1);
      },
      failed: setError,
      isOver: () => isOver.current,
    };
    const isWhole = !treatment && !level && !grep;
    const made = isWhole ? new WholeLog(run, told) : new FilteredLog(run, told, { treatment, level, grep });
    setSource(made);
    setUnseen(0);
    setError(null);
    setTarget(null);
    if (mark) void go(made, { mark });
    return () => made.close();
  }, [run, treatment, level, grep, mark]);

  const count = source?.count ?? 0;
  const window_ = visibleWindow(count, view.top, view.height);
  useEffect(() => source?.look(window_.first, window_.count), [source, window_.first, window_.count, count > 0]);

  const before = useRef(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && following.current) element.scrollTop = element.scrollHeight;
    else if (element && ratio(count, element.clientHeight) > 1)
      element.scrollTop = keptPlace(before.current, count, element.scrollTop, element.clientHeight);
    before.current = count;
  }, [count, source]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !target) return;
    element.scrollTop = scrollTo(target.row, count, element.clientHeight);
    setView({ top: element.scrollTop, height: element.clientHeight });
  }, [target]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setView({ top: element.scrollTop, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  async function go(to: LogSource, place: Place | { mark: string }): Promise<void> {
    following.current = false;
    try {
      const row = await to.find(place);
      if (row !== null && row >= 0) setTarget({ row });
    } catch (problem) {
      if ((problem as Error).name !== "AbortError") setError(problem as Error);
    }
  }

  // Where a pixel stands for many rows, wheel and keys move by as much as they do elsewhere.
  const move = (event: Event, pixels: number) => {
    const element = box.current;
    const factor = element ? ratio(count, element.clientHeight) : 1;
    if (!element || factor === 1 || !pixels) return;
    event.preventDefault();
    const wanted = pixels / factor;
    element.scrollTop += Math.sign(wanted) * Math.max(1, Math.abs(wanted));
  };
  useEffect(() => {
    const element = box.current;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.shiftKey) move(event, event.deltaMode ? event.deltaY * ROW : event.deltaY);
    };
    const keyed = (event: KeyboardEvent) => {
      const page = (element?.clientHeight ?? 0) - 2 * ROW;
      const steps: Record<string, number> = { ArrowDown: 2 * ROW, ArrowUp: -2 * ROW, PageDown: page, PageUp: -page };
      if (event.target === element) move(event, steps[event.key] ?? 0);
    };
    element?.addEventListener("wheel", wheel, { passive: false });
    element?.addEventListener("keydown", keyed);
    return () => {
      element?.removeEventListener("wheel", wheel);
      element?.removeEventListener("keydown", keyed);
    };
  });

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW * 2;
    following.current = atEnd && !ended;
    if (atEnd) setUnseen(0);
    setView({ top: element.scrollTop, height: element.clientHeight });
  };

  const toError = async (step: 1 | -1) => {
    if (!source) return;
    following.current = false;
    const middle = target?.row ?? Math.round(window_.first + window_.count / 2);
    const row = await source.error(middle, step).catch((problem: Error) => {
      setError(problem);
      return null;
    });
    if (row === null) setLost("No line of it is an error.");
    else setTarget({ row });
  };

  const toPlace = (text: string) => {
    const place = text ? placeOf(text, source?.at(window_.first)?.time ?? null) : null;
    setLost(text && !place ? "Write a line's number, or a time such as 14:03:22." : "");
    if (place && source) void go(source, place);
  };

  const toEnd = async () => {
    const element = box.current;
    if (!element || !source) return;
    following.current = !ended;
    setUnseen(0);
    setTarget(null);
    await source.find("end").catch(setError);
    element.scrollTop = element.scrollHeight;
  };

  const saveLines = async (kind: "log" | "jsonl") => {
    try {
      const lines = await firstLines(run, { treatment, level, grep });
      const { saveJson, saveLog } = await files();
      (kind === "log" ? saveLog : saveJson)([run, treatment ?? ""], lines);
      setLost(lines.length < AT_ONCE ? "" : `The first ${counted(lines.length, "line")} were stored.`);
    } catch (problem) {
      setError(problem as Error);
    }
  };

  const rows = Array.from({ length: window_.count }, (_, at) => window_.first + at);
  const more = source?.more;
  const isRead = source?.isRead ?? false;
  const last = source?.at(count - 1)?.number ?? count;
  const digits = String(Math.max(last, count)).length;
  const address = (line: string) =>
    treatment === undefined ? href({ page: "run", run, line }) : href({ page: "treatment", run, treatment }, { line });
  return (
    <section class="card logs" aria-labelledby="logs-title">
      <div class="section-head">
        <h2 id="logs-title">Log</h2>
        <span class="quiet-text" role="status">
          {counted(count, "line")}
          {more?.later ? " of more" : ""}
        </span>
        {isLost && (
          <span class="uncertain" role="alert">
            {isLost}
          </span>
        )}
        <span class="fill" />
        <label class="inline">
          <span class="hidden">Find in the log (regular expression)</span>
          <Field type="search" data-key="f" placeholder="Find …" value={grep} commit={setGrep} />
        </label>
        <label class="inline">
          <span class="hidden">Go to a line or a time</span>
          <input
            class="place"
            data-key="j"
            placeholder="Line or time"
            onKeyDown={(event) => {
              if (event.key === "Enter") toPlace(event.currentTarget.value);
            }}
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
            onClick={() => void toError(-1)}
            disabled={count === 0}
            data-key="E"
            aria-label="Previous error"
          >
            ↑ error
          </button>
          <button
            type="button"
            onClick={() => void toError(1)}
            disabled={count === 0}
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
            {rows.map((row) => {
              const line = source?.at(row);
              if (!line) return <Unread key={row} number={row + 1} />;
              const name = lineMark(line);
              return (
                <Row
                  key={name}
                  line={line}
                  isMarked={row === target?.row || name === mark}
                  named={treatment === undefined}
                  address={address(name)}
                />
              );
            })}
          </div>
        </div>
        {count === 0 && !(error && !isRead) && (
          <p class={isRead ? "note" : "note loading"}>
            {!isRead ? "Loading …" : ended ? "There are no such lines." : "No line yet."}
          </p>
        )}
      </div>
      <div class="log-foot">
        {unseen > 0 && (
          <button type="button" class="primary" onClick={() => void toEnd()}>
            {counted(unseen, "new line")} ↓
          </button>
        )}
        {more?.earlier && (
          <button type="button" onClick={() => source?.read("earlier")}>
            Read earlier lines
          </button>
        )}
        {more?.later && (
          <button type="button" onClick={() => source?.read("later")}>
            Read {AT_ONCE.toLocaleString("en")} more
          </button>
        )}
        {count > 0 && (
          <>
            <button type="button" class="quiet" onClick={() => void saveLines("log")}>
              Save lines
            </button>
            <button type="button" class="quiet" aria-label="Save lines as JSON" onClick={() => void saveLines("jsonl")}>
              as JSON
            </button>
          </>
        )}
        <button type="button" class="quiet" data-key="l" onClick={() => void toEnd()}>
          To the end
        </button>
      </div>
    </section>
  );
}
