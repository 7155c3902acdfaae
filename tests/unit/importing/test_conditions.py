"""Conditions mean the same after conversion, also for events that do not tell what is asked for."""

from collections.abc import Mapping

import pytest

from cadence.domain.pipelines.expression import Evaluator
from cadence.importing.github.cel import TranslationScope
from cadence.importing.github.cel import condition as condition_of
from cadence.importing.github.expressions import GitHubExpressionError
from cadence.importing.gitlab.rules import rule_condition
from cadence.importing.gitlab.variables import Variables

PUSH = {"kind": "push", "branch": "main", "ref": "refs/heads/main", "commit": "c0ffee", "message": "Fix it [skip ci]"}
TAG = {"kind": "push", "ref": "refs/tags/v1", "tag": "v1", "commit": "c0ffee"}
API = {"kind": "api"}


def holds(cel: str | None, event: Mapping[str, object]) -> bool:
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


OWN = {
    "kind": "pull_request", "number": 7, "type": "labelled", "repository": "acme/web", "base_repository": "acme/web",
    "branch": "change", "base_branch": "main", "commit": "c0ffee", "fork": False, "author": "ada", "labels": ["OK-to-test"],
    "merged": False,
}  # fmt: skip
FORK = {**OWN, "type": "closed", "repository": "eve/web", "fork": True, "author": "eve", "labels": [], "merged": True}
OF_MAIN = {**PUSH, "repository": "acme/web", "author": "ada"}
RELEASE = {"kind": "release", "type": "published", "repository": "acme/web", "tag": "v1", "prerelease": True}


@pytest.mark.parametrize(
    ("condition", "events"),
    [
        ("contains(github.event.pull_request.labels.*.name, 'ok-to-test')", [OWN]),
        ("!contains(github.event.pull_request.labels.*.name, 'ok-to-test')", [FORK, OF_MAIN, RELEASE, API]),
        ("github.repository == 'acme/web'", [OWN, FORK, OF_MAIN, RELEASE]),
        ("github.repository_owner == 'acme'", [OWN, FORK, OF_MAIN, RELEASE]),
        ("startsWith(github.repository_owner, 'ac')", [OWN, FORK, OF_MAIN, RELEASE]),
        ("github.event.pull_request.head.repo.full_name == github.repository", [OWN, API]),
        ("github.event.pull_request.head.repo.full_name != 'acme/web'", [FORK, OF_MAIN, RELEASE, API]),
        ("github.event.pull_request.head.repo.fork", [FORK]),
        ("github.event.pull_request.head.repo.fork != true", [OWN, OF_MAIN, RELEASE, API]),
        ("github.event.pull_request.merged == true && github.event.action == 'closed'", [FORK]),
        ("github.event.action == 'labeled'", [OWN]),
        ("github.event.action != 'synchronize'", [OWN, FORK, OF_MAIN, RELEASE, API]),
        ("github.event.pull_request.user.login == 'ada'", [OWN]),
        ("github.event.pull_request.number == 7", [OWN, FORK]),
        ("github.event.pull_request.number != ''", [OWN, FORK]),
        ("github.head_ref == 'change'", [OWN, FORK]),
        ("github.base_ref == 'main'", [OWN, FORK]),
        ("github.ref_type == 'tag'", [RELEASE]),
        ("!github.event.release.prerelease", [OWN, FORK, OF_MAIN, API]),
    ],
)
def test_of_github_about_repositories_pull_requests_and_releases(
    condition: str, events: list[Mapping[str, object]]
) -> None:
    cel = condition_of(condition, TranslationScope()).cel

    assert [event for event in (OWN, FORK, OF_MAIN, RELEASE, API) if holds(cel, event)] == events


@pytest.mark.parametrize(
    ("condition", "holds_always"),
    [
        ("github.event.release.prerelease != 'true'", True),
        ("github.event.release.prerelease == 'true'", False),
        ("github.event.pull_request.merged == 'false' && github.ref != ''", False),
        ("github.event.pull_request.merged != 'false' || github.ref != ''", True),
    ],
)
def test_of_github_truths_never_equal_a_text(condition: str, holds_always: bool) -> None:
    """GitHub compares a truth and a text as numbers, and a text that is none equals nothing."""
    cel = condition_of(condition, TranslationScope()).cel

    assert cel == (None if holds_always else "false")


@pytest.mark.parametrize(
    ("condition", "own", "fork", "main"),
    [
        ("github.event.pull_request.head.label == 'acme:change'", True, False, False),
        ("github.event.pull_request.head.label == 'eve:change'", False, True, False),
        ("github.event.pull_request.state == 'open'", True, False, False),
        ("github.event.pull_request.state == 'closed'", False, True, False),
        ("github.event.client_payload.pull.number", False, False, False),
    ],
)
def test_of_github_what_follows_from_the_event(condition: str, own: bool, fork: bool, main: bool) -> None:
    cel = condition_of(condition, TranslationScope()).cel

    assert [holds(cel, event) for event in (OWN, FORK, OF_MAIN)] == [own, fork, main]


def test_of_github_types_and_payloads_of_dispatched_events() -> None:
    event = {"kind": "webhook", "type": "bench", "data": {"pull": {"number": "7"}}}
    scope = TranslationScope(dispatched=frozenset({"bench"}))

    for condition in ("github.event.action == 'bench'", "github.event_name == 'repository_dispatch'",
                      "github.event.client_payload.pull.number == '7'"):  # fmt: skip
        assert holds(condition_of(condition, scope).cel, event)
        assert not holds(condition_of(condition, scope).cel, PUSH)


@pytest.mark.parametrize(
    "condition",
    ["github.event.release.prerelease != '1'", "github.event.action == 'assigned'", "github.event.action"],
)
def test_of_github_what_would_mean_something_else_is_refused(condition: str) -> None:
    with pytest.raises(GitHubExpressionError):
        condition_of(condition, TranslationScope())


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
