"""Text of others on the user's terminal: colours pass, everything else that a terminal would obey does not."""

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_COLOUR = r"\x1b\[[0-9;:]*m"
_RESET = "\x1b[0m"
# Sequences that end with a letter, with BEL or ST (titles, clipboards, links), with two characters, and lone controls.
# One without an end loses its beginning only, so that no text disappears.
_OBEYED = re.compile(
    rf"(?P<colour>{_COLOUR})"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def harmless(text: str) -> str:
    """Returns a text without what a terminal would obey, except colours, which end with it."""
    if text.isprintable():
        return text
    kept = _OBEYED.sub(lambda match: match["colour"] or "", text)
    return kept + _RESET if "\x1b" in kept and not kept.endswith(_RESET) else kept


class HarmlessConsole(Console):
    """Prints whatever it is given without what a terminal would obey; its own styles and cursor movements remain."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(harmless(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError, which ends a pager's block, or the command with status 1."""
        raise


def console(**options: Any) -> HarmlessConsole:
    """Returns a console as all commands use it."""
    return HarmlessConsole(highlight=False, soft_wrap=True, **options)
