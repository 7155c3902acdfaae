"""Encrypts and decrypts the secrets of repositories, and opens their code hosts with them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cadence.application.access.ports import Cipher
from cadence.application.repositories.github_app_tokens import AppTokens
from cadence.application.repositories.ports import CodeHost, CodeHosts, RepositorySecrets, RepositoryStore
from cadence.application.shared.git_ports import GitCredentials
from cadence.domain.repositories.github_app import PERMISSIONS, READING
from cadence.domain.repositories.repository import Repository
from cadence.domain.triggers.githosts import FORMATS


@dataclass(frozen=True)
class RepositoryKeys:
    """Encrypts the webhook secret and the access token of a repository; each is bound to its repository and use."""

    cipher: Cipher

    def new_secret(self) -> str:
        """Returns a random webhook secret."""
        return secrets.token_urlsafe(32)

    def encrypted(self, repository_id: str, webhook_secret: str, token: str) -> RepositorySecrets:
        """Returns both secrets encrypted."""
        return RepositorySecrets(
            webhook=self.cipher.encrypt(webhook_secret.encode(), webhook_context(repository_id)),
            token=self.cipher.encrypt(token.encode(), _token_context(repository_id)),
        )

    def with_token(self, repository_id: str, stored: RepositorySecrets, token: str) -> RepositorySecrets:
        """Returns the secrets with another token."""
        return replace(stored, token=self.cipher.encrypt(token.encode(), _token_context(repository_id)))

    def token(self, repository_id: str, stored: RepositorySecrets) -> str:
        """Returns the access token."""
        return self.cipher.decrypt(stored.token, _token_context(repository_id)).decode()


@dataclass(frozen=True)
class OpenRepository:
    """Opens connected repositories, with their stored tokens or with those of GitHub Apps."""

    repositories: RepositoryStore
    keys: RepositoryKeys
    hosts: CodeHosts
    app_tokens: AppTokens

    def open(self, repository: Repository) -> CodeHost:
        """Returns the repository on its code host.

        Raises NotFound if it was disconnected meanwhile, and like `AppTokens.token`.
        """
        as_app = repository.app_id is not None
        return self.hosts.open(repository.address, self._token(repository, PERMISSIONS), as_app=as_app)

    def redeliver_failed(self, repository: Repository, since: datetime) -> int:
        """Has the code host send webhooks again that failed since then; returns how many.

        Of a GitHub App, those of all its repositories. Raises like `open`.
        """
        if repository.app_id is not None:
            return self.app_tokens.open(self.app_tokens.apps.get_app(repository.app_id)).redeliver_failed(since)
        if repository.webhook_id is None:
            return 0
        return self.open(repository).redeliver_failed(repository.webhook_id, since)

    def credentials(self, repository: Repository) -> GitCredentials:
        """Returns the credentials that read the repository with git. Raises like `open`."""
        return GitCredentials(FORMATS[repository.kind].user, self._token(repository, READING))

    def _token(self, repository: Repository, permissions: Mapping[str, str]) -> str:
        if repository.app_id is not None:
            return self.app_tokens.token(repository.app_id, repository.name, permissions)
        stored = self.repositories.repository_secrets(repository.repository_id)
        return self.keys.token(repository.repository_id, stored)


def webhook_context(repository_id: str) -> dict[str, str]:
    """Returns the encryption context of a webhook secret."""
    return {"purpose": "webhook", "repository": repository_id}


def _token_context(repository_id: str) -> dict[str, str]:
    return {"purpose": "repository", "repository": repository_id}
