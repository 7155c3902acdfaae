// Lines of logs as pieces with colours. Only colours and weights are kept of escape sequences; operating system
// commands (OSC), which could hold links or titles, are dropped, and characters that turn the direction of text are
// shown as what they are.

export interface Piece {
  text: string;
  /** Classes of the piece's colours and weight, such as `fg1 bold`. */
  look: string;
  colour?: string;
  /** Why it is marked: it is no text that a reader would see otherwise. */
  odd?: string;
}

interface Style {
  fg: string;
  rgb: string;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

const PLAIN: Style = { fg: "", rgb: "", bold: false, dim: false, italic: false, underline: false };
// OSC (to BEL or ST), other strings (DCS, SOS, PM, APC), CSI, and two-character sequences; unfinished ones as well.
const SEQUENCE =
  /\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)|\x1b\[([0-?]*)[ -/]*([@-~]|$)|\x1b./g;
// U+FFFD is what the agent keeps of bytes that are not UTF-8.
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]+/g;
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function pieces(line: string): Piece[] {
  const found: Piece[] = [];
  let style = PLAIN;
  let position = 0;
  const add = (text: string) => {
    let from = 0;
    for (const { 0: odd, index } of text.matchAll(ODD)) {
      if (index > from) found.push(piece(text.slice(from, index), style));
      from = index + odd.length;
      const shown = visible(odd);
      if (shown) found.push({ ...piece(shown, style, "odd"), odd: reasonOf(odd) });
    }
    if (from < text.length) found.push(piece(text.slice(from), style));
  };
  for (const match of line.matchAll(SEQUENCE)) {
    add(line.slice(position, match.index));
    position = match.index + match[0].length;
    if (match[2] === "m") style = restyled(style, match[1] ?? "");
  }
  add(line.slice(position));
  return found;
}

/** The text without escape sequences, for copying and searching. */
export function plain(line: string): string {
  return pieces(line)
    .map((one) => one.text)
    .join("");
}

export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.charCodeAt(0);
    if (code === 0x0d) return "";
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

function reasonOf(odd: string): string {
  if (/^\ufffd+$/.test(odd)) return "Bytes that are not UTF-8";
  return odd.includes("\ufffd") ? "Bytes that are not UTF-8, and hidden characters" : "Hidden characters";
}

function piece(text: string, style: Style, mark = ""): Piece {
  const look = [
    mark,
    style.fg,
    style.bold && "bold",
    style.dim && "dim",
    style.italic && "italic",
    style.underline && "under",
  ]
    .filter(Boolean)
    .join(" ");
  return style.rgb ? { text, look, colour: style.rgb } : { text, look };
}

function restyled(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => Number(code || 0));
  let next = { ...style };
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] as number;
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code >= 30 && code <= 37) Object.assign(next, { fg: `fg${code - 30}`, rgb: "" });
    else if (code >= 90 && code <= 97) Object.assign(next, { fg: `fg${code - 82}`, rgb: "" });
    else if (code === 39) Object.assign(next, { fg: "", rgb: "" });
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      if (code === 38 && colour) Object.assign(next, colour);
      at += used;
    }
  }
  return next;
}

function extended(codes: readonly number[], at: number): [Partial<Style> | null, number] {
  if (codes[at] === 5) {
    const index = codes[at + 1] ?? 0;
    return [index < 16 ? { fg: `fg${index}`, rgb: "" } : { fg: "", rgb: cube(index) }, 2];
  }
  if (codes[at] === 2) {
    const part = (offset: number) => Math.min(255, Math.max(0, codes[at + offset] ?? 0));
    return [{ fg: "", rgb: `rgb(${part(1)} ${part(2)} ${part(3)})` }, 4];
  }
  return [null, 0];
}

function cube(index: number): string {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (part: number) => (part ? 55 + part * 40 : 0);
  const offset = index - 16;
  return `rgb(${level(Math.floor(offset / 36))} ${level(Math.floor(offset / 6) % 6)} ${level(offset % 6)})`;
}
