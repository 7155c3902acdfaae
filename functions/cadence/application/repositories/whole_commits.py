"""Completes the ids of commits in events of pull requests, of which code hosts may abbreviate some."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from cadence.domain.triggers.git_events import GitEvent, PullRequest

_WHOLE = 40


class CommitIds(Protocol):
    """The part of CodeHost that is needed here."""

    def full_commit(self, commit: str) -> str:
        """Returns a commit's whole id. Raises NotFound."""


def with_whole_commits(event: GitEvent, host: Callable[[], CommitIds]) -> GitEvent:
    """Returns an event whose commits can be fetched, and compared with those of pushes.

    `host` opens the code host, which is asked only if an id is abbreviated. Raises like `full_commit`.
    """
    if not isinstance(event, PullRequest) or not any(
        0 < len(one) < _WHOLE for one in (event.commit, event.base_commit)
    ):
        return event
    opened = host()
    base = event.base_commit and opened.full_commit(event.base_commit)
    return replace(event, commit=opened.full_commit(event.commit), base_commit=base)
