"""Webhooks of GitHub."""

from collections.abc import Sequence
from typing import Any

from cadence.domain.triggers.comment_commands import CheckCommand, CommentCommand, HostCommand, read_command
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push, Release
from cadence.domain.triggers.githosts.format import Headers, Payload, WebhookFormat, hmac_sha256, same
from cadence.domain.triggers.githosts.payload import at, changed_paths, items, names, number, required, text
from cadence.domain.triggers.triggers import PullRequestType

SIGNATURE_HEADER = "x-hub-signature-256"
EVENT_HEADER = "x-github-event"
DELIVERY_HEADER = "x-github-delivery"
COMMENT_EVENT = "issue_comment"
RERUN_FAILED = "rerun-failed"
"""The identifier of the button of a check that reruns what failed; GitHub's own button reruns everything."""

ACTED_ON = frozenset({"push", "pull_request", "release"})
# What Gitea names otherwise: `synchronized`, and one action for labels that were added or removed.
_TYPES = {
    "opened": PullRequestType.OPENED,
    "reopened": PullRequestType.REOPENED,
    "synchronize": PullRequestType.UPDATED,
    "synchronized": PullRequestType.UPDATED,
    "labeled": PullRequestType.LABELLED,
    "label_updated": PullRequestType.LABELLED,
    "unlabeled": PullRequestType.UNLABELLED,
    "label_cleared": PullRequestType.UNLABELLED,
    "closed": PullRequestType.CLOSED,
}
# Others are NONE, FIRST_TIMER and FIRST_TIME_CONTRIBUTOR; Gitea states none of them.
_CONTRIBUTORS = frozenset({"OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"})
# GitHub lists no more; beyond that a push may have changed any path.
_MOST_COMMITS = 2_048


def signature_of(body: bytes, secret: bytes) -> str:
    """Returns the value of the signature's header."""
    return "sha256=" + hmac_sha256(body, secret)


def signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """Whether the body has the right HMAC-SHA-256 in its `x-hub-signature-256` header."""
    return same(signature_of(body, secret), headers.get(SIGNATURE_HEADER, ""))


def read(event: str, payload: Payload) -> Sequence[GitEvent]:
    """Returns the events of a payload of GitHub or Gitea. Raises InvalidRequest if it lacks a required part."""
    if event == "push":
        return (_push(payload),)
    action = text(payload, "action")
    if event == "release":
        return (_release(payload),) if action == "published" else ()
    return (pull_request(payload),) if action in _TYPES else ()


def _push(payload: Payload) -> Push:
    ref, after, url = required(payload, "push", "ref", "after", "repository.clone_url")
    # Of an annotated tag `after` is the tag itself.
    commit = (text(payload, "head_commit", "id") or after) if ref.startswith("refs/tags/") else after
    commits = items(payload, "commits")
    total = at(payload, "total_commits")
    all_listed = (
        bool(commits) and len(commits) < _MOST_COMMITS and (not isinstance(total, int) or total <= len(commits))
    )
    return Push(
        repository=text(payload, "repository", "full_name"),
        repository_url=url,
        ref=ref,
        commit=commit,
        before=text(payload, "before"),
        sender=text(payload, "sender", "login"),
        author=text(payload, "head_commit", "author", "name"),
        message=text(payload, "head_commit", "message"),
        deleted=at(payload, "deleted") is True or after.strip("0") == "",
        default_branch=text(payload, "repository", "default_branch"),
        paths=changed_paths(commits) if all_listed else None,
    )


