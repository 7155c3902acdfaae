// Times as a person writes them: so many hours or days from now, or ago.

/**
 * The time that is `text` times `unit` (milliseconds; negative: ago) away from now, as the API takes it. Throws an Error
 * that says what to write for `what`.
 */
export function away(text: string, unit: number, what: string): string {
  const time = new Date(Date.now() + Number(text) * unit);
  if (!(Number(text) > 0) || Number.isNaN(time.getTime()))
    throw new Error(`Write ${what} as a number above 0; "${text}" is none, or too large.`);
  return time.toISOString();
}
