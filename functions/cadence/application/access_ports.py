"""What the use cases about access need from the outside (table `access`, and the key that encrypts what must not be readable there)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.ports import PoolStore
from cadence.domain.access import ApiToken, Organization, Project
from cadence.domain.githost import GitHost
from cadence.domain.pool import Pool
from cadence.domain.quotas import Quotas


@dataclass(frozen=True)
class SweptPool:
    """A pool whose machines have to be looked after."""

    organization: str
    pool: str
    provider: str


class TokenStore(Protocol):
    def add_token(self, token: ApiToken) -> None:
        """Raises Conflict if the id is taken."""

    def get_token(self, token_id: str) -> ApiToken:
        """Raises NotFound."""

    def list_tokens(self, organization: str) -> Sequence[ApiToken]: ...

    def delete_token(self, organization: str, token_id: str) -> None:
        """Deleting what is not there is no error."""


class Directory(PoolStore, Protocol):
    """Organizations, projects and pools."""

    def add_organization(self, organization: Organization) -> None:
        """Raises Conflict if it exists."""

    def get_organization(self, name: str) -> Organization:
        """Raises NotFound."""

    def get_quotas(self, organization: str) -> Quotas:
        """The defaults if none were set."""

    def put_quotas(self, organization: str, quotas: Quotas) -> None:
        """Raises NotFound if there is no such organization."""

    def add_project(self, project: Project) -> None:
        """Raises Conflict if it exists."""

    def get_project(self, organization: str, name: str) -> Project:
        """Raises NotFound."""

    def list_projects(self, organization: str) -> Sequence[Project]: ...

    def put_pool(self, pool: Pool) -> bool:
        """Creates or replaces it; True if it is new."""

    def remove_pool(self, organization: str, name: str) -> None:
        """Removing what is not there is no error."""


@dataclass(frozen=True)
class CredentialsDescription:
    """What may be known of a pool's credentials."""

    names: tuple[str, ...] = ()
    updated_at: datetime | None = None


class PoolCredentials(Protocol):
    """What a provider needs to act in a pool's infrastructure: encrypted, and read by that provider's Lambda only."""

    def put(self, pool: Pool, credentials: Mapping[str, str], at: datetime) -> CredentialsDescription:
        """Replaces what is kept. Raises TooLarge over 64 KiB."""

    def remove(self, pool: Pool) -> None:
        """Removing what is not there is no error."""

    def describe(self, pool: Pool) -> CredentialsDescription: ...

    def get(self, pool: Pool) -> Mapping[str, str]:
        """Decrypted; empty if none are kept for the pool's provider."""


class GitHostStore(Protocol):
    def add_githost(self, githost: GitHost, encrypted_secret: bytes, encrypted_token: bytes | None = None) -> None:
        """Raises Conflict if the id is taken."""

    def get_githost(self, githost_id: str) -> GitHost:
        """Raises NotFound."""

    def webhook_secret(self, githost_id: str) -> bytes:
        """The encrypted webhook secret. Raises NotFound."""

    def access_token(self, githost_id: str) -> bytes | None:
        """The encrypted token that reads its repositories, if it has one. Raises NotFound."""

    def list_githosts(self, organization: str) -> Sequence[GitHost]: ...


@dataclass(frozen=True)
class Seen:
    """What is remembered of a request or delivery: when it was first seen, what it asked for, whether it was dealt with."""

    first_seen: datetime
    fingerprint: str
    done: bool = False


class SeenStore(Protocol):
    """Remembers requests that may come twice, for a while."""

    def first_seen(self, key: str, fingerprint: str, at: datetime, keep: timedelta) -> Seen:
        """Remembers `key`, or returns what is remembered of it already."""

    def mark_done(self, key: str) -> None: ...


class Cipher(Protocol):
    """Encrypts small secrets; `context` is bound to the ciphertext and must be the same for decryption."""

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes: ...

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes: ...


class SharedKeys(Protocol):
    def key(self, name: str) -> bytes:
        """32 random bytes, the same for every process; made at the first call."""
