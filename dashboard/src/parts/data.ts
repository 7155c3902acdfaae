// Loading from the API inside of components: what is shown stays while the next answer is awaited.
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client.ts";
import { announced, heard } from "./announced.ts";

export interface Loaded<T> {
  value: T | null;
  error: Error | null;
}

/**
 * Calls `load` at once, when `key` changes, and `every` milliseconds after each answer (null: not again). Of what is
 * announced as `news`, it waits for the next announcement instead, for `most` milliseconds at the most, and at least as
 * long as the answer took: of what changes all the time, at most half of the time is spent on answers.
 * While Cadence cannot be reached it asks again, too. Nothing is asked for while the tab is hidden; a tab that comes back
 * asks at once.
 */
export function useLoaded<T>(
  key: string,
  load: (signal: AbortSignal, last: T | null) => Promise<T>,
  every: (value: T | null) => number | null = () => null,
  news = "",
  most: number | null = null,
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { key: string }>({ key, value: null, error: null });
  const current = useRef({ load, every });
  current.current = { load, every };
  useEffect(() => {
    const controller = new AbortController();
    let timer = 0;
    let failures = 0;
    let turn = 0;
    let last: T | null = null;
    const again = (ms: number | null) => {
      clearTimeout(timer);
      if (ms !== null) timer = setTimeout(ask, ms) as unknown as number;
    };
    const ask = async () => {
      if (document.hidden && last !== null) return; // `shown` goes on
      turn += 1;
      const mine = turn;
      const count = heard(news);
      const began = Date.now();
      try {
        const found = await current.current.load(controller.signal, last);
        // After it was asked again, as by a tab that came back, an older answer may come later.
        if (mine !== turn || controller.signal.aborted) return;
        last = found;
        failures = 0;
        setLoaded({ key, value: last, error: null });
        const ms = current.current.every(last);
        if (count === null || ms === null) return again(ms);
        const rested = 2 * Date.now() - began;
        const { signal } = controller;
        await announced(news, count, most === null ? signal : AbortSignal.any([signal, AbortSignal.timeout(most)]));
        if (mine === turn && !controller.signal.aborted) again(Math.max(0, rested - Date.now()));
      } catch (error) {
        if (mine !== turn || controller.signal.aborted) return;
        failures += 1;
        setLoaded({ key, value: last, error: error as Error });
        const unreachable = error instanceof Problem && error.status === 0;
        if (unreachable || current.current.every(last) !== null) again(Math.min(15_000, 500 * 2 ** failures));
      }
    };
    const shown = () => {
      if (!document.hidden && current.current.every(last) !== null) again(0);
    };
    document.addEventListener("visibilitychange", shown);
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [key]);
  return loaded.key === key ? loaded : { value: null, error: null };
}

/** Has changes of a run (null: of the list of runs) announced while `wanted`. */
export function useWatch(run: string | null, wanted = true): void {
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    if (wanted)
      import("./watching.ts").then(
        ({ watchList, watchRun }) => void (run === null ? watchList(signal) : watchRun(run, signal)),
        () => undefined, // requests that wait do as well
      );
    return () => controller.abort();
  }, [run, wanted]);
}

/** What was loaded last of the same subject, until the next answer is there: after a change, nothing disappears. */
export function useKept<T>(subject: string, loaded: Loaded<T>): Loaded<T> {
  const last = useRef<{ subject: string; value: T | null }>({ subject, value: null });
  if (loaded.value !== null || last.current.subject !== subject) last.current = { subject, value: loaded.value };
  return { value: last.current.value, error: loaded.error };
}

/** The time now, renewed every `ms` milliseconds while `running`. */
export function useNow(running: boolean, ms = 1000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [running, ms]);
  return running ? now : Math.max(now, Date.now());
}
