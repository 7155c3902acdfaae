// Which key does what: keys of the pages everywhere, and of what the page at hand offers.

export interface Key {
  key: string;
  what: string;
}

export const EVERYWHERE: readonly Key[] = [
  { key: "?", what: "This sheet" },
  { key: "g h", what: "Home" },
  { key: "g r", what: "Runs" },
  { key: "g p", what: "Pipelines" },
  { key: "g s", what: "Search" },
  { key: "g f", what: "Fleet" },
  { key: "g a", what: "Approvals" },
  { key: "Tab, Enter", what: "To the next link or button, and use it" },
  { key: "Esc", what: "Close this sheet, leave a field" },
];

export type Action = { kind: "help" } | { kind: "go"; to: string } | { kind: "use"; key: string } | null;

export interface Stroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const GO: Record<string, string> = { h: "home", r: "runs", p: "pipelines", s: "search", f: "fleet", a: "approvals" };

/** What a key means after the one before it; a key with Ctrl, Alt or Meta is the browser's. */
export function meaning(stroke: Stroke, before: string | null): Action {
  if (stroke.ctrlKey || stroke.metaKey || stroke.altKey) return null;
  if (before === "g") {
    const to = GO[stroke.key];
    return to ? { kind: "go", to } : null;
  }
  if (stroke.key === "?") return { kind: "help" };
  return stroke.key.length === 1 && stroke.key !== "g" && stroke.key !== " " ? { kind: "use", key: stroke.key } : null;
}
