"""Conditions mean the same after conversion, also for events that do not tell what is asked for."""

from collections.abc import Mapping

import pytest

from cadence.domain.pipelines.expression import Evaluator
from cadence.importing.github.cel import TranslationScope
from cadence.importing.github.cel import condition as condition_of
from cadence.importing.gitlab.rules import rule_condition
from cadence.importing.gitlab.variables import Variables

PUSH = {"kind": "push", "branch": "main", "ref": "refs/heads/main", "commit": "c0ffee", "message": "Fix it [skip ci]"}
TAG = {"kind": "push", "ref": "refs/tags/v1", "tag": "v1", "commit": "c0ffee"}
API = {"kind": "api"}


def holds(cel: str | None, event: Mapping[str, str]) -> bool:
    return cel is None or Evaluator({"event": event}).value(f"${{{{ {cel} }}}}") is True


@pytest.mark.parametrize(
    ("condition", "push", "tag", "api"),
    [
        ("github.ref == 'refs/heads/main'", True, False, False),
        ("github.ref != 'refs/heads/main'", False, True, True),
        ("github.ref_name == ''", False, True, True),
        ("github.ref_name", True, False, False),
        ("!github.ref_name", False, True, True),
        ("startsWith(github.ref, 'refs/tags/') && github.event_name == 'push'", False, True, False),
        ("contains(github.event.head_commit.message, 'skip')", True, False, False),
        ("github.actor == 'robot' || github.sha != ''", True, True, False),
        ('contains(fromJSON(\'["main", "next"]\'), github.ref_name)', True, False, False),
        ("contains(github.event.head_commit.message, '[SKIP CI]')", True, False, False),
        ("github.ref_name && github.event_name == 'push'", True, False, False),
        ("github.ref_name || github.event_name == 'push'", True, True, False),
        ("(github.ref_name || 'none') == 'none'", False, True, True),
        ("(github.event_name == 'push' && github.ref_name || 'none') == 'none'", False, True, True),
        ("!(github.ref_name && 'x')", False, True, True),
        ("format('{0}-{1}', github.ref_name, github.event_name) == 'main-push'", True, False, False),
    ],
)
def test_of_github(condition: str, push: bool, tag: bool, api: bool) -> None:
    cel = condition_of(condition, TranslationScope()).cel

    assert [holds(cel, event) for event in (PUSH, TAG, API)] == [push, tag, api]


@pytest.mark.parametrize(
    ("rule", "push", "tag", "api"),
    [
        ('$CI_COMMIT_BRANCH == "main"', True, False, False),
        ("$CI_COMMIT_BRANCH", True, False, False),
        ("$CI_COMMIT_BRANCH == null", False, True, True),
        ("$CI_COMMIT_TAG", False, True, False),
        ("$CI_COMMIT_MESSAGE =~ /skip/", True, False, False),
        ('$CI_COMMIT_BRANCH != "main" && $CI_PIPELINE_SOURCE == "push"', False, True, False),
    ],
)
def test_of_gitlab(rule: str, push: bool, tag: bool, api: bool) -> None:
    cel = rule_condition(rule, Variables())

    assert [holds(cel, event) for event in (PUSH, TAG, API)] == [push, tag, api]


@pytest.mark.parametrize(("value", "expected"), [("x", True), ("", False), (True, True), (False, False), (0, False)])
def test_a_value_of_a_matrix_holds_as_in_github(value: object, expected: bool) -> None:
    cel = condition_of("matrix.axis", TranslationScope(axes={"axis": "axis"})).cel

    assert Evaluator({"matrix": {"axis": value}}).value(f"${{{{ {cel} }}}}") is expected


@pytest.mark.parametrize(
    ("condition", "states", "expected"),
    [
        ("always() && success()", ("succeeded", "succeeded"), True),
        ("always() && success()", ("succeeded", "cancelled"), False),
        ("failure() || success()", ("succeeded", "cancelled"), False),
        ("always() && contains(needs.*.result, 'failure')", ("succeeded", "timed_out"), True),
        ("always() && contains(needs.*.result, 'failure')", ("succeeded", "skipped"), False),
        ("always() && contains(needs.*.result, 'skipped')", ("succeeded", "skipped"), True),
    ],
)
def test_a_job_that_waits_for_the_end_of_others_asks_how_they_ended(
    condition: str, states: tuple[str, str], expected: bool
) -> None:
    scope = TranslationScope(needs={"a": "a", "b": "b"}, states=True)
    cel = condition_of(condition, scope).cel
    treatments = {name: {"state": state} for name, state in zip("ab", states, strict=True)}

    assert cel is not None
    assert Evaluator({"treatments": treatments}).value(f"${{{{ {cel} }}}}") is expected
