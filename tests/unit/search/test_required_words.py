"""Which words a regular expression needs: never one that a text it is found in has not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.domain.search.matching import LineOwner, Matcher
from cadence.domain.search.query import Prefix, Query, Word
from cadence.domain.search.regex import BadRegex, searches
from cadence.domain.search.required import required_words
from cadence.domain.search.tokens import plain

OWNER = LineOwner("o", "p", "x", "r")


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        (r"timeout after \d+ s", [Word("after"), Prefix("s")]),
        (r"^ERROR: (no|any) such file$", [Word("error"), Word("such"), Word("file")]),
        (r"(?i)^Connection Refused", [Word("connection"), Prefix("refused")]),
        (r"code=[0-9]+", []),
        (r"error|warning", []),
        (r" fo+ ba? ", [Prefix("fo"), Prefix("b")]),
        (r" x{2,3} y ", [Word("y")]),
        (r"(?x) a b ", []),
        (r" \x41b ", []),
        (r"\s+exit\s", [Word("exit")]),
        (r" a(b|c) ", [Prefix("a")]),
    ],
)
def test_whole_words_between_what_parts_them_are_required(regex, expected):
    assert list(required_words(regex)) == expected


PIECES = st.sampled_from(
    [
        *("a", "b", "ab", "A", "é", "日", " ", "_", ".", r"\.", r"\s", r"\d", r"\w", "1", "^", "$", r"\b", "-"),
        *("[ab]", "[^a]", "(a|b)", "(?:ab )", "(?i)", "(?<n>a)", "|", r"\t", r"\/", "\u017f", "s", "S", "(?i:a)"),
    ]
)
REGEXES = st.lists(
    st.tuples(PIECES, st.sampled_from(["", "", "", "", "*", "+", "?", "{2}", "{0,1}", "+?"])), min_size=1, max_size=7
).map(lambda parts: "".join(piece + times for piece, times in parts))
TEXTS = st.lists(
    st.sampled_from(
        ["a", "b", "ab", "A", "é", "É", "日", " ", "_", ".", "1", "-", "\t", "/", "\u017f", "S", "\x1b[0m", "…"]
    ),
    max_size=10,
).map("".join)


@settings(max_examples=1_000)
@given(REGEXES, TEXTS)
def test_every_text_that_a_regex_is_found_in_has_its_required_words(regex, text):
    try:
        found = searches(regex)
    except BadRegex:
        return
    if found(plain(text)):
        line = {"time": "", "text": text}
        for needed in required_words(regex):
            assert Matcher(Query(needed)).matches(OWNER, line), (needed, regex, text)
