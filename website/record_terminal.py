"""Records a terminal session as an animated SVG: `.venv/bin/python -m website.record_terminal` in a folder of a stack.

The commands run for real against the local stack of the folder (`cadence local up`); the lines appear in the picture
when they were printed, with long waits shortened. The picture loads nothing and stands still for readers who prefer
that.
"""

import io
import os
import re
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "assets" / "terminal.svg"
SESSION = (
    "cadence validate examples/hello.yaml",
    "cadence run examples/hello.yaml --follow",
    "cadence trace @last greet.greeting",
    "cadence run examples/failing.yaml --follow",
    "cadence show @failed",
)
COLUMNS = 104
_LONGEST_WAIT = 1.5
_AFTER_COMMAND = 1.5
_NAME = "terminal"
_FONT_FACE = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)


@dataclass(frozen=True)
class RecordedLine:
    """A line with its colours as ANSI sequences, and the seconds after which it appears."""

    after: float
    text: str


def record(commands: Iterable[str], folder: Path) -> list[RecordedLine]:
    """Runs the commands in `folder`, and returns what a terminal would show. A command may fail: some show failures."""
    recorded: list[RecordedLine] = []
    clock = 0.0
    for command in commands:
        recorded.append(RecordedLine(clock, f"\x1b[1;32m$\x1b[0m \x1b[1m{command}\x1b[0m"))
        clock += 0.5
        last = time.monotonic()
        for line in _lines_of(command.split(), folder):
            now = time.monotonic()
            clock += min(now - last, _LONGEST_WAIT)
            last = now
            recorded.append(RecordedLine(clock, line))
        recorded.append(RecordedLine(clock, ""))
        clock += _AFTER_COMMAND
    return recorded


def _lines_of(words: Sequence[str], folder: Path) -> Iterable[str]:
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "CADENCE_PAGER": ""}
    if "--follow" not in words:  # on a terminal, that redraws a table in place
        environment["FORCE_COLOR"] = "1"
    program = ROOT / ".venv" / "bin" / words[0]
    with subprocess.Popen(
        [program, *words[1:]],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        yield from (line.rstrip("\n") for line in process.stdout)


def picture(lines: Sequence[RecordedLine], title: str) -> str:
    """The lines as an SVG in which each appears at its time."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(Text.from_ansi(line.text), no_wrap=True, overflow="ellipsis", highlight=False)
    svg = _FONT_FACE.sub("\n", console.export_svg(title=title, unique_id=_NAME))
    rules = "\n".join(
        f'    [clip-path="url(#{_NAME}-line-{number})"] {{ animation-delay: {line.after:.2f}s }}'
        for number, line in enumerate(lines)
    )
    style = f"""<style>
    @keyframes appear {{ from {{ visibility: hidden }} to {{ visibility: visible }} }}
    @media (prefers-reduced-motion: no-preference) {{
    [clip-path^="url(#{_NAME}-line-"] {{ animation: appear 0.01s both }}
{rules}
    }}
    </style>"""
    head, end, rest = svg.partition("</style>")
    fonts = head.replace("Fira Code, monospace", "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace")
    return "\n".join(text.rstrip() for text in f"{fonts}{end}\n{style}{rest}".splitlines()) + "\n"


def main() -> None:
    """Records the session of the README."""
    recorded = record(SESSION, ROOT)
    PICTURE.write_text(picture(recorded, "Cadence"), encoding="utf-8")
    print(f"{PICTURE}: {len(recorded)} lines, {recorded[-1].after:.0f} s")


if __name__ == "__main__":
    main()
