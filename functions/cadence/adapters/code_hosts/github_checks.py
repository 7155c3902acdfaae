"""Checks on GitHub, which only Apps may write."""

from datetime import UTC, datetime
from typing import Any

from cadence.adapters.code_hosts.github import GitHubRepository
from cadence.adapters.code_hosts.host_client import HostClient
from cadence.domain.repositories.commit_check import Annotation, CommitCheck, SentCheck
from cadence.domain.repositories.commit_report import CommitState
from cadence.domain.shared.errors import NotFound
from cadence.domain.triggers.githosts.github import RERUN_FAILED

_STATUSES = {CommitState.PENDING: "queued", CommitState.RUNNING: "in_progress"}
_CONCLUSIONS = {
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failure",
    CommitState.CANCELLED: "cancelled",
}
_RERUN = {
    "label": "Rerun failed",
    "description": "Keeps the values of what succeeded",
    "identifier": RERUN_FAILED,
}


class GitHubChecks:
    """Implements Checks."""

    def __init__(self, client: HostClient, path: str) -> None:
        self._client, self._path = client, path

    def put_check(self, commit: str, check: CommitCheck, sent: SentCheck | None) -> SentCheck:
        body = self._body(check)
        check_id = sent.check_id if sent and sent.run_id == check.run_id else self._find(commit, check)
        known = sent.annotations if sent and sent.run_id == check.run_id else ""
        if check_id is not None and known not in ("", check.annotations_digest):
            check_id = None  # GitHub adds annotations to those that a check has: others need a new one
        if check.annotations and (check_id is None or known != check.annotations_digest):
            body["output"]["annotations"] = [_annotation(each) for each in check.annotations]
        if check_id is not None:
            try:
                self._client.call("PATCH", f"{self._path}/check-runs/{check_id}", body)
            except NotFound:
                return self.put_check(commit, check, None)
        else:
            check_id = str(self._client.call("POST", f"{self._path}/check-runs", {**body, "head_sha": commit})["id"])
        return SentCheck(check_id=check_id, run_id=check.run_id, annotations=check.annotations_digest)

    def _find(self, commit: str, check: CommitCheck) -> str | None:
        """Returns the id of the run's check, which an interrupted report may have created."""
        query: dict[str, Any] = {"check_name": check.status.context, "filter": "latest", "per_page": 100}
        found = self._client.call("GET", f"{self._path}/commits/{commit}/check-runs", **query)["check_runs"]
        return next((str(each["id"]) for each in found if each.get("external_id") == check.run_id), None)

    def _body(self, check: CommitCheck) -> dict[str, Any]:
        status = check.status
        body: dict[str, Any] = {
            "name": status.context,
            "details_url": status.target_url,
            "external_id": check.run_id,
            "status": _STATUSES.get(status.state, "completed"),
            "output": {"title": status.description, "summary": check.summary},
        }
        if check.text:
            body["output"]["text"] = check.text
        if check.started_at is not None:
            body["started_at"] = _time(check.started_at)
        if check.final:
            body["conclusion"] = "timed_out" if check.timed_out else _CONCLUSIONS[status.state]
            if check.completed_at is not None:
                body["completed_at"] = _time(check.completed_at)
            body["actions"] = [_RERUN] if check.failed else []
        return body


class GitHubAppRepository(GitHubRepository):
    """Implements CodeHost with the token of an App's installation."""

    def checks(self) -> GitHubChecks:
        return GitHubChecks(self._client, self._path)


def _annotation(annotation: Annotation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": "failure" if annotation.failure else "warning",
        "title": annotation.title,
        "message": annotation.message,
    }
    if annotation.column is not None:
        found |= {"start_column": annotation.column, "end_column": annotation.column}
    return found


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
