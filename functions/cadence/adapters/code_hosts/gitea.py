"""Gitea and Forgejo by a token: an API in the form of GitHub's, with some differences."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cadence.adapters.code_hosts.github import GitHubRepository
from cadence.domain.repositories.commit_report import CommitState

# A cancelled run is a warning: `error` would say that something is wrong with the commit.
_STATES = {
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "pending",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failure",
    CommitState.CANCELLED: "warning",
}


class GiteaRepository(GitHubRepository):
    """Implements CodeHost."""

    _in_branches = "/"

    def redeliver_failed(self, webhook_id: str, since: datetime) -> int:
        return 0

    def _webhook_kind(self) -> Mapping[str, Any]:
        return {"type": "gitea"}

    def _webhook_config(self, url: str, secret: str) -> Mapping[str, str]:
        return {"url": url, "content_type": "json", "secret": secret}

    def _state(self, state: CommitState) -> str:
        return _STATES[state]

    def _commit_of(self, branch: Mapping[str, Any]) -> str:
        return str(branch["commit"]["id"])

    @property
    def _commits(self) -> str:
        return f"{self._path}/git/commits"
