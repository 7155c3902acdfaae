// Lines of a log, as the API answers with them.

/** The run of the recorded answers. */
const RUN = "01m8ndsm7fhdaqgt41f8h842tg";

export interface ServedLine {
  segment: number;
  index: number;
  level: string;
  time: string;
}

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
  return { ...from, ...what, text, seq: index, segment: 1, index, number: index + 1 };
}

/** Answers to a request about a log of `count` lines as the API does, whatever place of it is asked for. */
export function logPage(url: URL, count: number, line: (index: number) => ServedLine) {
  const query = url.searchParams;
  const limit = Number(query.get("limit") ?? 1_000);
  const among = (name: string, value: string) => query.get(name)?.split(",").includes(value) ?? true;
  const grep = query.get("grep");
  const matches = (served: ServedLine) => {
    const one = served as unknown as ReturnType<typeof logLine>;
    const isOf = among("treatment", one.treatment) || among("treatment", one.treatment.split(":")[0] as string);
    const isOfAttempt = among("attempt", String(one.attempt));
    return among("level", one.level) && isOf && isOfAttempt && (!grep || new RegExp(grep).test(one.text));
  };
  // The cursor of the end stays where it is when more is written.
  const cursor = (index: number) => {
    if (index < count) return `${line(index).segment}:${line(index).index}`;
    return count ? `${line(count - 1).segment}:${line(count - 1).index + 1}` : "1:0";
  };
  const place = (text: string): number => {
    if (text === "end") return count;
    const [segment = 0, index = 0] = text.split(":").map(Number);
    if (count && line(0).segment === line(count - 1).segment) return Math.min(index, count);
    for (let at = 0; at < count; at++) {
      const one = line(at);
      if (one.segment > segment || (one.segment === segment && one.index >= index)) return at;
    }
    return count;
  };
  const numbered = (index: number) => ({ ...line(index), number: index + 1 });
  const back = query.get("before");
  if (back !== null) {
    const end = place(back);
    const lines = [];
    let at = end;
    for (; at > 0 && lines.length < limit; at--) if (matches(line(at - 1))) lines.unshift(numbered(at - 1));
    return { lines, after: cursor(end), before: at ? cursor(at) : null, more: at > 0, total: count };
  }
  const after = query.get("after");
  const time = query.get("time");
  let first = after === null ? Number(query.get("line") ?? 1) - 1 : place(after);
  if (time !== null) while (first < count && line(first).time < time) first += 1;
  const lines = [];
  let at = Math.min(first, count);
  for (; at < count && lines.length < limit; at++) if (matches(line(at))) lines.push(numbered(at));
  return {
    lines,
    after: cursor(at),
    before: first ? cursor(first) : null,
    more: at < count,
    total: after === null ? count : null,
  };
}
