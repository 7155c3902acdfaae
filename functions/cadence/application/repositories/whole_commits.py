"""Completes the ids of commits in events of pull requests, which Bitbucket abbreviates."""

from dataclasses import replace
from typing import Protocol

from cadence.domain.triggers.git_events import GitEvent, PullRequest


class CommitIds(Protocol):
    """The part of CodeHost that is needed here."""

    def full_commit(self, commit: str) -> str:
        """Returns a commit's whole id. Raises NotFound."""


def with_whole_commits(event: GitEvent, host: CommitIds) -> GitEvent:
    """Returns an event whose commits can be fetched, and compared with those of pushes. Raises like `full_commit`."""
    if not isinstance(event, PullRequest):
        return event
    base = event.base_commit and host.full_commit(event.base_commit)
    return replace(event, commit=host.full_commit(event.commit), base_commit=base)
