// A run's log: a scroller of its own, since browsers cannot lay out millions of rows.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Groups, ShownRows } from "../model/folds.ts";
import { counted } from "../model/format.ts";
import { between, isWithin, lineMark, numbersOf, rangeOf, rangeText } from "../model/line_range.ts";
import { firstVisible, keptPlace, ROW, ratio, scrollTo, visibleWindow } from "../model/scroll.ts";
import { placeOf } from "../model/sparse.ts";
import { location_, navigate, setQuery } from "../navigation.ts";
import { href, parse } from "../routes.ts";
import { files } from "./export.tsx";
import { Field } from "./field.tsx";
import { FilteredLog } from "./log_filtered.ts";
import { Among, Levels, listed } from "./log_filters.tsx";
import { Row, Unread } from "./log_row.tsx";
import { AT_ONCE, firstLines, type LogSource, markOf } from "./log_source.ts";
import { WholeLog } from "./log_whole.ts";
import { Failure } from "./notes.tsx";

interface Props {
  run: string;
  treatment?: string | undefined;
  /** Whether that is a group, whose lines are those of its instances. */
  isGroup?: boolean;
  /** The only attempt of it whose lines are shown; null for all. */
  attempt?: number | null;
  ended: boolean;
  /** A line, or a range of lines, to begin at, which is marked, as addresses name it. */
  mark?: string | null;
  /** Names of the run's treatments, of which some can be chosen. */
  among?: readonly string[];
  /** Names of the treatment's steps. */
  steps?: readonly string[];
}

/** Folded groups of a log: those of a log without filters, by their keys. */
const NONE: ReadonlySet<string> = new Set();

