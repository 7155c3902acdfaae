// Follows a run inside of a component.
import { useEffect, useState } from "preact/hooks";
import { get, pages } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { follow } from "../model/changes.ts";
import type { Channel } from "../model/channel.ts";
import { hasEnded } from "../model/states.ts";
import type { Loaded } from "./data.ts";

type Schemas = components["schemas"];
type Run = Schemas["RunWithTreatments"];
type Treatment = Schemas["TreatmentSummary"];
type Changes = Schemas["RunChangesView"];

const WAIT = 2;

/** A run with all its treatments, as it is now. */
export function useRun(id: string): Loaded<Run> {
  const [loaded, setLoaded] = useState<Loaded<Run> & { id: string }>({ id, value: null, error: null });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const changes = (after: string | null, wait: number) =>
      get<Changes>(["runs", id, "changes"], { after, wait }, signal);
    let channel: Channel<Treatment> | null = null;
    import("./watching.ts").then(
      ({ watchRun }) => {
        channel = watchRun(id, signal);
      },
      () => undefined, // requests that wait do as well
    );
    void follow<Treatment, Run>(
      {
        position: async () => (await changes(null, 0)).after,
        whole: async () => {
          const found = await pages<Run>(["runs", id], {}, signal);
          return { ...(found[0] as Run), treatments: found.flatMap((page) => page.treatments) };
        },
        changes: async (after) => {
          const next = await channel?.next();
          if (!next || next === "read") return changes(after, next ? 0 : WAIT);
          return { run: next.state, treatments: next.treatments, reload: false, after, pushed: true };
        },
        shown: () => shown(signal),
        sleep: (ms) => sleep(ms, signal),
      },
      (run) => hasEnded(run.state),
      (value, error) => setLoaded({ id, value, error }),
      () => signal.aborted,
    ).then(() => controller.abort());
    return () => controller.abort();
  }, [id]);
  return loaded.id === id ? loaded : { value: null, error: null };
}

/** Resolves once the tab is in view, or at the signal's end. */
export function shown(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    document.addEventListener("visibilitychange", done);
    signal.addEventListener("abort", done);
  });
}

/** Resolves after so many milliseconds, or at the signal's end. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
