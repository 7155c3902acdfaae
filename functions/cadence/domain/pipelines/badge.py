"""Badges: small pictures of a pipeline's state, for a page that shows it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from html import escape

_LONGEST_LABEL = 80
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LETTER = 7  # pixels of an average letter of Verdana at 11 pixels
_MARGIN = 10


class BadgeState(StrEnum):
    """What a badge says of a pipeline."""

    PASSING = "passing"
    FAILING = "failing"
    NO_RUNS = "no runs"


_COLOURS = {BadgeState.PASSING: "#1a7f37", BadgeState.FAILING: "#b42318", BadgeState.NO_RUNS: "#57606a"}


@dataclass(frozen=True, kw_only=True)
class BadgeSubject:
    """What a badge is about: a pipeline of a project, and its runs for one branch (None: for any).

    `repository` is the id of a connected repository or the full name of another one (None: any).
    """

    organization: str
    project: str
    pipeline: str
    repository: str | None = None
    branch: str | None = None


@dataclass(frozen=True, kw_only=True)
class BadgeSettings:
    """Who may see the badges of a project: all if they are `public`, else those who have a badge's token.

    Tokens are valid for one `generation` only.
    """

    public: bool = False
    generation: int = 0


def badge_svg(label: str, state: BadgeState) -> str:
    """Returns a badge as SVG without scripts or references; the label may be any text."""
    label = _NOT_IN_XML.sub("\ufffd", label[:_LONGEST_LABEL])
    left, right = _width(label), _width(state)
    text = escape(label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{text}: {state}"><title>{text}: {state}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#32383f"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[state]}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(text, left / 2, left)}{_text(state, left + right / 2, right)}</g></svg>\n"
    )


def _text(escaped: str, middle: float, width: int) -> str:
    return (
        f'<text x="{middle:g}" y="14" textLength="{width - _MARGIN}" lengthAdjust="spacingAndGlyphs">{escaped}</text>'
    )


def _width(text: str) -> int:
    return _LETTER * max(len(text), 1) + _MARGIN