export function Logs(props: Props) {
  const { run, treatment, isGroup = false, attempt = null, ended, mark = null, among = [], steps = [] } = props;
  const query = new URLSearchParams(location_.value.search);
  const grep = query.get("grep") ?? "";
  const level = listed(query.get("level")).join(",");
  const of = treatment ?? listed(query.get("of")).join(",");
  const range = rangeOf(mark);
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
  const [target, setTarget] = useState<{ row: number; above: number } | null>(null);
  /** Of several ways to a place only the last one leads there, and none into another log. */
  const ways = useRef(0);
  const [isLost, setLost] = useState("");

  const groups = useRef(new Groups());
  const [folded, setFolded] = useState(NONE);
  /** The end of the marked range that moves, and what was marked here, where nothing has to be looked for. */
  const head = useRef<string | null>(null);
  const known = useRef<{ source: LogSource | null; mark: string | null }>({ source: null, mark: null });

  useEffect(() => {
    const told = {
      changed: (added: number) => {
        if (added && !following.current && !isOver.current) setUnseen((count) => count + added);
        redraw((count) => count + 1);
      },
      failed: setError,
      isOver: () => isOver.current,
    };
    const isWhole = !of && !level && !grep;
    const made = isWhole
      ? new WholeLog(run, told)
      : new FilteredLog(run, told, { treatment: of, attempt, level, grep });
    groups.current = new Groups();
    setFolded(NONE);
    setSource(made);
    setUnseen(0);
    setError(null);
    setLost("");
    setTarget(null);
    return () => {
      ways.current += 1;
      made.close();
    };
  }, [run, of, attempt, level, grep]);

  // What is marked here is in view; any other mark is gone to.
  useLayoutEffect(() => {
    const isKnown = known.current.source === source && known.current.mark === mark;
    known.current = { source, mark };
    if (!mark) setTarget(null);
    else if (source && range && !isKnown) {
      head.current = range.last;
      void lead(source, () => source.find({ mark: range.first })).then(() =>
        box.current?.scrollIntoView({ block: "nearest" }),
      );
    }
  }, [source, mark]);

  // All lines of one treatment are there one after the other, with the marks of their groups.
  const isOne = treatment !== undefined && !isGroup;
  if (isOne && !level && !grep && source) groups.current.take(source.count, (row) => source.at(row));
  const foldable = isOne ? groups.current.all.filter((group) => group.last > group.first) : [];
  const lines = new ShownRows(
    source?.count ?? 0,
    foldable.filter((group) => folded.has(group.key)),
  );
  const count = lines.count;
  const window_ = visibleWindow(count, view.top, view.height);
  useEffect(() => source?.look(window_.first, window_.count), [source, window_.first, window_.count, count > 0]);

  const above = source?.above ?? 0;
  const lit = target && target.row + above - target.above;
  const before = useRef({ count: 0, source, above });
  useLayoutEffect(() => {
    const element = box.current;
    const added = before.current.source === source ? above - before.current.above : 0;
    if (element && following.current) element.scrollTop = element.scrollHeight;
    else if (element && ratio(count, element.clientHeight) > 1)
      element.scrollTop = keptPlace(before.current.count, count, element.scrollTop, element.clientHeight);
    else if (element && added) element.scrollTop += lines.placeOf(added) * ROW;
    before.current = { count, source, above };
  }, [count, source, above]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || lit === null) return;
    element.scrollTop = scrollTo(lines.placeOf(lit), count, element.clientHeight);
    setView({ top: element.scrollTop, height: element.clientHeight });
  }, [target]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setView({ top: element.scrollTop, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  /** Shows the row that is found; returns it, or undefined where it does not count any more. */
  async function lead(to: LogSource, find: () => Promise<number | null>): Promise<number | null | undefined> {
    following.current = false;
    ways.current += 1;
    const mine = ways.current;
    try {
      const row = await find();
      if (mine !== ways.current) return undefined;
      show(to, row);
      return row;
    } catch (problem) {
      if (mine === ways.current) setError(problem as Error);
      return undefined;
    }
  }

  /** Has a row in the middle, and unfolds what it is in. */
  function show(to: LogSource, row: number | null): void {
    if (row === null || row < 0) return;
    const around = groups.current.all.filter((group) => group.first < row && row <= group.last);
    setFolded((before) =>
      without(
        before,
        around.map((group) => group.key),
      ),
    );
    setTarget({ row, above: to.above });
  }

  /** Marks a line or a range in the address; the page stays where it is. */
  function select(text: string | null): void {
    known.current.mark = text;
    const route = parse(location.pathname);
    if (route.page !== "run") setQuery({ line: text });
    else {
      const kept = Object.fromEntries([...query].filter(([name]) => name !== "line"));
      navigate(href({ page: "run", run, ...(text ? { line: text } : {}) }, kept), { replace: true });
    }
  }

  /** Moves one end of the marked range to a line. */
  function extend(to: string): void {
    const fixed = !range ? to : head.current === range.first ? range.last : range.first;
    head.current = to;
    select(rangeText(between(fixed, to)));
  }

  const choose = (event: MouseEvent, name: string) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.altKey) return;
    if (!event.shiftKey && (grep || level || (!treatment && of))) return; // its address leads to it among all lines
    event.preventDefault();
    if (event.shiftKey) return extend(name);
    head.current = name;
    select(name);
  };

  /** Extends the marked range by a line; where none of its ends is in view, it begins with the first line in view. */
  const extendBy = (step: 1 | -1) => {
    const element = box.current;
    if (!element) return;
    const first = Math.ceil(firstVisible(count, element.scrollTop, element.clientHeight));
    const names = Array.from({ length: window_.count }, (_, at) => {
      const line = source?.at(lines.rowAt(window_.first + at));
      return line ? lineMark(line) : null;
    });
    const from = range ? names.indexOf(head.current) : -1;
    const at = from < 0 ? Math.max(0, first - window_.first) : from + step;
    const to = names[at];
    if (!to) return;
    if (from < 0) {
      head.current = to;
      select(to);
    } else extend(to);
    const last = first + Math.floor(element.clientHeight / ROW) - 1;
    const place = window_.first + at;
    if (place < first || place > last) {
      element.scrollTop += step * ROW;
      setView({ top: element.scrollTop, height: element.clientHeight });
    }
  };

  // Where a pixel stands for many rows, wheel and keys move by as much as they do elsewhere.
  const move = (event: Event, pixels: number) => {
    const element = box.current;
    const factor = element ? ratio(count, element.clientHeight) : 1;
    if (!element || factor === 1 || !pixels) return;
    event.preventDefault();
    const wanted = pixels / factor;
    element.scrollTop += Math.sign(wanted) * Math.max(1, Math.abs(wanted));
  };
  // With what is drawn, so that a key that comes before it is painted finds the mark of the one before.
  useLayoutEffect(() => {
    const element = box.current;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.shiftKey) move(event, event.deltaMode ? event.deltaY * ROW : event.deltaY);
    };
    const keyed = (event: KeyboardEvent) => {
      if (event.target === element && event.shiftKey && /^Arrow(Up|Down)$/.test(event.key)) {
        event.preventDefault();
        return extendBy(event.key === "ArrowDown" ? 1 : -1);
      }
      if (event.target === element && event.key === "Escape" && mark) return select(null);
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
    const middle = lit ?? lines.rowAt(Math.round(window_.first + window_.count / 2));
    const row = await lead(source, () => source.error(middle, step));
    if (row !== undefined) setLost(row === null ? "No line of it is an error." : "");
  };

  const toPlace = async (text: string) => {
    const numbers = numbersOf(text);
    if (numbers) return toRange(numbers.first, numbers.last);
    const place = text ? placeOf(text, source?.at(lines.rowAt(window_.first))?.time ?? null) : null;
    setLost(text && !place ? "Write a line's number, two such as 10-20, or a time such as 14:03:22." : "");
    if (place && source) void lead(source, () => source.find(place));
  };

  /** Marks lines by their numbers in the whole log. */
  const toRange = async (first: number, last: number) => {
    if (!source) return;
    let marks: (string | null)[] = [];
    const row = await lead(source, async () => {
      marks = await Promise.all([markOf(run, first), markOf(run, last)]);
      return marks[0] ? source.find({ mark: marks[0] }) : null;
    });
    if (row === undefined) return;
    const [begin, end] = marks;
    setLost(begin ? "" : `The log has no line ${first.toLocaleString("en")}.`);
    if (!begin) return;
    head.current = end ?? begin;
    select(rangeText(between(begin, head.current)));
  };

  const toEnd = async () => {
    const element = box.current;
    if (!element || !source) return;
    following.current = !ended;
    setUnseen(0);
    setTarget(null);
    ways.current += 1;
    const mine = ways.current;
    await source.find("end").catch((problem: Error) => {
      if (mine === ways.current) setError(problem);
    });
    if (mine === ways.current) element.scrollTop = element.scrollHeight;
  };

  const saveLines = async (kind: "log" | "jsonl") => {
    try {
      const found = await firstLines(run, { treatment: of, attempt, level, grep });
      const { saveJson, saveLog } = await files();
      (kind === "log" ? saveLog : saveJson)([run, of.replaceAll(",", "-")], found);
      setLost(found.length < AT_ONCE ? "" : `The first ${counted(found.length, "line")} were stored.`);
    } catch (problem) {
      setError(problem as Error);
    }
  };

  const rows = Array.from({ length: window_.count }, (_, at) => lines.rowAt(window_.first + at));
  const total = source?.count ?? 0;
  const toggle = (key: string) => setFolded((all) => (all.has(key) ? without(all, [key]) : new Set([...all, key])));
  const more = source?.more;
  const isRead = source?.isRead ?? false;
  const last = source?.at(total - 1)?.number ?? total;
  const digits = String(Math.max(last, total)).length;
  const address = (line: string) =>
    treatment === undefined
      ? href({ page: "run", run, line })
      : href({ page: "treatment", run, treatment }, { attempt: attempt ? String(attempt) : null, line });
  return (
    <section class="card logs" aria-labelledby="logs-title">
      <div class="section-head">
        <h2 id="logs-title">Log{attempt && ` of attempt ${attempt}`}</h2>
        {attempt && (
          <button type="button" class="quiet" onClick={() => setQuery({ attempt: null })}>
            All attempts
          </button>
        )}
        <span class="quiet-text" role="status">
          {counted(total, "line")}
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
          <Field
            type="search"
            data-key="f"
            placeholder="Find …"
            value={grep}
            commit={(text) => setQuery({ grep: text || null })}
          />
        </label>
        <label class="inline">
          <span class="hidden">Go to a line, a range of lines or a time</span>
          <input
            class="place"
            data-key="j"
            placeholder="Line or time"
            onKeyDown={(event) => {
              if (event.key === "Enter") void toPlace(event.currentTarget.value);
            }}
          />
        </label>
        <Levels chosen={listed(level)} />
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
          {foldable.length > 0 && (
            <button
              type="button"
              data-key="z"
              onClick={() => setFolded(folded.size ? NONE : new Set(foldable.map((group) => group.key)))}
            >
              {folded.size ? "Unfold all" : "Fold all"}
            </button>
          )}
          <button type="button" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
            Wide lines
          </button>
        </span>
      </div>
      {!treatment && among.length > 1 && <Among names={among} chosen={listed(of)} />}
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
                  isMarked={row === lit || (range !== null && isWithin(range, line))}
                  named={!isOne}
                  address={address(name)}
                  choose={(event) => choose(event, name)}
                  groups={foldable
                    .filter((group) => group.first === row)
                    .map((group) => ({
                      group,
                      name: group.title ?? steps[(group.step ?? 0) - 1] ?? `Step ${group.step}`,
                      isFolded: folded.has(group.key),
                      toggle: () => toggle(group.key),
                    }))}
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
        {range && (
          <button type="button" class="quiet" data-key="u" onClick={() => select(null)}>
            Unmark
          </button>
        )}
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

function without(all: ReadonlySet<string>, keys: readonly string[]): ReadonlySet<string> {
  const left = new Set([...all].filter((key) => !keys.includes(key)));
  return left.size === all.size ? all : left;
}
