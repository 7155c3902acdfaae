"""Completes events of Bitbucket Data Center, whose webhooks leave out what those of other code hosts have."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from cadence.application.repositories.ports import HostedCommit
from cadence.domain.repositories.repository import Repository
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push
from cadence.domain.triggers.githosts.payload import LONGEST_TEXT


class DescribesCommits(Protocol):
    """The part of CodeHost that is needed here."""

    def describe_commit(self, commit: str) -> HostedCommit:
        """Returns a commit. Raises NotFound."""


def with_addresses(event: GitEvent, repository: Repository) -> GitEvent:
    """Returns an event with the addresses of its repositories and the default branch.

    Older versions leave the addresses out, all versions the default branch.
    """
    if not repository.is_data_center:
        return event
    if isinstance(event, PullRequest):
        head = event.repository_url or f"{repository.origin}/scm/{event.repository.lower()}.git"
        return replace(event, repository_url=head, base_url=event.base_url or repository.clone_url)
    if isinstance(event, Push):
        url, branch = event.repository_url or repository.clone_url, event.default_branch or repository.default_branch
        return replace(event, repository_url=url, default_branch=branch)
    return event


def with_message(event: GitEvent, repository: Repository, host: Callable[[], DescribesCommits]) -> GitEvent:
    """Returns a push with the message of its commit, which may say that nothing is to be started.

    `host` opens the code host, which is asked only if the webhook left the message out: older versions do, and all do
    for the second ref of a push. Raises like `describe_commit`.
    """
    if not repository.is_data_center or not isinstance(event, Push) or event.message or event.deleted:
        return event
    commit = host().describe_commit(event.commit)
    return replace(event, message=commit.message[:LONGEST_TEXT], author=commit.author[:LONGEST_TEXT])
