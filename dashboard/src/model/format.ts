// Times and sizes in words.

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return parts(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return parts(Math.floor(minutes / 60), "h", minutes % 60, "min");
  return parts(Math.floor(minutes / 1440), "d", Math.floor((minutes % 1440) / 60), "h");
}

/** An amount in two units, of which the smaller one is left out where there is none of it. */
function parts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return `${large} ${largeUnit}${small ? ` ${small} ${smallUnit}` : ""}`;
}

export function between(start: string | null, end: string | null, now: number): string {
  if (!start) return "–";
  return duration((end ? Date.parse(end) : now) - Date.parse(start));
}

export function ago(time: string, now: number): string {
  const ms = now - Date.parse(time);
  if (ms < 5_000) return "now";
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.round(hours / 24)} days ago`;
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB", "TB", "PB"];
  let value = count;
  let unit = "B";
  for (const next of units) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export function clock(time: string): string {
  const date = new Date(time);
  const two = (part: number) => String(part).padStart(2, "0");
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** The failures of a run that do not fail it, if there are any. */
export function softFailures(count: number): string | undefined {
  return count ? `(${counted(count, "soft failure")})` : undefined;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** The words in the place of a value of which no beginning is stored, such as the source of a commit. */
export function unpreviewed(port?: string, size?: number): string {
  const what = port === "source-tree" ? "A tree of files" : "There is no preview of it";
  const command = port === "source-tree" ? " cadence value show RUN TREATMENT.source-tree --input lists them." : "";
  return `${what}${size === undefined ? "" : `, ${bytes(size)} in all`}.${command}`;
}
