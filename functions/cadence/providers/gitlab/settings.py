"""The settings of a pool of GitLab's runners (`schemas/pool-settings/gitlab/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cadence.providers.choices import Choice

URL = "https://gitlab.com"


@dataclass(frozen=True, kw_only=True)
class GitlabSettings:
    """The settings.

    `project` is its path (`group/name`), `runners` are tags of its runners, `url` is that of the GitLab.
    """

    project: str
    runners: tuple[Choice, ...]
    ref: str = "main"
    image: str = "python:3.13-slim"
    url: str = URL

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "GitlabSettings":
        return cls(
            project=data["project"],
            runners=tuple(Choice.from_json(choice) for choice in data["runners"]),
            ref=data.get("ref", cls.ref),
            image=data.get("image", cls.image),
            url=data.get("url", URL).rstrip("/"),
        )

    @property
    def path(self) -> str:
        """The path of the project."""
        return f"projects/{quote(self.project, safe='')}"