def pull_request(payload: Payload) -> PullRequest:
    """Returns the pull request of a payload, or of one with `number` and `pull_request` only. Raises InvalidRequest."""
    description = "pull request"
    base_url, base_ref, base_commit, ref, commit = required(
        payload,
        description,
        *(f"pull_request.{part}" for part in ("base.repo.clone_url", "base.ref", "base.sha", "head.ref", "head.sha")),
    )
    request = at(payload, "pull_request")
    head, base = at(request, "head", "repo"), at(request, "base", "repo")
    return PullRequest(
        number=number(payload, description, "number"),
        title=text(request, "title"),
        repository=text(head, "full_name"),
        # The repository of a fork that was deleted since is unknown; its commits are in the other one, too.
        repository_url=text(head, "clone_url") or base_url,
        ref=f"refs/heads/{ref}",
        commit=commit,
        base_repository=text(base, "full_name"),
        base_url=base_url,
        base_ref=f"refs/heads/{base_ref}",
        base_commit=base_commit,
        fork=at(head, "id") is None or at(head, "id") != at(base, "id"),
        author=text(request, "user", "login"),
        sender=text(payload, "sender", "login"),
        contributor=text(request, "author_association") in _CONTRIBUTORS,
        **_happened(payload),
    )


def _happened(payload: Payload) -> dict[str, Any]:
    """Returns what happened to a pull request, as the members of the event."""
    type_ = _TYPES.get(text(payload, "action"))
    added, removed = names(payload, "changes", "added_labels"), names(payload, "changes", "removed_labels")
    if text(payload, "action") == "label_updated" and removed and not added:
        type_ = PullRequestType.UNLABELLED
    label = text(payload, "label", "name")
    changed = (label,) if label else removed if type_ == PullRequestType.UNLABELLED else added
    merged = at(payload, "pull_request", "merged") is True
    return {
        "type": type_,
        "labels": names(payload, "pull_request", "labels"),
        "changed_labels": changed if type_ in (PullRequestType.LABELLED, PullRequestType.UNLABELLED) else (),
        "merged": merged,
        # Before that it is a commit with which GitHub tries whether it can be merged.
        "merge_commit": text(payload, "pull_request", "merge_commit_sha") if merged else "",
    }


def _release(payload: Payload) -> Release:
    tag, url = required(payload, "release", "release.tag_name", "repository.clone_url")
    return Release(
        repository=text(payload, "repository", "full_name"),
        repository_url=url,
        tag=tag,
        name=text(payload, "release", "name"),
        page=text(payload, "release", "html_url"),
        sender=text(payload, "sender", "login"),
        prerelease=at(payload, "release", "prerelease") is True,
    )


def command(payload: Payload) -> HostCommand | None:
    """Returns the command in a new comment on a pull request, of GitHub or Gitea, or of a button of a check."""
    return _check_command(payload) or _comment_command(payload)


def _check_command(payload: Payload) -> CheckCommand | None:
    """Returns the request to rerun one check or, with the button of its suite, all of a commit."""
    action = text(payload, "action")
    of_run, of_suite = at(payload, "check_run", "head_sha"), at(payload, "check_suite", "head_sha")
    failed_only = action == "requested_action" and text(payload, "requested_action", "identifier") == RERUN_FAILED
    if not (failed_only or action == "rerequested") or not isinstance(of_run or of_suite, str):
        return None
    return CheckCommand(
        repository=text(payload, "repository", "full_name"),
        commit=of_run or of_suite,
        run_id=text(payload, "check_run", "external_id") if of_run else None,
        failed_only=failed_only,
        sender=text(payload, "sender", "login"),
        sender_id=str(at(payload, "sender", "id") or ""),
    )


def _comment_command(payload: Payload) -> CommentCommand | None:
    found = read_command(text(payload, "comment", "body"))
    number_ = at(payload, "issue", "number")
    on_pull_request = isinstance(at(payload, "issue", "pull_request"), dict) or at(payload, "is_pull") is True
    if found is None or text(payload, "action") != "created" or not on_pull_request or not isinstance(number_, int):
        return None
    return CommentCommand(
        repository=text(payload, "repository", "full_name"),
        number=number_,
        sender=text(payload, "comment", "user", "login"),
        sender_id=str(at(payload, "comment", "user", "id") or ""),
        name=found[0],
        argument=found[1],
    )


GITHUB = WebhookFormat(
    event_header=EVENT_HEADER,
    delivery_headers=(DELIVERY_HEADER,),
    acted_on=ACTED_ON,
    pings=frozenset({"ping"}),
    signed=signed,
    read=read,
    commands=frozenset({COMMENT_EVENT, "check_run", "check_suite"}),
    command=command,
    user="x-access-token",
    home="https://github.com",
)
