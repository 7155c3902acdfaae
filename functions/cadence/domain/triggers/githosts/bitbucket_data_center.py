"""Webhooks of Bitbucket Data Center. A push may move several refs; its payload may lack the commit's message."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cadence.domain.triggers.comment_commands import CommentCommand, read_command
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push
from cadence.domain.triggers.githosts.format import Payload
from cadence.domain.triggers.githosts.payload import NO_COMMIT, at, items, number, required, text
from cadence.domain.triggers.triggers import PullRequestType

PING = "diagnostics:ping"
COMMENT_EVENT = "pr:comment:added"
PUSH = "repo:refs_changed"
_MERGED = "pr:merged"
TYPES = {
    "pr:opened": PullRequestType.OPENED,
    "pr:from_ref_updated": PullRequestType.UPDATED,
    "pr:declined": PullRequestType.CLOSED,
    "pr:deleted": PullRequestType.CLOSED,
    _MERGED: PullRequestType.CLOSED,
}
_MOST_CHANGES = 100


def read(event: str, payload: Payload) -> Sequence[GitEvent]:
    """Returns the events of a payload. Raises InvalidRequest if it lacks a required part."""
    if event == PUSH:
        return tuple(_pushes(payload))
    if event not in TYPES:
        return ()
    merged = event == _MERGED
    merge_commit = text(payload, "pullRequest", "properties", "mergeCommit", "id") if merged else ""
    return (replace(pull_request(payload), type=TYPES[event], merged=merged, merge_commit=merge_commit),)


def full_name(repository: Any) -> str:
    """Returns the name of a repository, `PROJ/site`; empty if it lacks a part."""
    project, slug = text(repository, "project", "key"), text(repository, "slug")
    return f"{project}/{slug}" if project and slug else ""


def clone_url(repository: Any) -> str:
    """Returns the address from which a repository is fetched over HTTP; empty if none is given."""
    links = items(repository, "links", "clone")
    return next((text(link, "href") for link in links if text(link, "name") in ("http", "https")), "")


def _pushes(payload: Payload) -> Iterator[Push]:
    required(payload, "push", "repository.slug", "repository.project.key")
    repository = at(payload, "repository")
    for change in items(payload, "changes")[:_MOST_CHANGES]:
        if not isinstance(change, dict):
            continue
        ref, before, after = required(change, "push", "refId", "fromHash", "toHash")
        # Of several refs, the payload describes the commit of one.
        commit = at(payload, "toCommit") if text(payload, "toCommit", "id") == after else None
        deleted = text(change, "type") == "DELETE"
        yield Push(
            repository=full_name(repository),
            repository_url=clone_url(repository),
            ref=ref,
            commit=NO_COMMIT if deleted else after,
            before=before,
            sender=text(payload, "actor", "name"),
            author=text(commit, "author", "displayName") or text(commit, "author", "name"),
            message=text(commit, "message"),
            deleted=deleted,
        )


def pull_request(payload: Payload) -> PullRequest:
    """Returns the pull request in a payload, or in an object with `pullRequest`. Raises InvalidRequest."""
    description = "pull request"
    names = ("toRef.id", "fromRef.id", "fromRef.latestCommit", "toRef.repository.slug", "toRef.repository.project.key")
    target, source, commit, *_ = required(payload, description, *(f"pullRequest.{name}" for name in names))
    request = at(payload, "pullRequest")
    head, base = at(request, "fromRef", "repository"), at(request, "toRef", "repository")
    return PullRequest(
        number=number(payload, description, "pullRequest", "id"),
        title=text(request, "title"),
        repository=full_name(head),
        repository_url=clone_url(head),
        ref=source,
        commit=commit,
        base_repository=full_name(base),
        base_url=clone_url(base),
        base_ref=target,
        base_commit=text(request, "toRef", "latestCommit"),
        fork=at(head, "id") is None or at(head, "id") != at(base, "id"),
        author=text(request, "author", "user", "name"),
        sender=text(payload, "actor", "name"),
    )


def command(payload: Payload) -> CommentCommand | None:
    """Returns the command in a new comment on a pull request."""
    found = read_command(text(payload, "comment", "text"))
    request = at(payload, "pullRequest", "id")
    if found is None or not isinstance(request, int):
        return None
    return CommentCommand(
        repository=full_name(at(payload, "pullRequest", "toRef", "repository")),
        number=request,
        sender=text(payload, "actor", "name"),
        sender_id=text(payload, "actor", "slug"),
        name=found[0],
        argument=found[1],
    )
