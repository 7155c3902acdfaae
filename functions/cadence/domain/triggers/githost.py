"""Git hosts and other senders of webhooks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GitHostKind(StrEnum):
    """The kind of a git host, which is part of the address of its webhooks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"


class EventSenderKind(StrEnum):
    """The kind of a sender that is no git host: its webhooks have events of any type."""

    GENERIC = "generic"


WebhookKind = GitHostKind | EventSenderKind


def webhook_kind(name: str) -> WebhookKind:
    """Returns the kind of that name. Raises ValueError if there is none."""
    return EventSenderKind.GENERIC if name == EventSenderKind.GENERIC else GitHostKind(name)


@dataclass(frozen=True, kw_only=True)
class GitHost:
    """A git host, or another sender of the kind `generic`, that sends webhooks for one project.

    `githost_id` is part of its webhook's address; its secret is kept elsewhere. `url` is the base address of the
    repositories that are read with its access token. With `programs`, a push to a repository that has a Mélodium
    program in `.melodium-ci` runs it.
    """

    githost_id: str
    kind: WebhookKind
    organization: str
    project: str
    name: str
    created_at: datetime
    url: str | None = None
    programs: bool = False

    @property
    def webhook_path(self) -> str:
        """The path of the API to which the git host sends its webhooks."""
        return f"/webhooks/{self.kind}/{self.githost_id}"
