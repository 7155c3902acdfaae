import { expect, it } from "vitest";
import { markdown, type Piece } from "../../src/model/markdown.ts";

/** All pieces of a kind, at any depth. */
function all(pieces: readonly Piece[], kind: string): Piece[] {
  return pieces.flatMap((piece) => {
    const lists: Piece[][] =
      "parts" in piece
        ? [piece.parts]
        : piece.kind === "list"
          ? piece.items
          : piece.kind === "table"
            ? [...piece.head, ...piece.rows.flat()]
            : [];
    return [...(piece.kind === kind ? [piece] : []), ...lists.flatMap((inner) => all(inner, kind))];
  });
}

function text(pieces: readonly Piece[]): string {
  return all(pieces, "text")
    .map((piece) => (piece.kind === "text" ? piece.text : ""))
    .join("");
}

it("reads headings, lists, tables and code", () => {
  const found = markdown(
    "# Coverage\n\n- [x] `a`\n- b\n\n| file | % |\n|---|---|\n| a.py | 90 |\n\n```sh\nmake\n```\n",
  );

  expect(found.map((piece) => piece.kind)).toEqual(["heading", "list", "table", "block"]);
  expect(all(found, "code")).toEqual([{ kind: "code", text: "a" }]);
  expect(text(found)).toContain("☑ ");
  expect(found[3]).toEqual({ kind: "block", text: "make" });
});

it.each([
  "<script>alert(1)</script>",
  "a <img src=x onerror=alert(1)> b",
  "<iframe src='https://example.com'></iframe>",
  "<style>@import 'https://example.com'</style>",
])("shows HTML as it is written: %s", (html) => {
  expect(text(markdown(html))).toContain(html.replace(/^a |\sb$/g, ""));
});

it("loads no image", () => {
  const found = markdown("![the badge](https://example.com/pixel.png)");

  expect(text(found)).toBe("the badge");
  expect(all(found, "link")).toEqual([]);
});

it.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,a", "//example.com", "/v1/self", "vbscript:a"])(
  "makes no link to %s",
  (to) => {
    expect(all(markdown(`[name](${to})`), "link")).toEqual([]);
  },
);

it("links to pages and addresses", () => {
  const found = all(markdown("[a](https://example.com/b) <me@example.com> https://example.com/c"), "link");

  expect(found.map((piece) => piece.kind === "link" && piece.to)).toEqual([
    "https://example.com/b",
    "mailto:me@example.com",
    "https://example.com/c",
  ]);
});

it("shows marks that HTML would need spelt out", () => {
  expect(text(markdown("a < b && c &amp; \\<d>"))).toBe("a < b && c & <d>");
});

it("ends with what is nested too deeply", () => {
  expect(text(markdown(`${"> ".repeat(200)}end`))).toContain("end");
});
