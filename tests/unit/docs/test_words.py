"""The documentation is written in lines of at most 120 characters and in plain technical English."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.docs.pages import GENERATED, PAGES, lines_and_blocks, name, prose, text

LONGEST_LINE = 120
FORBIDDEN = re.compile(
    r"\b(whoever|nobody|anybody|somebody|everybody|told|said|likewise"
    r"|what (?:it|they|he|she) (?:found|made|said)|what (?:became|becomes|came|comes) of|as they come"
    r"|needed are|held against|set aside|put aside|turnstiles?|custody)\b",
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"\s*(?:[-*]|\d+\.) ")
WRITTEN = [page for page in PAGES if page not in GENERATED]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_lines_of_prose_are_short(page: Path) -> None:
    """Only a link or a code span that does not fit a line on its own may be longer."""
    long = [
        number
        for number, line in lines_and_blocks(page)[0]
        if len(line) > LONGEST_LINE
        and not line.startswith(("|", "#"))
        and not any(len(piece) > LONGEST_LINE / 2 for piece in re.split(r"[ ]", line.strip()))
    ]
    assert long == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_words_are_plain(page: Path) -> None:
    found = [f"line {number}: {word[0]}" for number, line in text(page) for word in FORBIDDEN.finditer(line)]
    assert found == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_a_list_begins_after_an_empty_line(page: Path) -> None:
    """Otherwise the site shows the list as part of the paragraph before it."""
    lines = [line for _, line in prose(page)]
    wrong = [
        line
        for before, line in pairwise(lines)
        if _LIST_ITEM.match(line) and before.strip() and not _LIST_ITEM.match(before) and not before.startswith(" ")
    ]
    assert wrong == []
