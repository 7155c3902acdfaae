"""Webhooks of Bitbucket Cloud. A push may move several branches; its payload does not list the changed files."""

from collections.abc import Iterator, Sequence
from typing import Any

from cadence.domain.shared.errors import InvalidRequest
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push
from cadence.domain.triggers.githosts.format import Headers, Payload, WebhookFormat, hmac_sha256, same
from cadence.domain.triggers.githosts.payload import NO_COMMIT, at, items, number, required, text

SIGNATURE_HEADER = "x-hub-signature"
_PUSH = "repo:push"
_PULL_REQUESTS = frozenset({"pullrequest:created", "pullrequest:updated"})
_MOST_CHANGES = 100


def signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """Whether the body has the right HMAC-SHA-256 in its `x-hub-signature` header."""
    return same("sha256=" + hmac_sha256(body, secret), headers.get(SIGNATURE_HEADER, ""))


def read(event: str, payload: Payload) -> Sequence[GitEvent]:
    """Returns the events of a payload. Raises InvalidRequest if it lacks a required part."""
    return tuple(_pushes(payload)) if event == _PUSH else (pull_request(payload),)


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


BITBUCKET = WebhookFormat(
    event_header="x-event-key",
    delivery_headers=("x-request-uuid",),
    acted_on=_PULL_REQUESTS | {_PUSH},
    signed=signed,
    read=read,
    user="x-token-auth",
    home="https://bitbucket.org",
)
