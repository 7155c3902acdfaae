"""Webhooks of GitLab: not signed, but sent with the secret itself, so that they may be received over TLS only."""

from collections.abc import Sequence

from cadence.domain.triggers.comment_commands import CommentCommand, read_command
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push, Release
from cadence.domain.triggers.githosts.format import Headers, Payload, WebhookFormat, same
from cadence.domain.triggers.githosts.payload import (
    NO_COMMIT,
    at,
    changed_paths,
    items,
    names,
    number,
    required,
    text,
)
from cadence.domain.triggers.triggers import PullRequestType

TOKEN_HEADER = "x-gitlab-token"  # noqa: S105 (a header's name)
_PUSHES = frozenset({"Push Hook", "Tag Push Hook"})
_MERGE_REQUEST = "Merge Request Hook"
_RELEASE = "Release Hook"
_TYPES = {
    "open": PullRequestType.OPENED,
    "reopen": PullRequestType.REOPENED,
    "close": PullRequestType.CLOSED,
    "merge": PullRequestType.CLOSED,
}


def signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """Whether the `x-gitlab-token` header holds the secret."""
    return same(secret.decode("utf-8", "replace"), headers.get(TOKEN_HEADER, ""))


def read(event: str, payload: Payload) -> Sequence[GitEvent]:
    """Returns the events of a payload. Raises InvalidRequest if it lacks a required part."""
    if event in _PUSHES:
        return (_push(payload),)
    if event == _RELEASE:
        return (_release(payload),) if text(payload, "action") == "create" else ()
    type_, labels = _happened(payload)
    return (_merge_request(payload, type_, labels),) if type_ else ()


def _happened(payload: Payload) -> tuple[PullRequestType | None, tuple[str, ...]]:
    """Returns the type of an event of a merge request, and the labels that were added or removed.

    None: it changed the title or the like.
    """
    action = text(payload, "object_attributes", "action")
    if action != "update":
        return _TYPES.get(action), ()
    if text(payload, "object_attributes", "oldrev"):
        return PullRequestType.UPDATED, ()
    before, now = (names(payload, "changes", "labels", when, key="title") for when in ("previous", "current"))
    added = tuple(label for label in now if label not in before)
    removed = tuple(label for label in before if label not in now)
    if added:
        return PullRequestType.LABELLED, added
    return (PullRequestType.UNLABELLED, removed) if removed else (None, ())


def _push(payload: Payload) -> Push:
    ref, after, url = required(payload, "push", "ref", "after", "project.git_http_url")
    commits = items(payload, "commits")
    all_listed = bool(commits) and at(payload, "total_commits_count") == len(commits)
    commit = text(payload, "checkout_sha") or after
    head = next((candidate for candidate in commits if at(candidate, "id") == commit), None)
    return Push(
        repository=text(payload, "project", "path_with_namespace"),
        repository_url=url,
        ref=ref,
        commit=commit,
        before=text(payload, "before"),
        sender=text(payload, "user_username"),
        author=text(head, "author", "name"),
        message=text(head, "message"),
        deleted=after == NO_COMMIT,
        default_branch=text(payload, "project", "default_branch"),
        paths=changed_paths(commits) if all_listed else None,
    )


def _release(payload: Payload) -> Release:
    tag, url = required(payload, "release", "tag", "project.git_http_url")
    return Release(
        repository=text(payload, "project", "path_with_namespace"),
        repository_url=url,
        tag=tag,
        commit=text(payload, "commit", "id"),
        name=text(payload, "name"),
        page=text(payload, "url"),
    )


def _merge_request(payload: Payload, type_: PullRequestType, changed_labels: tuple[str, ...]) -> PullRequest:
    description = "merge request"
    parts = ("target.git_http_url", "target_branch", "source_branch", "last_commit.id")
    base_url, target, source, commit = required(payload, description, *(f"object_attributes.{name}" for name in parts))
    request = at(payload, "object_attributes")
    return PullRequest(
        number=number(payload, description, "object_attributes", "iid"),
        title=text(request, "title"),
        repository=text(request, "source", "path_with_namespace"),
        repository_url=text(request, "source", "git_http_url") or base_url,
        ref=f"refs/heads/{source}",
        commit=commit,
        base_repository=text(request, "target", "path_with_namespace"),
        base_url=base_url,
        base_ref=f"refs/heads/{target}",
        base_commit="",
        fork=at(request, "source_project_id") is None
        or at(request, "source_project_id") != at(request, "target_project_id"),
        author=text(request, "last_commit", "author", "name"),
        sender=text(payload, "user", "username"),
        type=type_,
        labels=names(payload, "labels", key="title"),
        changed_labels=changed_labels,
        merged=text(request, "action") == "merge",
        merge_commit=text(request, "merge_commit_sha"),
    )


def command(payload: Payload) -> CommentCommand | None:
    """Returns the command in a new note on a merge request."""
    note = at(payload, "object_attributes")
    found = read_command(text(note, "note"))
    request = at(payload, "merge_request", "iid")
    # Older versions do not say whether a note is new: they report only new ones.
    is_new = at(note, "action") in (None, "create")
    if found is None or text(note, "noteable_type") != "MergeRequest" or not is_new or not isinstance(request, int):
        return None
    return CommentCommand(
        repository=text(payload, "project", "path_with_namespace"),
        number=request,
        sender=text(payload, "user", "username"),
        sender_id=str(at(payload, "user", "id") or ""),
        name=found[0],
        argument=found[1],
    )


GITLAB = WebhookFormat(
    event_header="x-gitlab-event",
    delivery_headers=("idempotency-key", "x-gitlab-event-uuid"),
    acted_on=_PUSHES | {_MERGE_REQUEST, _RELEASE},
    signed=signed,
    read=read,
    commands=frozenset({"Note Hook"}),
    command=command,
    user="oauth2",
    home="https://gitlab.com",
)
