// Markdown that others wrote, as a tree of what may be shown: no HTML, no images, links to http(s) and mail only.
import { Lexer, type Token, type Tokens } from "marked";

export type Piece =
  | { kind: "text"; text: string }
  | { kind: "line-end" }
  | { kind: "rule" }
  | { kind: "code"; text: string }
  | { kind: "block"; text: string }
  | { kind: "link"; to: string; parts: Piece[] }
  | { kind: "list"; ordered: boolean; start: number; items: Piece[][] }
  | { kind: "table"; head: Piece[][]; rows: Piece[][][] }
  | { kind: "heading"; level: number; parts: Piece[] }
  | { kind: "em" | "strong" | "del" | "p" | "quote" | "group"; parts: Piece[] };

/** Deeper than this, text stays as it was written. */
const DEEPEST = 12;

export function markdown(text: string): Piece[] {
  return tokens(new Lexer({ gfm: true, breaks: false }).lex(text), 0);
}

function tokens(found: readonly Token[] | undefined, depth: number): Piece[] {
  return (found ?? []).flatMap((token) => piece(token, depth));
}

function piece(token: Token, depth: number): Piece[] {
  if (depth > DEEPEST) return [{ kind: "text", text: token.raw }];
  const parts = () => tokens((token as { tokens?: Token[] }).tokens, depth + 1);
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "br":
      return [{ kind: "line-end" }];
    case "hr":
      return [{ kind: "rule" }];
    case "code":
      return [{ kind: "block", text: (token as Tokens.Code).text }];
    case "codespan":
      return [{ kind: "code", text: (token as Tokens.Codespan).text }];
    case "heading":
      return [{ kind: "heading", level: (token as Tokens.Heading).depth, parts: parts() }];
    case "paragraph":
      return [{ kind: "p", parts: parts() }];
    case "blockquote":
      return [{ kind: "quote", parts: parts() }];
    case "em":
    case "strong":
    case "del":
      return [{ kind: token.type, parts: parts() }];
    case "link":
      return link(token as Tokens.Link, parts());
    case "image":
      return [{ kind: "text", text: (token as Tokens.Image).text || (token as Tokens.Image).href }];
    case "list":
      return [list(token as Tokens.List, depth)];
    case "table":
      return [table(token as Tokens.Table, depth)];
    case "text":
    case "escape":
      return (token as Tokens.Text).tokens
        ? [{ kind: "group", parts: parts() }]
        : [{ kind: "text", text: decoded((token as Tokens.Text).text) }];
    default:
      return [{ kind: "text", text: token.raw }]; // HTML, and whatever else there may come to be
  }
}

const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

function decoded(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (entity) => ENTITIES[entity] ?? entity);
}

function link({ href }: Tokens.Link, parts: Piece[]): Piece[] {
  return /^(https?:\/\/|mailto:)/i.test(href) ? [{ kind: "link", to: href, parts }] : [{ kind: "group", parts }];
}

function list(token: Tokens.List, depth: number): Piece {
  const items = token.items.map((item): Piece[] => {
    const mark: Piece[] = item.task ? [{ kind: "text", text: item.checked ? "☑ " : "☐ " }] : [];
    return [
      ...mark,
      ...tokens(
        item.tokens.filter((one) => one.type !== "checkbox"),
        depth + 1,
      ),
    ];
  });
  return { kind: "list", ordered: token.ordered, start: Number(token.start) || 1, items };
}

function table(token: Tokens.Table, depth: number): Piece {
  const cell = (one: Tokens.TableCell) => tokens(one.tokens, depth + 1);
  return { kind: "table", head: token.header.map(cell), rows: token.rows.map((row) => row.map(cell)) };
}
