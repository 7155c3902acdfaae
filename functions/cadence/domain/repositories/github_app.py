"""GitHub Apps of projects: registered on GitHub through a manifest, and installed on repositories there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cadence.domain.repositories.repository import RepositoryAddress
from cadence.domain.triggers.githost import GitHostKind

APP_PREFIX = "a-"
"""Begins the id of every App, which distinguishes it from a repository's in the address of a webhook."""
PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {"checks": "write", "contents": "read", "issues": "read", "metadata": "read", "pull_requests": "write"}
)
"""What an App may do. GitHub requires `issues` for the webhooks about comments."""
READING: Mapping[str, str] = MappingProxyType({"contents": "read"})
"""What a token needs that reads commits with git."""
EVENTS = ("push", "pull_request", "issue_comment", "release", "check_run", "check_suite")
LONGEST_NAME = 34
_LEVELS = ("read", "write", "admin")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}")


@dataclass(frozen=True, kw_only=True)
class GitHubApp:
    """An App of a project. Repositories of this project that it is installed on can be connected without a token.

    `number` is GitHub's own id of it, `slug` its name in addresses, `url` its page, `origin` its code host.
    `public_url` is the address at which the code host reaches this API, without a slash at its end.
    """

    app_id: str
    organization: str
    project: str
    origin: str
    public_url: str
    number: int
    slug: str
    name: str
    url: str
    created_at: datetime
    created_by: str

    @property
    def api_url(self) -> str:
        """The base of the code host's REST API."""
        return github_api(self.origin)

    @property
    def webhook_url(self) -> str:
        """The address to which GitHub sends the events of all repositories that the App is installed on."""
        return app_webhook_url(self.public_url, self.app_id)

    @property
    def installation_page(self) -> str:
        """The page on which the App is installed on repositories."""
        return f"{self.url}/installations/new"


@dataclass(frozen=True, kw_only=True)
class AppInstallation:
    """An App's installation on an account, as GitHub has it."""

    installation_id: int
    permissions: Mapping[str, str]
    suspended: bool = False

    @property
    def missing(self) -> Mapping[str, str]:
        """The permissions that the App needs and the account has not granted."""
        return {name: level for name, level in PERMISSIONS.items() if not _covers(self.permissions.get(name), level)}


def github_api(origin: str) -> str:
    """Returns the base of the REST API of a GitHub."""
    return RepositoryAddress(kind=GitHostKind.GITHUB, origin=origin, name="").api_url


def app_webhook_url(public_url: str, app_id: str) -> str:
    """Returns the address to which the events of an App are sent."""
    return f"{public_url}/webhooks/{GitHostKind.GITHUB}/{app_id}"


def registration_page(origin: str, account: str | None) -> str:
    """Returns the address that takes a manifest: of the user who is signed in there, or of an organization.

    Raises ValueError for a name that no account has.
    """
    if account is None:
        return f"{origin}/settings/apps/new"
    if not _ACCOUNT.fullmatch(account):
        raise ValueError(account)
    return f"{origin}/organizations/{account}/settings/apps/new"


def app_manifest(name: str, app_id: str, public_url: str, redirect_url: str) -> Mapping[str, Any]:
    """Returns the manifest of an App. GitHub sends the browser to `redirect_url`, with the code for its credentials."""
    return {
        "name": name[:LONGEST_NAME],
        "url": public_url,
        "description": "Runs the pipelines of repositories in Cadence and shows their results as checks.",
        "public": False,
        "redirect_url": redirect_url,
        "hook_attributes": {"url": app_webhook_url(public_url, app_id), "active": True},
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(EVENTS),
    }


def _covers(granted: str | None, needed: str) -> bool:
    return granted in _LEVELS and _LEVELS.index(granted) >= _LEVELS.index(needed)
