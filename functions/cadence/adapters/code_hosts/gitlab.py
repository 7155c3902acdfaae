"""GitLab by a token (REST API, version 4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cadence.adapters.code_hosts.host_client import HostClient
from cadence.application.repositories.ports import HostedCommit, HostedRepository, HostedWebhook
from cadence.domain.repositories.commit_report import CommitState, CommitStatus, PullRequestComment
from cadence.domain.shared.errors import InvalidRequest, NotFound
from cadence.domain.triggers.git_events import PullRequest
from cadence.domain.triggers.githosts.payload import LONGEST_TEXT

_STATES = {
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "running",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failed",
    CommitState.CANCELLED: "canceled",
}
_DEVELOPER = 30
_MAINTAINER = 40


class GitLabRepository:
    """Implements CodeHost."""

    def __init__(self, client: HostClient, name: str) -> None:
        self._client, self._path = client, f"/projects/{quote(name, safe='')}"

    def describe(self) -> HostedRepository:
        found = self._client.call("GET", self._path)
        rights = [right for right in (found.get("permissions") or {}).values() if right]
        return HostedRepository(
            name=found["path_with_namespace"],
            url=found["web_url"],
            clone_url=found["http_url_to_repo"],
            default_branch=found.get("default_branch") or "main",
            may_administer=max((right["access_level"] for right in rights), default=0) >= _MAINTAINER,
        )

    def list_webhooks(self) -> Sequence[HostedWebhook]:
        return [
            HostedWebhook(
                webhook_id=str(hook["id"]),
                url=hook["url"],
                active=hook.get("alert_status", "executable") == "executable",
            )
            for hook in self._client.pages(f"{self._path}/hooks")
        ]

    def put_webhook(self, webhook_id: str | None, url: str, secret: str) -> str:
        body: dict[str, Any] = {"url": url, "token": secret, "enable_ssl_verification": True}
        body |= {f"{event}_events": True for event in ("push", "tag_push", "merge_requests", "note", "releases")}
        if webhook_id is None:
            return str(self._client.call("POST", f"{self._path}/hooks", body)["id"])
        self._client.call("PUT", f"{self._path}/hooks/{webhook_id}", body)
        return webhook_id

    def remove_webhook(self, webhook_id: str) -> None:
        self._client.call("DELETE", f"{self._path}/hooks/{webhook_id}")

    def redeliver_failed(self, webhook_id: str, since: datetime) -> int:
        return 0

    def set_status(self, commit: str, status: CommitStatus) -> None:
        body = {
            "state": _STATES[status.state],
            "name": status.context,
            "target_url": status.target_url,
            "description": status.description,
        }
        try:
            self._client.call("POST", f"{self._path}/statuses/{commit}", body)
        except InvalidRequest as error:
            # A status that is set already is refused as a transition from a state to itself.
            if "Cannot transition status" not in error.message:
                raise

    def checks(self) -> None:
        return None

    def find_comment(self, number: int, marker: str) -> str | None:
        notes = self._client.pages(self._notes(number))
        return next((str(note["id"]) for note in notes if marker in (note.get("body") or "")), None)

    def put_comment(self, comment: PullRequestComment, comment_id: str | None) -> str:
        body = {"body": comment.body}
        if comment_id is None:
            return str(self._client.call("POST", self._notes(comment.number), body)["id"])
        self._client.call("PUT", f"{self._notes(comment.number)}/{comment_id}", body)
        return comment_id

    def _notes(self, number: int) -> str:
        return f"{self._path}/merge_requests/{number}/notes"

    def branches(self) -> Mapping[str, str]:
        found = self._client.pages(f"{self._path}/repository/branches")
        return {branch["name"]: branch["commit"]["id"] for branch in found}

    def is_protected(self, branch: str) -> bool:
        # Wildcards of protected branches are resolved by GitLab.
        return bool(self._client.call("GET", f"{self._path}/repository/branches/{quote(branch, safe='')}")["protected"])

    def open_pull_requests(self) -> Sequence[PullRequest]:
        # One without a commit has no changes yet.
        found = [each for each in self._client.pages(f"{self._path}/merge_requests", state="opened") if each["sha"]]
        projects: dict[int, Any] = {}
        for project_id in {each[side] for each in found for side in ("source_project_id", "target_project_id")}:
            try:
                projects[project_id] = self._client.call("GET", f"/projects/{project_id}") if project_id else {}
            except NotFound:
                projects[project_id] = {}  # a fork that is gone, or that the token does not see
        return [
            self._merge_request(each, projects[each["source_project_id"]], projects[each["target_project_id"]])
            for each in found
        ]

    def _merge_request(self, found: Mapping[str, Any], source: Mapping[str, Any], target: Any) -> PullRequest:
        return PullRequest(
            number=found["iid"],
            title=found["title"][:LONGEST_TEXT],
            repository=source.get("path_with_namespace", ""),
            repository_url=source.get("http_url_to_repo") or target["http_url_to_repo"],
            ref=f"refs/heads/{found['source_branch']}",
            commit=found["sha"],
            base_repository=target["path_with_namespace"],
            base_url=target["http_url_to_repo"],
            base_ref=f"refs/heads/{found['target_branch']}",
            base_commit="",
            fork=found["source_project_id"] is None or found["source_project_id"] != found["target_project_id"],
            author=(found.get("author") or {}).get("name") or "",
        )

    def describe_commit(self, commit: str) -> HostedCommit:
        found = self._client.call("GET", f"{self._path}/repository/commits/{commit}")
        return HostedCommit(message=found["message"], author=found.get("author_name") or "")

    def full_commit(self, commit: str) -> str:
        return commit

    def pull_request(self, number: int) -> PullRequest:
        found = self._client.call("GET", f"{self._path}/merge_requests/{number}")
        return self._merge_request(found, {}, self._client.call("GET", self._path))

    def may_write(self, user: str, user_id: str) -> bool:
        try:
            found = self._client.call("GET", f"{self._path}/members/all/{quote(user_id, safe='')}")
        except NotFound:
            return False
        return bool(found.get("state", "active") == "active" and found["access_level"] >= _DEVELOPER)
