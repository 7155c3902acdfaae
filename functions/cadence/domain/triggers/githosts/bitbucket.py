"""Webhooks of Bitbucket: those of the cloud, and the format of both, whose events have different names.

A push may move several branches; its payload does not list the changed files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cadence.domain.shared.errors import InvalidRequest
from cadence.domain.triggers.comment_commands import CommentCommand, read_command
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push
from cadence.domain.triggers.githosts import bitbucket_data_center as data_center
from cadence.domain.triggers.githosts.format import Headers, Payload, WebhookFormat, hmac_sha256, same
from cadence.domain.triggers.githosts.payload import NO_COMMIT, at, items, number, required, text
from cadence.domain.triggers.triggers import PullRequestType

SIGNATURE_HEADER = "x-hub-signature"
_PUSH = "repo:push"
COMMENT_EVENT = "pullrequest:comment_created"
_MERGED = "pullrequest:fulfilled"
_TYPES = {
    "pullrequest:created": PullRequestType.OPENED,
    "pullrequest:updated": PullRequestType.UPDATED,
    "pullrequest:rejected": PullRequestType.CLOSED,
    _MERGED: PullRequestType.CLOSED,
}
_MOST_CHANGES = 100


def signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """Whether the body has the right HMAC-SHA-256 in its `x-hub-signature` header."""
    return same("sha256=" + hmac_sha256(body, secret), headers.get(SIGNATURE_HEADER, ""))


def read(event: str, payload: Payload) -> Sequence[GitEvent]:
    """Returns the events of a payload. Raises InvalidRequest if it lacks a required part."""
    if event == _PUSH:
        return tuple(_pushes(payload))
    if event not in _TYPES:
        return data_center.read(event, payload)
    merged = event == _MERGED
    merge_commit = text(payload, "pullrequest", "merge_commit", "hash") if merged else ""
    return (replace(pull_request(payload), type=_TYPES[event], merged=merged, merge_commit=merge_commit),)


def _pushes(payload: Payload) -> Iterator[Push]:
    (page,) = required(payload, "push", "repository.links.html.href")
    for change in items(payload, "push", "changes")[:_MOST_CHANGES]:
        new, old = at(change, "new"), at(change, "old")
        ref = _ref(new if isinstance(new, dict) else old)
        yield Push(
            repository=text(payload, "repository", "full_name"),
            repository_url=f"{page}.git",
            ref=ref,
            commit=text(new, "target", "hash") or NO_COMMIT,
            before=text(old, "target", "hash") or NO_COMMIT,
            sender=text(payload, "actor", "nickname") or text(payload, "actor", "display_name"),
            author=text(new, "target", "author", "user", "display_name") or text(new, "target", "author", "raw"),
            message=text(new, "target", "message"),
            deleted=not text(new, "target", "hash"),
            default_branch=text(payload, "repository", "mainbranch", "name"),
        )


def _ref(target: Any) -> str:
    name = text(target, "name")
    if not name:
        raise InvalidRequest("A change of the push lacks `name`.")
    return f"refs/tags/{name}" if text(target, "type") == "tag" else f"refs/heads/{name}"


def pull_request(payload: Payload) -> PullRequest:
    """Returns the pull request in a payload, or in an object with `pullrequest`. Raises InvalidRequest."""
    description = "pull request"
    names = (
        "destination.repository.links.html.href",
        "destination.branch.name",
        "source.branch.name",
        "source.commit.hash",
    )
    page, target, source, commit = required(payload, description, *(f"pullrequest.{name}" for name in names))
    request = at(payload, "pullrequest")
    head, base = at(request, "source", "repository"), at(request, "destination", "repository")
    fork_page = text(head, "links", "html", "href")
    return PullRequest(
        number=number(payload, description, "pullrequest", "id"),
        title=text(request, "title"),
        repository=text(head, "full_name"),
        repository_url=f"{fork_page or page}.git",
        ref=f"refs/heads/{source}",
        commit=commit,
        base_repository=text(base, "full_name"),
        base_url=f"{page}.git",
        base_ref=f"refs/heads/{target}",
        base_commit=text(request, "destination", "commit", "hash"),
        fork=at(head, "uuid") is None or at(head, "uuid") != at(base, "uuid"),
        author=text(request, "author", "nickname") or text(request, "author", "display_name"),
        sender=text(payload, "actor", "nickname") or text(payload, "actor", "display_name"),
    )


def command(payload: Payload) -> CommentCommand | None:
    """Returns the command in a new comment on a pull request."""
    if "pullRequest" in payload:
        return data_center.command(payload)
    found = read_command(text(payload, "comment", "content", "raw"))
    request = at(payload, "pullrequest", "id")
    if found is None or not isinstance(request, int):
        return None
    return CommentCommand(
        repository=text(payload, "repository", "full_name"),
        number=request,
        sender=text(payload, "actor", "nickname") or text(payload, "actor", "display_name"),
        sender_id=text(payload, "actor", "uuid"),
        name=found[0],
        argument=found[1],
    )


BITBUCKET = WebhookFormat(
    event_header="x-event-key",
    delivery_headers=("x-request-uuid", "x-request-id"),
    acted_on=frozenset(_TYPES) | frozenset(data_center.TYPES) | {_PUSH, data_center.PUSH},
    signed=signed,
    read=read,
    pings=frozenset({data_center.PING}),
    commands=frozenset({COMMENT_EVENT, data_center.COMMENT_EVENT}),
    command=command,
    user="x-token-auth",
    home="https://bitbucket.org",
)
