"""Tokens of GitHub Apps for single repositories, and the secrets of Apps."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from cadence.application.access.ports import Cipher
from cadence.application.repositories.github_app_ports import (
    AppHost,
    AppHosts,
    AppSecrets,
    GitHubAppStore,
    InstallationToken,
)
from cadence.application.shared.ports import Clock
from cadence.domain.repositories.github_app import GitHubApp
from cadence.domain.shared.errors import Forbidden, NotFound

_SOONER = timedelta(minutes=5)
_MOST_TOKENS = 500


@dataclass(frozen=True)
class AppKeys:
    """Encrypts the webhook secret and the private key of an App; each is bound to its App and use."""

    cipher: Cipher

    def encrypted(self, app_id: str, webhook_secret: str, private_key: str) -> AppSecrets:
        """Returns both secrets encrypted."""
        return AppSecrets(
            webhook=self.cipher.encrypt(webhook_secret.encode(), app_webhook_context(app_id)),
            private_key=self.cipher.encrypt(private_key.encode(), _key_context(app_id)),
        )

    def private_key(self, app_id: str, stored: AppSecrets) -> str:
        """Returns the private key (PEM)."""
        return self.cipher.decrypt(stored.private_key, _key_context(app_id)).decode()


@dataclass(frozen=True, kw_only=True)
class AppTokens:
    """Creates tokens of Apps, and keeps each in memory until shortly before it expires (an hour after its creation)."""

    apps: GitHubAppStore
    keys: AppKeys
    hosts: AppHosts
    clock: Clock
    _known: dict[tuple[str, str, tuple[str, ...]], InstallationToken] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def open(self, app: GitHubApp) -> AppHost:
        """Returns an App on GitHub, with its stored key. Raises NotFound if it was removed here."""
        key = self.keys.private_key(app.app_id, self.apps.app_secrets(app.app_id))
        return self.hosts.open(app.api_url, app.number, key)

    def token(self, app_id: str, repository: str, permissions: Mapping[str, str]) -> str:
        """Returns a token for one repository with these permissions.

        Raises Forbidden if the App is not installed on it, was suspended or lacks a permission, with what to do, and
        otherwise like `CodeHost`.
        """
        key = (app_id, repository, tuple(f"{name}:{level}" for name, level in sorted(permissions.items())))
        with self._lock:
            known = self._known.get(key)
        if known is not None and self.clock() < known.expires_at - _SOONER:
            return known.token
        app = self.apps.get_app(app_id)
        host = self.open(app)
        try:
            installation = host.find_installation(repository)
        except NotFound:
            message = f"The GitHub App {app.name} is not installed on {repository}. Install it: {app.installation_page}"
            raise Forbidden(message) from None
        if installation.suspended:
            raise Forbidden(f"The installation of the GitHub App {app.name} is suspended. Resume it on GitHub.")
        created = host.create_token(installation.installation_id, repository, permissions)
        with self._lock:
            if len(self._known) >= _MOST_TOKENS:
                self._known.clear()
            self._known[key] = created
        return created.token


def app_webhook_context(app_id: str) -> dict[str, str]:
    """Returns the encryption context of an App's webhook secret."""
    return {"purpose": "webhook", "app": app_id}


def _key_context(app_id: str) -> dict[str, str]:
    return {"purpose": "app", "app": app_id}
