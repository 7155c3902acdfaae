// What an attempt used of what it could have, from its samples over time.

export interface Sample {
  at: string;
  cpu_ms: number;
  memory: number;
  disk_bytes: number | null;
}

/** CPU in thousandths of a core between each two samples. */
export function cores(samples: readonly Sample[]): number[] {
  return samples.slice(1).map((sample, at) => {
    const before = samples[at] as Sample;
    const ms = Date.parse(sample.at) - Date.parse(before.at);
    return ms > 0 ? (1_000 * Math.max(0, sample.cpu_ms - before.cpu_ms)) / ms : 0;
  });
}

/** Points of a line through the values, within a box of 100 by 20; `most` is the height. */
export function points(values: readonly number[], most: number): string {
  const last = Math.max(1, values.length - 1);
  return values
    .map((value, at) => `${((100 * at) / last).toFixed(1)},${(20 - 20 * Math.min(1, value / (most || 1))).toFixed(1)}`)
    .join(" ");
}
