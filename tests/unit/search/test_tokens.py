"""What the words of a line are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.search.tokens import LONGEST_WORD, parted, plain, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Connection refused", ["connection", "refused"]),
        ("CONNECTION_REFUSED (os error 111)", ["connection", "refused", "os", "error", "111"]),
        ("/usr/lib/libssl.so.3: not found", ["usr", "lib", "libssl", "so", "3", "not", "found"]),
        (
            "error: \u2018x\u2019 undeclared — did you mean “y”?",
            ["error", "x", "undeclared", "did", "you", "mean", "y"],
        ),
        ("✓ 3 tests … ✗ 1", ["3", "tests", "1"]),
        ("Échec à l'étape", ["échec", "à", "l", "étape"]),
        ("ΟΔΟΣ", ["οδοσ"]),
        ("接続 refused", ["接", "続", "refused"]),
        ("🚀deploy\xa0now", ["deploy", "now"]),
        ("==> ---", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_digits_in_lower_case(text, expected):
    assert list(words(text)) == expected


def test_long_runs_are_cut():
    assert list(words("a" * (2 * LONGEST_WORD + 5))) == ["a" * LONGEST_WORD, "a" * LONGEST_WORD, "a" * 5]
    assert list(words("é" * (LONGEST_WORD + 1))) == ["é" * LONGEST_WORD, "é"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31merror\x1b[0m: x", "error: x"),
        ("\x1b]8;;https://x.y\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text", "text"),
        ("50%\x1b[2K\x1b[1G51%", "50%51%"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("\x1b", "\x1b"),
    ],
)
def test_what_only_a_terminal_needs_is_no_text(text, expected):
    assert plain(text) == expected


@given(st.text())
def test_words_are_words_of_themselves_and_the_plain_text_is_plain(text):
    assert plain(plain(text)).encode() is not None
    for word in words(plain(text)):
        assert "".join(words(word)) == word


@given(st.lists(st.text(alphabet="aB9 _-\n\x1b[31m\x00é\ud83d日", max_size=90) | st.just("x" * 65 + " y")))
def test_the_words_of_many_texts_at_once_are_those_of_each(texts):
    assert [text.split() for text in parted(texts)] == [list(words(plain(text))) for text in texts]
