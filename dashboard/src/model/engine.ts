// What a Mélodium engine has reported of a treatment inside of its process.

const REMEDY = "start it with --debug-level detailed, or in a pool that captures full values";

/** Says that an engine counted values and did not report them; empty if it reported all of them. */
export function unreported(count: number | undefined): string {
  if (!count) return "";
  const values = count === 1 ? "1 value" : `${count} values`;
  return `${values}, which the engine did not report: ${REMEDY}`;
}
