// The lines that a search finds, page by page, and those that come later where they are followed.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { lineMark } from "../model/line_range.ts";
import { shown, sleep } from "./live.ts";

type Schemas = components["schemas"];
export type FoundLine = Schemas["LineView"];

const PAGE = 100;
/** So many lines are shown; of those that are followed, the newest. */
export const MOST = 2_000;
const WAIT = 2;

export interface Found {
  /** Newest first; null before the first answer. */
  lines: readonly FoundLine[] | null;
  /** How many came since the search. */
  fresh: number;
  /** Down to which time everything was looked at; null for all of it. */
  reached: string | null;
  error: Error | null;
  /** Reads older lines; null where there are none, or too many are shown. */
  older: (() => void) | null;
}

interface State {
  key: string;
  lines: FoundLine[] | null;
  fresh: number;
  next: string | null;
  reached: string | null;
  error: Error | null;
}

export function useFound(q: string, isFollowed: boolean): Found {
  const key = `${isFollowed}/${q}`;
  const empty: State = { key, lines: null, fresh: 0, next: null, reached: null, error: null };
  const [state, setState] = useState<State>(empty);
  const signal = useRef<AbortSignal>(new AbortController().signal);
  const isReading = useRef(false);

  useEffect(() => {
    const controller = new AbortController();
    signal.current = controller.signal;
    isReading.current = false;
    setState(empty);
    const failed = (error: Error | null) => {
      if (!controller.signal.aborted) setState((all) => ({ ...all, error }));
    };
    const read = async () => {
      // The place comes before the search, so that no line is missed in between; those in both are shown once.
      const after = isFollowed
        ? (await get<Schemas["LivePageView"]>(["logs", "live"], { q }, controller.signal)).after
        : null;
      const page = await get<Schemas["FoundPage"]>(["logs"], { q, limit: PAGE }, controller.signal);
      setState({ ...empty, lines: page.lines, next: page.next, reached: page.reached });
      if (after === null) return;
      const known = new Set(page.lines.map(lineKey));
      await follow(q, after, controller.signal, failed, (lines) => {
        const added = lines.filter((line) => !known.has(lineKey(line))).reverse();
        setState((all) => {
          const together = [...added, ...(all.lines ?? [])];
          const next = together.length > MOST ? null : all.next;
          return { ...all, lines: together.slice(0, MOST), next, fresh: all.fresh + added.length, error: null };
        });
      });
    };
    if (q) void read().catch(failed);
    return () => controller.abort();
  }, [key]);

  const older = async () => {
    if (isReading.current || state.key !== key) return;
    isReading.current = true;
    const mine = signal.current;
    const cursor = state.next;
    try {
      const page = await get<Schemas["FoundPage"]>(["logs"], { q, limit: PAGE, cursor }, mine);
      setState((all) => {
        // Too many lines have come meanwhile: those that these follow are not shown any more.
        if (all.next !== cursor) return all;
        const lines = [...(all.lines ?? []), ...page.lines];
        return { ...all, lines, next: page.next, reached: page.reached, error: null };
      });
    } catch (error) {
      if (!mine.aborted) setState((all) => ({ ...all, error: error as Error }));
    } finally {
      if (mine === signal.current) isReading.current = false;
    }
  };
  const now = state.key === key ? state : empty;
  const canRead = now.next !== null && (now.lines?.length ?? 0) < MOST;
  return { ...now, older: canRead ? () => void older() : null };
}

/** Asks for lines after a place until the signal ends, also after failures; not while the tab is hidden. */
async function follow(
  q: string,
  from: string,
  signal: AbortSignal,
  failed: (error: Error) => void,
  came: (lines: FoundLine[]) => void,
): Promise<void> {
  let after = from;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await shown(signal);
      const page = await get<Schemas["LivePageView"]>(["logs", "live"], { q, after, wait: WAIT }, signal);
      after = page.after;
      // After failures also without lines: it is well again.
      if (page.lines.length || failures) came(page.lines);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failed(error as Error);
      // A place that is too old, or a query that may not be asked, does not get better.
      if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) return;
      failures += 1;
      await sleep(Math.min(15_000, 500 * 2 ** failures), signal);
    }
  }
}

export function lineKey(line: FoundLine): string {
  return `${line.run}/${lineMark(line)}`;
}
