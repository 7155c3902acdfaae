"""GitHub and GitHub Enterprise by a token (REST API, version 2022-11-28)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cadence.adapters.code_hosts.host_client import HostClient
from cadence.application.repositories.ports import Checks, HostedCommit, HostedRepository, HostedWebhook
from cadence.domain.repositories.commit_report import CommitState, CommitStatus, PullRequestComment
from cadence.domain.shared.errors import NotFound
from cadence.domain.triggers.git_events import PullRequest
from cadence.domain.triggers.githosts.github import pull_request

HEADERS = {"X-GitHub-Api-Version": "2022-11-28", "Accept": "application/vnd.github+json"}
_STATES = {
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "pending",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failure",
    CommitState.CANCELLED: "error",
}
_EVENTS = ["push", "pull_request", "issue_comment", "release"]
_FAILED = 400
_WRITERS = frozenset({"admin", "write", "owner"})


class GitHubRepository:
    """Implements CodeHost. Gitea's API has the same form; its class states the differences."""

    def __init__(self, client: HostClient, name: str) -> None:
        self._client, self._path = client, f"/repos/{name}"

    def describe(self) -> HostedRepository:
        found = self._client.call("GET", self._path)
        return HostedRepository(
            name=found["full_name"],
            url=found["html_url"],
            clone_url=found["clone_url"],
            default_branch=found.get("default_branch") or "main",
            may_administer=bool((found.get("permissions") or {}).get("admin")),
        )

    def list_webhooks(self) -> Sequence[HostedWebhook]:
        return [
            HostedWebhook(webhook_id=str(hook["id"]), url=hook["config"].get("url", ""), active=bool(hook["active"]))
            for hook in self._client.pages(f"{self._path}/hooks")
        ]

    def put_webhook(self, webhook_id: str | None, url: str, secret: str) -> str:
        body = {"active": True, "events": _EVENTS, "config": self._webhook_config(url, secret)}
        if webhook_id is None:
            return str(self._client.call("POST", f"{self._path}/hooks", {**self._webhook_kind(), **body})["id"])
        self._client.call("PATCH", f"{self._path}/hooks/{webhook_id}", body)
        return webhook_id

    def _webhook_kind(self) -> Mapping[str, Any]:
        return {"name": "web"}

    def _webhook_config(self, url: str, secret: str) -> Mapping[str, str]:
        return {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}

    def remove_webhook(self, webhook_id: str) -> None:
        self._client.call("DELETE", f"{self._path}/hooks/{webhook_id}")

    def redeliver_failed(self, webhook_id: str, since: datetime) -> int:
        return redeliver_failed(self._client, f"{self._path}/hooks/{webhook_id}/deliveries", since)

    def set_status(self, commit: str, status: CommitStatus) -> None:
        body = {
            "state": self._state(status.state),
            "target_url": status.target_url,
            "description": status.description,
            "context": status.context,
        }
        self._client.call("POST", f"{self._path}/statuses/{commit}", body)

    def _state(self, state: CommitState) -> str:
        return _STATES[state]

    def checks(self) -> Checks | None:
        return None

    def find_comment(self, number: int, marker: str) -> str | None:
        comments = self._client.pages(f"{self._path}/issues/{number}/comments")
        return next((str(comment["id"]) for comment in comments if marker in (comment.get("body") or "")), None)

    def put_comment(self, comment: PullRequestComment, comment_id: str | None) -> str:
        body = {"body": comment.body}
        if comment_id is None:
            return str(self._client.call("POST", f"{self._path}/issues/{comment.number}/comments", body)["id"])
        self._client.call("PATCH", f"{self._path}/issues/comments/{comment_id}", body)
        return comment_id

    def branches(self) -> Mapping[str, str]:
        found = self._client.pages(f"{self._path}/branches")
        return {branch["name"]: self._commit_of(branch) for branch in found}

    def is_protected(self, branch: str) -> bool:
        # GitHub counts protection rules and rulesets, Gitea its rules, with patterns resolved.
        return bool(
            self._client.call("GET", f"{self._path}/branches/{quote(branch, safe=self._in_branches)}")["protected"]
        )

    _in_branches = ""
    """The characters of a branch's name that stand in addresses as they are."""

    def _commit_of(self, branch: Mapping[str, Any]) -> str:
        return str(branch["commit"]["sha"])

    def open_pull_requests(self) -> Sequence[PullRequest]:
        try:
            found = list(self._client.pages(f"{self._path}/pulls", state="open"))
        except NotFound:
            return []  # Gitea's answer for a repository that has no commit yet
        # What is listed has the form of what webhooks send.
        return [pull_request({"number": each["number"], "pull_request": each}) for each in found]

    def describe_commit(self, commit: str) -> HostedCommit:
        found = self._client.call("GET", f"{self._commits}/{commit}")["commit"]
        return HostedCommit(message=found["message"], author=(found.get("author") or {}).get("name") or "")

    @property
    def _commits(self) -> str:
        return f"{self._path}/commits"

    def full_commit(self, commit: str) -> str:
        return commit

    def pull_request(self, number: int) -> PullRequest:
        found = self._client.call("GET", f"{self._path}/pulls/{number}")
        return pull_request({"number": number, "pull_request": found})

    def may_write(self, user: str, user_id: str) -> bool:
        try:
            found = self._client.call("GET", f"{self._path}/collaborators/{quote(user, safe='')}/permission")
        except NotFound:
            return False
        return found.get("permission") in _WRITERS


def redeliver_failed(client: HostClient, path: str, since: datetime) -> int:
    """Has GitHub send failed deliveries of a webhook again, the oldest first; returns how many.

    `path` is the list of the webhook's deliveries. One that has failed again after it was repeated is left alone, under
    the id of either attempt: what the receiver refuses for good would be sent for ever.
    """
    found = client.call("GET", path, status="failure", per_page=100)
    repeated = {each["guid"] for each in found if each["redelivery"]}
    failed = {
        each["guid"]: each["id"]
        for each in found
        if each["status_code"] >= _FAILED and each["guid"] not in repeated
        if datetime.fromisoformat(each["delivered_at"]) >= since
    }
    for delivery_id in reversed(failed.values()):
        client.call("POST", f"{path}/{delivery_id}/attempts")
    return len(failed)
