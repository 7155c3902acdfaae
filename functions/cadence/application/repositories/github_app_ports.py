"""Ports over GitHub Apps: what is stored of them, and what they do on GitHub."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.repositories.github_app import AppInstallation, GitHubApp


@dataclass(frozen=True, kw_only=True)
class AppSecrets:
    """The secrets of an App, encrypted."""

    webhook: bytes = field(repr=False)
    private_key: bytes = field(repr=False)


class GitHubAppStore(Protocol):
    """Apps of projects."""

    def add_app(self, app: GitHubApp, secrets: AppSecrets) -> None:
        """Stores an App. Raises Conflict if the id is taken."""

    def get_app(self, app_id: str) -> GitHubApp:
        """Returns an App. Raises NotFound."""

    def app_secrets(self, app_id: str) -> AppSecrets:
        """Returns the encrypted secrets. Raises NotFound."""

    def list_apps(self, organization: str) -> Sequence[GitHubApp]:
        """Returns the organization's Apps, by project."""

    def replace_app_secrets(self, app: GitHubApp, secrets: AppSecrets) -> None:
        """Stores other secrets. Raises NotFound if the App is gone."""

    def remove_app(self, app: GitHubApp) -> None:
        """Removes an App. It is no error if it is gone."""


@dataclass(frozen=True, kw_only=True)
class RegisteredApp:
    """An App as GitHub has registered it, with the credentials that it shows once.

    `webhook_secret` is None if GitHub made none.
    """

    number: int
    slug: str
    name: str
    url: str
    webhook_secret: str | None = field(repr=False)
    private_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class InstallationToken:
    """A token of an installation, for some repositories and permissions of it."""

    token: str = field(repr=False)
    expires_at: datetime


class AppHost(Protocol):
    """One App on GitHub, authorized by its private key. Methods raise like those of `CodeHost`."""

    def find_installation(self, repository: str) -> AppInstallation:
        """Returns the installation that includes a repository (`acme/site`). Raises NotFound if there is none."""

    def create_token(self, installation_id: int, repository: str, permissions: Mapping[str, str]) -> InstallationToken:
        """Returns a token for one repository, with some of the installation's permissions."""

    def webhook_url(self) -> str:
        """Returns the address to which GitHub sends the App's events."""

    def set_webhook(self, url: str, secret: str) -> None:
        """Changes the address and the secret of the App's webhook."""

    def redeliver_failed(self, since: datetime) -> int:
        """Has the newest 100 events that failed since then be sent again, each once; returns how many."""


class AppHosts(Protocol):
    """Registers and opens Apps. Both methods raise InvalidRequest for an address that may not be reached from here."""

    def register(self, api_url: str, code: str) -> RegisteredApp:
        """Returns the App that was registered with the manifest for which GitHub gave `code`, once.

        Raises NotFound for a code that is unknown, used or older than an hour.
        """

    def open(self, api_url: str, number: int, private_key: str) -> AppHost:
        """Returns an App. Raises InvalidRequest if `private_key` is no RSA key in PEM."""
