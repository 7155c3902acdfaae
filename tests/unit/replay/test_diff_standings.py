"""The words of `cadence diff` for how a treatment stands."""

from typing import Any

import pytest

from cadence.cli.replay.diff import _standing


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "differs by itself"),
        ({"inputs": [{"port": "source-tree", "known": True}]}, "was given something else"),
        ({"inputs": [{"port": "rows", "known": False}]}, "differs by itself"),
        ({"definition": ["run"]}, "was given something else"),
        ({"variables": ["mode"]}, "was given something else"),
        ({"standing": "follows", "variables": ["mode"]}, "follows from others"),
    ],
    ids=["nothing", "an input", "an unknown input", "the definition", "a parameter", "another treatment"],
)
def test_a_treatment_that_was_given_something_else_does_not_differ_by_itself(
    changes: dict[str, Any], words: str
) -> None:
    treatment = {"standing": "differs", "inputs": [], "definition": [], "variables": []}
    assert _standing({**treatment, **changes}) == words
