// Parameters of a run as a person writes them: NAME=VALUE, one a line.

/** Throws an Error that names the line which is none. A value may hold further `=`. */
export function parametersOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n").filter((one) => one.trim())) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`Write parameters as NAME=VALUE, one a line; "${line.trim()}" is none.`);
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}
