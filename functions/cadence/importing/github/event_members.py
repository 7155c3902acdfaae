"""Members of the context `github` of GitHub Actions, as CEL over the event of a run."""

from collections.abc import Mapping, Sequence

from cadence.importing.shared.cel import REPOSITORY, event_value

EVENT_KINDS: Mapping[str, str] = {
    "push": "push",
    "pull_request": "pull_request",
    "release": "release",
    "schedule": "schedule",
    "workflow_dispatch": "manual",
    "repository_dispatch": "webhook",
}
"""The kinds of events by their names in GitHub Actions."""

PULL_REQUEST_TYPES: Mapping[str, str] = {
    "opened": "opened",
    "reopened": "reopened",
    "synchronize": "updated",
    "labeled": "labelled",
    "unlabeled": "unlabelled",
    "closed": "closed",
}
"""The types of events of pull requests by their names in GitHub Actions."""

ACTIONS: Mapping[str, str] = {**PULL_REQUEST_TYPES, "published": "published"}
"""The types of events by the values of `github.event.action`."""

LABELS = "event.pull_request.labels.*.name"


def _of_pull_request(member: str, value: str = "") -> str:
    """A member that other events have with another meaning, or what follows from it."""
    return f'(event.kind == "pull_request" && has({member}) ? {value or member} : "")'


def _flag(kind: str, member: str) -> str:
    return f'(event.kind == "{kind}" && has({member}) && {member})'


_MEMBERS = {
    "sha": "event.commit",
    "ref": "event.ref",
    "ref_name": "event.branch",
    "base_ref": "event.base_branch",
    "event_name": "event.kind",
    "actor": "event.sender",
    "triggering_actor": "event.sender",
    "run_id": "run.id",
    "workflow": "run.pipeline",
    "event.label.name": "event.label",
    "event.pull_request.merge_commit_sha": "event.merge_commit",
    "event.pull_request.title": "event.title",
    "event.pull_request.base.ref": "event.base_branch",
    "event.pull_request.base.sha": "event.base_commit",
    "event.release.html_url": "event.page",
    "event.release.name": "event.name",
    "event.release.tag_name": "event.tag",
    "event.before": "event.before",
    "event.after": "event.commit",
    "event.head_commit.message": "event.message",
    "event.head_commit.author.name": "event.author",
    "event.sender.login": "event.sender",
}
_NUMBER = '(has(event.number) ? string(event.number) : "")'
GITHUB: Mapping[str, str] = {
    **{name: event_value(member) for name, member in _MEMBERS.items()},
    "repository": REPOSITORY,
    "repository_owner": f'{REPOSITORY}.split("/")[0]',
    "ref_type": '(has(event.tag) ? "tag" : "branch")',
    "head_ref": _of_pull_request("event.branch"),
    "event.number": _NUMBER,
    "event.ref": '(event.kind == "push" && has(event.ref) ? event.ref : "")',
    "event.repository.full_name": REPOSITORY,
    "event.repository.clone_url": "(has(event.base_repository_url) ? event.base_repository_url : has(event.repository_url) ? "
    'event.repository_url : "")',
    "event.pull_request.number": _NUMBER,
    "event.pull_request.head.label": _of_pull_request(
        "event.branch", '(event.repository.split("/")[0] + ":" + event.branch)'
    ),
    "event.pull_request.head.ref": _of_pull_request("event.branch"),
    "event.pull_request.head.sha": _of_pull_request("event.commit"),
    "event.pull_request.head.repo.full_name": _of_pull_request("event.repository"),
    "event.pull_request.state": _of_pull_request("event.type", '(event.type == "closed" ? "closed" : "open")'),
    "event.pull_request.user.login": _of_pull_request("event.author"),
}
"""The CEL text of each member that is a text; empty if the event does not have it, as in GitHub."""


def of_payload(path: Sequence[str]) -> str:
    """The CEL text of a member of `github.event.client_payload`, which the caller of a webhook sends; empty without it.

    >>> of_payload(["pull", "number"])
    '(has(event.data) && has(event.data.pull) && has(event.data.pull.number) ? event.data.pull.number : "")'
    """
    members = [".".join(["event.data", *path[:length]]) for length in range(len(path) + 1)]
    return f'({" && ".join(f"has({member})" for member in members)} ? {members[-1]} : "")'


TRUTHS: Mapping[str, str] = {
    "event.pull_request.head.repo.fork": _flag("pull_request", "event.fork"),
    "event.pull_request.merged": _flag("pull_request", "event.merged"),
    "event.release.prerelease": _flag("release", "event.prerelease"),
}
"""The CEL text of each member that is true or false; false if the event does not have it."""
