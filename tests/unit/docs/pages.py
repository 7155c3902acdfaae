"""Reads the Markdown pages of the repository: their prose, links, anchors and code blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "bench" / "README.md"],
)
# Pages that programs write; what they contain is tested where it comes from.
GENERATED = {DOCS / "access-matrix.md", DOCS / "cli.md", DOCS / "conformance.md", DOCS / "architecture" / "lambdas.md"}

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|~{3,})(?P<language>[\w-]*)")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced code block: its language (empty if not named), its text and the line of its fence."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{name(self.page)}:{self.line}"


def name(page: Path) -> str:
    """Returns a page's path from the root of the repository."""
    return page.relative_to(ROOT).as_posix()


def lines_and_blocks(page: Path) -> tuple[list[tuple[int, str]], list[Block]]:
    """Returns the page's lines outside of code blocks, each with its number from 1, and its code blocks."""
    outside: list[tuple[int, str]] = []
    blocks: list[Block] = []
    opened: re.Match[str] | None = None
    start, inside = 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, start, inside = fence, number, []
        elif opened is not None and fence and fence["fence"].startswith(opened["fence"]) and not fence["language"]:
            blocks.append(Block(page=page, line=start, language=opened["language"], text=_dedented(inside, opened)))
            opened = None
        elif opened is not None:
            inside.append(line)
        else:
            outside.append((number, line))
    assert opened is None, f"{name(page)}:{start}: the code block is not closed"
    return outside, blocks


def blocks(*languages: str) -> list[Block]:
    """Returns the code blocks of all pages in one of the languages."""
    return [block for page in PAGES for block in lines_and_blocks(page)[1] if block.language in languages]


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Yields the page's lines of prose: no code blocks, no tables, inline code left out."""
    for number, line in lines_and_blocks(page)[0]:
        if not line.lstrip().startswith(("|", "<!--")):
            yield number, _CODE.sub("``", line)


def text(page: Path) -> Iterator[tuple[int, str]]:
    """Yields the page's lines of prose and of tables, inline code left out."""
    for number, line in lines_and_blocks(page)[0]:
        yield number, _CODE.sub("``", line)


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Yields the targets of the page's links that are no web addresses, each with its line."""
    for number, line in lines_and_blocks(page)[0]:
        for found in _LINK.finditer(_CODE.sub(lambda code: code[0] if "](" not in code[0] else "", line)):
            if not re.match(r"[a-z]+:", found["target"]):
                yield number, found["target"]


def anchors(page: Path) -> set[str]:
    """Returns the anchors of the page's headings, as GitHub and the site make them."""
    found: dict[str, int] = {}
    for _, line in lines_and_blocks(page)[0]:
        if heading := re.match(r"#{1,6} (.*)", line):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
    return {slug if not n else f"{slug}-{n}" for slug, count in found.items() for n in range(count + 1)}


def _dedented(inside: list[str], fence: re.Match[str]) -> str:
    return "".join(f"{line.removeprefix(fence['indent'])}\n" for line in inside)
