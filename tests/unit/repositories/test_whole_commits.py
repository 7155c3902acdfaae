"""Commits whose ids a code host abbreviates."""

from dataclasses import replace

import pytest

from cadence.application.repositories.whole_commits import with_whole_commits
from cadence.domain.triggers.git_events import PullRequest, Push

WHOLE = {"c0ffee000000": "c0ffee" + "0" * 34, "beef00000000": "beef" + "0" * 36}
PULL = PullRequest(
    number=7, title="t", repository="eve/site", repository_url="u", ref="refs/heads/c", commit="c0ffee000000",
    base_repository="acme/site", base_url="u", base_ref="refs/heads/main", base_commit="beef00000000", fork=True,
)  # fmt: skip


class Host:
    """A code host that knows these commits."""

    def full_commit(self, commit: str) -> str:
        return WHOLE[commit]


def test_a_pull_request_has_whole_commits() -> None:
    whole = with_whole_commits(PULL, Host)

    assert whole == replace(PULL, commit=WHOLE["c0ffee000000"], base_commit=WHOLE["beef00000000"])
    assert with_whole_commits(replace(PULL, base_commit=""), Host) == replace(whole, base_commit="")


def test_a_push_is_left_as_it_is() -> None:
    push = Push(repository="acme/site", repository_url="u", ref="refs/heads/main", commit="a" * 40)

    assert with_whole_commits(push, Host) is push


def test_no_code_host_is_opened_for_whole_commits() -> None:
    whole = replace(PULL, commit="a" * 40, base_commit="b" * 40)

    assert with_whole_commits(whole, lambda: pytest.fail("it is opened")) is whole
    assert with_whole_commits(replace(whole, base_commit=""), lambda: pytest.fail("it is opened")).commit == "a" * 40
