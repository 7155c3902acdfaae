"""Which branches and paths a pattern means."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.shared.patterns import matches


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
        ("**/*.py", "c.py", True),
        ("src/**/t.py", "src/t.py", True),
        ("src/**/t.py", "src/a/b/t.py", True),
        ("src/**/t.py", "src/at.py", False),
        ("v?.?", "v10.2", False),
        ("main", "Main", False),
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
    stars = {"*": "[^/]*", "?": "[^/]", "**/": "(?:.*/)?"}
    parts = re.findall(r"\*\*/|\*{2,}|.", pattern)
    expression = "".join(stars.get(part, ".*" if part.startswith("**") else re.escape(part)) for part in parts)

    assert matches(pattern, text) is (re.fullmatch(expression, text) is not None)


def test_many_stars_take_no_exponential_time() -> None:
    assert not matches("*a" * 120, "a" * 119 + "b" * 120)
    assert not matches("**/a" * 60, "a/" * 59 + "b/" * 60)
