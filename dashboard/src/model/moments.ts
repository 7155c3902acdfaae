// Times as a person writes them: so many hours or days from now, or ago.

/** A field's local time as the API takes it; null for what is no time. */
export function moment(text: string | null | undefined): string | null {
  const time = text ? new Date(text) : null;
  return time && !Number.isNaN(time.getTime()) ? time.toISOString() : null;
}

/** A time as a field for local times takes it, to the minute; empty for what is no time. */
export function localMinute(text: string | null | undefined): string {
  const time = text ? new Date(text) : null;
  if (!time || Number.isNaN(time.getTime())) return "";
  const two = (part: number) => String(part).padStart(2, "0");
  // A year has four digits, also while it is written digit by digit.
  const day = `${String(time.getFullYear()).padStart(4, "0")}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day}T${two(time.getHours())}:${two(time.getMinutes())}`;
}

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
