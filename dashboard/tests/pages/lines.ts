// Lines of a log, as the API answers with them.
import { RUN } from "./server.ts";

export function logLine(index: number, text: string) {
  const from = {
    project: "default",
    pipeline: "orders",
    run: RUN,
    treatment: "total",
    attempt: 1,
    runner: "r",
    pool: null,
  };
  const what = {
    time: "2026-11-30T05:11:25Z",
    stream: "stdout",
    level: "info",
    continued: false,
    track: null,
    gap: null,
  };
  return { ...from, ...what, text, seq: index, segment: 1, index };
}
