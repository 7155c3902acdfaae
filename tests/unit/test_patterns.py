"""Which branches and paths a pattern means."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.patterns import matches, push_starts


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("main", "main", True),
        ("main", "maintenance", False),
        ("release/*", "release/1.2", True),
        ("release/*", "release/1.2/fix", False),
        ("release/**", "release/1.2/fix", True),
        ("release/*", "release/", True),
        ("**", "", True),
        ("**/*.py", "a/b/c.py", True),
        ("**/*.py", "c.py", False),
        ("src/**", "src", False),
        ("v?", "v1", True),
        ("v?", "v/", False),
        ("a.c", "abc", False),
        ("a[b]c", "abc", False),
    ],
)
def test_a_pattern_means_the_whole_text(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


@given(st.text(alphabet="ab/*?", max_size=8), st.text(alphabet="ab/", max_size=8))
def test_matches_what_the_same_regular_expression_does(pattern: str, text: str) -> None:
    stars = {"*": "[^/]*", "?": "[^/]"}
    parts = re.findall(r"\*{2,}|.", pattern)
    expression = "".join(".*" if part.startswith("**") else stars.get(part, re.escape(part)) for part in parts)

    assert matches(pattern, text) is (re.fullmatch(expression, text) is not None)


def test_many_stars_take_no_exponential_time() -> None:
    assert not matches("*a" * 120, "a" * 119 + "b" * 120)


def test_a_push_has_to_fit_branches_and_paths() -> None:
    assert push_starts([], [], "any", None)
    assert push_starts(["main", "release/*"], [], "release/2", [])
    assert not push_starts(["main"], [], "other", ["a"])
    assert push_starts(["main"], ["src/**"], "main", ["README", "src/a.py"])
    assert not push_starts(["main"], ["src/**"], "main", ["README"])
    assert push_starts(["main"], ["src/**"], "main", None)
