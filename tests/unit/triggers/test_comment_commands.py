"""Commands in comments on pull requests and of buttons of checks, as each kind of git host sends them."""

from typing import Any

import pytest

from cadence.domain.triggers.comment_commands import CheckCommand, CommentCommand, read_command
from cadence.domain.triggers.githost import GitHostKind
from cadence.domain.triggers.githosts import FORMATS
from tests.doubles import github

COMMENTS: dict[GitHostKind, dict[str, Any]] = {
    GitHostKind.GITHUB: {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "u"}},
        "comment": {"body": "please\n/cadence rerun\n", "user": {"login": "ada", "id": 3}},
        "repository": {"full_name": "acme/site"},
    },
    GitHostKind.GITEA: {
        "action": "created",
        "is_pull": True,
        "issue": {"number": 7, "pull_request": None},
        "comment": {"body": "/cadence rerun", "user": {"login": "ada", "id": 3}},
        "repository": {"full_name": "acme/site"},
    },
    GitHostKind.GITLAB: {
        "object_attributes": {"note": "/cadence rerun", "noteable_type": "MergeRequest", "action": "create"},
        "merge_request": {"iid": 7},
        "user": {"username": "ada", "id": 3},
        "project": {"path_with_namespace": "acme/site"},
    },
    GitHostKind.BITBUCKET: {
        "comment": {"content": {"raw": "/cadence rerun"}},
        "pullrequest": {"id": 7},
        "actor": {"nickname": "ada", "uuid": "{3}"},
        "repository": {"full_name": "acme/site"},
    },
}


@pytest.mark.parametrize("kind", list(GitHostKind), ids=str)
def test_a_command_is_read_from_a_comment(kind: GitHostKind) -> None:
    format_ = FORMATS[kind]
    command = format_.command(COMMENTS[kind])

    assert isinstance(command, CommentCommand)
    assert (command.repository, command.number, command.sender, command.name) == ("acme/site", 7, "ada", "rerun")
    assert command.sender_id.strip("{}") == "3"
    # The event starts nothing by itself.
    assert not any(format_.read(event, COMMENTS[kind]) for event in format_.commands)


@pytest.mark.parametrize("kind", list(GitHostKind), ids=str)
def test_what_is_no_command_is_none(kind: GitHostKind) -> None:
    assert FORMATS[kind].command({}) is None


def test_other_comments_are_no_commands() -> None:
    github, gitlab = COMMENTS[GitHostKind.GITHUB], COMMENTS[GitHostKind.GITLAB]

    assert FORMATS[GitHostKind.GITHUB].command({**github, "action": "edited"}) is None
    assert FORMATS[GitHostKind.GITHUB].command({**github, "issue": {"number": 7}}) is None
    on_commit = {**gitlab, "object_attributes": {**gitlab["object_attributes"], "noteable_type": "Commit"}}
    assert FORMATS[GitHostKind.GITLAB].command(on_commit) is None


CHECK = {"head_sha": "c0ffee", "external_id": "R1"}
BY_ADA = {"repository": {"full_name": "acme/site"}, "sender": {"login": "ada", "id": 3}}


@pytest.mark.parametrize(
    ("payload", "run_id", "failed_only"),
    [
        ({"action": "rerequested", "check_run": CHECK}, "R1", False),
        (
            {"action": "requested_action", "check_run": CHECK, "requested_action": {"identifier": "rerun-failed"}},
            "R1",
            True,
        ),
        ({"action": "rerequested", "check_suite": {"head_sha": "c0ffee"}}, None, False),
    ],
    ids=["one", "failed", "all"],
)
def test_buttons_of_checks_ask_for_reruns(payload: dict[str, Any], run_id: str | None, failed_only: bool) -> None:
    assert FORMATS[GitHostKind.GITHUB].command({**payload, **BY_ADA}) == CheckCommand(
        repository="acme/site",
        commit="c0ffee",
        run_id=run_id,
        failed_only=failed_only,
        sender="ada",
        sender_id="3",
    )


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "created", "check_run": CHECK},
        {"action": "requested_action", "check_run": CHECK, "requested_action": {"identifier": "fix"}},
        {"action": "completed", "check_suite": {"head_sha": "c0ffee"}},
        {"action": "rerequested"},
    ],
    ids=["created", "another-button", "completed", "of-nothing"],
)
def test_other_events_of_checks_are_no_commands(payload: dict[str, Any]) -> None:
    assert FORMATS[GitHostKind.GITHUB].command({**payload, **BY_ADA}) is None


@pytest.mark.skipif(not github.HERE, reason="GitHub's OpenAPI document is not here (.ci/descriptions)")
def test_the_buttons_of_github_s_own_examples_are_read() -> None:
    payload = github.openapi().example("check-run-rerequested")
    found = FORMATS[GitHostKind.GITHUB].command(payload)

    assert isinstance(found, CheckCommand) and found.commit == payload["check_run"]["head_sha"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/cadence rerun", ("rerun", "")),
        ("words\r\n/cadence  rerun all \r\nmore", ("rerun", "all")),
        ("/cadence approve 1a2b3c4", ("approve", "1a2b3c4")),
        ("> /cadence rerun", None),
        ("run /cadence rerun", None),
        ("/cadence", None),
        ("/cadence rerun all of it", None),
        ("/cadencererun", None),
        ("x" * 20_000 + "\n/cadence rerun", None),
    ],
    ids=["alone", "among-lines", "of-a-commit", "quoted", "within", "without", "too-much", "joined", "far-below"],
)
def test_a_command_is_a_line_of_its_own(text: str, found: tuple[str, str] | None) -> None:
    assert read_command(text) == found
