"""Bitbucket Data Center by a repository's, a project's or a personal HTTP access token (REST API `latest`)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cadence.adapters.code_hosts.host_client import HostClient
from cadence.application.repositories.ports import HostedCommit, HostedRepository, HostedWebhook
from cadence.domain.repositories.commit_report import CommitState, CommitStatus, PullRequestComment
from cadence.domain.shared.errors import NotFound
from cadence.domain.shared.patterns import matches
from cadence.domain.triggers.git_events import PullRequest
from cadence.domain.triggers.githosts.bitbucket_data_center import (
    COMMENT_EVENT,
    PUSH,
    clone_url,
    full_name,
    pull_request,
)

_STATES = {
    CommitState.PENDING: "INPROGRESS",
    CommitState.RUNNING: "INPROGRESS",
    CommitState.SUCCESS: "SUCCESSFUL",
    CommitState.FAILURE: "FAILED",
    CommitState.CANCELLED: "CANCELLED",
}
_EVENTS = [PUSH, "pr:opened", "pr:from_ref_updated", "pr:merged", "pr:declined", "pr:deleted", COMMENT_EVENT]
_RESTRICTS_PUSHES = ("read-only", "pull-request-only")
_HEAD = "refs/heads/"
_PER_PAGE = 100
_MOST_PAGES = 10


class BitbucketDataCenterRepository:
    """Implements CodeHost."""

    def __init__(self, client: HostClient, name: str) -> None:
        self._client = client
        self._project, self._slug = name.split("/")
        self._own = f"/projects/{quote(self._project, safe='~')}/repos/{quote(self._slug, safe='')}"
        self._path = f"/api/latest{self._own}"

    def describe(self) -> HostedRepository:
        found = self._client.call("GET", self._path)
        return HostedRepository(
            name=full_name(found),
            url=found["links"]["self"][0]["href"].removesuffix("/browse"),
            clone_url=clone_url(found),
            default_branch=self._default_branch(),
            # A token does not state its rights: creating the webhook shows them.
            may_administer=True,
        )

    def _default_branch(self) -> str:
        try:
            found = self._client.call("GET", f"{self._path}/default-branch")
        except NotFound:
            return "main"  # nothing was pushed yet
        return str((found or {}).get("displayId") or "main")

    def list_webhooks(self) -> Sequence[HostedWebhook]:
        return [
            HostedWebhook(webhook_id=str(hook["id"]), url=hook["url"], active=bool(hook["active"]))
            for hook in self._values(f"{self._path}/webhooks")
        ]

    def put_webhook(self, webhook_id: str | None, url: str, secret: str) -> str:
        body = {
            "name": "Cadence",
            "url": url,
            "active": True,
            "events": _EVENTS,
            "configuration": {"secret": secret},
            "sslVerificationRequired": True,
        }
        if webhook_id is None:
            return str(self._client.call("POST", f"{self._path}/webhooks", body)["id"])
        self._client.call("PUT", f"{self._path}/webhooks/{webhook_id}", body)
        return webhook_id

    def remove_webhook(self, webhook_id: str) -> None:
        self._client.call("DELETE", f"{self._path}/webhooks/{webhook_id}")

    def redeliver_failed(self, webhook_id: str, since: datetime) -> int:
        return 0

    def set_status(self, commit: str, status: CommitStatus) -> None:
        body = {
            "key": status.context,
            "name": status.context,
            "state": _STATES[status.state],
            "url": status.target_url,
            "description": status.description,
        }
        self._client.call("POST", f"{self._path}/commits/{commit}/builds", body)

    def checks(self) -> None:
        return None

    def find_comment(self, number: int, marker: str) -> str | None:
        activities = self._values(f"{self._path}/pull-requests/{number}/activities")
        comments = (each["comment"] for each in activities if each["action"] == "COMMENTED")
        return next((str(each["id"]) for each in comments if marker in each.get("text", "")), None)

    def put_comment(self, comment: PullRequestComment, comment_id: str | None) -> str:
        comments = f"{self._path}/pull-requests/{comment.number}/comments"
        if comment_id is None:
            return str(self._client.call("POST", comments, {"text": comment.body})["id"])
        # A change names the version that it is of, so that it replaces none that it has not seen.
        version = self._client.call("GET", f"{comments}/{comment_id}")["version"]
        self._client.call("PUT", f"{comments}/{comment_id}", {"text": comment.body, "version": version})
        return comment_id

    def branches(self) -> Mapping[str, str]:
        found = self._values(f"{self._path}/branches")
        return {branch["displayId"]: branch["latestCommit"] for branch in found}

    def is_protected(self, branch: str) -> bool:
        # Bitbucket does not tell it of a branch: one is protected if a rule restricts who may push. Rules for a part of
        # the branching model are not resolved, so that a branch is rather taken for unprotected.
        found = self._values(f"{self._path}/branches", filterText=branch, boostMatches="true")
        if all(one["displayId"] != branch for one in found):
            raise NotFound(f"There is no branch {branch!r}.")
        rules = self._values(f"/branch-permissions/latest{self._own}/restrictions")
        return any(rule["type"] in _RESTRICTS_PUSHES and _is_of(rule["matcher"], branch) for rule in rules)

    def open_pull_requests(self) -> Sequence[PullRequest]:
        found = self._values(f"{self._path}/pull-requests", state="OPEN")
        return [pull_request({"pullRequest": each}) for each in found]

    def full_commit(self, commit: str) -> str:
        return commit

    def pull_request(self, number: int) -> PullRequest:
        return pull_request({"pullRequest": self._client.call("GET", f"{self._path}/pull-requests/{number}")})

    def may_write(self, user: str, user_id: str) -> bool:
        # Those who have the right in any way: by themselves, a group, the project, or the whole host.
        right = {
            "permission.1": "REPO_WRITE",
            "permission.1.projectKey": self._project,
            "permission.1.repositorySlug": self._slug,
        }
        found = self._values("/api/latest/users", filter=user, **right)
        return any(one["slug"] == user_id and one.get("active", True) for one in found)

    def describe_commit(self, commit: str) -> HostedCommit:
        found = self._client.call("GET", f"{self._path}/commits/{commit}")
        author = found.get("author") or {}
        return HostedCommit(message=found["message"], author=author.get("displayName") or author.get("name") or "")

    def _values(self, path: str, **query: Any) -> Iterator[Any]:
        start = 0
        for _ in range(_MOST_PAGES):
            found = self._client.call("GET", path, start=start, limit=_PER_PAGE, **query)
            yield from found["values"]
            if found.get("isLastPage", True):
                return
            start = found["nextPageStart"]


def _is_of(matcher: Mapping[str, Any], branch: str) -> bool:
    """Whether a rule is about a branch. A `*` of a pattern is taken to match no slash."""
    kind, name = matcher["type"]["id"], str(matcher["id"])
    if kind == "BRANCH":
        return name == f"{_HEAD}{branch}"
    return kind == "ANY_REF" or (kind == "PATTERN" and matches(name.removeprefix(_HEAD), branch))
