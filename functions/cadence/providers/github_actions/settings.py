"""The settings of a pool of GitHub's runners (`schemas/pool-settings/github_actions/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.providers.choices import Choice

URL = "https://api.github.com"


@dataclass(frozen=True, kw_only=True)
class GithubSettings:
    """The settings. `repository` is `owner/name`, `workflow` the name of the file there.

    `runners` are labels of its runners, several with commas.
    """

    repository: str
    runners: tuple[Choice, ...]
    workflow: str = "cadence-runner.yml"
    ref: str = "main"
    url: str = URL

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "GithubSettings":
        return cls(
            repository=data["repository"],
            runners=tuple(Choice.from_json(choice) for choice in data["runners"]),
            workflow=data.get("workflow", cls.workflow),
            ref=data.get("ref", cls.ref),
            url=data.get("url", URL),
        )

    @property
    def actions(self) -> str:
        """The path of the repository's Actions."""
        return f"repos/{self.repository}/actions"
