// Dead letters: their content as text, and redriving many of them.
import { counted } from "./format.ts";

export const KINDS = ["segment", "record", "export", "message"] as const;

/** The content as it is shown: text as it is, JSON with indents, other bytes as hex, sixteen a line. */
export function contentText(content: string, encoding: "utf-8" | "base64"): string {
  if (encoding === "base64") {
    const bytes = [...atob(content)].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0"));
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += 16) lines.push(bytes.slice(at, at + 16).join(" "));
    return lines.join("\n");
  }
  try {
    return JSON.stringify(JSON.parse(content), null, 2);
  } catch {
    return content; // lines, or JSON of which only the beginning is shown
  }
}

/** What came of redriving many: those that failed again are told with the first reason. */
export function redrivenText(done: number, failures: readonly string[]): string {
  const sent = `${counted(done, "dead letter")} redriven`;
  if (!failures.length) return `${sent}.`;
  return `${sent}, ${failures.length} failed: ${failures[0]}`;
}
