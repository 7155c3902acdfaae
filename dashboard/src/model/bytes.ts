// Bytes as text.
import { visible } from "./ansi.ts";

export function decoded(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** As `hexdump -C` writes them. */
export function hexdump(content: Uint8Array, offset = 0): string {
  const rows: string[] = [];
  for (let at = 0; at < content.length; at += 16) {
    const row = [...content.subarray(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const halves = [hex.slice(0, 8).join(" "), hex.slice(8).join(" ")].join("  ").padEnd(49);
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    rows.push(`${(offset + at).toString(16).padStart(8, "0")}  ${halves} |${text}|`);
  }
  return rows.join("\n");
}

/** As UTF-8; what is none is shown as the replacement character, and hidden characters as what they are. */
export function utf8(content: Uint8Array): string {
  return new TextDecoder().decode(content).split("\n").map(visible).join("\n");
}
