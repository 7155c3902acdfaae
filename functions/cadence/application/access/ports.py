"""What the use cases about access need from the outside (table `access`, and the key that encrypts what must not be readable there)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.shared.ports import Page, PoolStore
from cadence.domain.access.access import ApiToken, Organization, Project
from cadence.domain.access.audit import AuditEntry
from cadence.domain.limits.quotas import Quotas
from cadence.domain.placement.pool import Pool


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
class SeenRequest:
    """What is remembered of a request or delivery: when it was first seen, what it asked for, whether it was dealt with."""

    first_seen: datetime
    fingerprint: str
    done: bool = False


class SeenStore(Protocol):
    """Remembers requests that may come twice, for a while."""

    def first_seen(self, key: str, fingerprint: str, at: datetime, keep: timedelta) -> SeenRequest:
        """Remembers `key`, or returns what is remembered of it already."""

    def mark_done(self, key: str) -> None: ...


class Cipher(Protocol):
    """Encrypts small secrets; `context` is bound to the ciphertext and must be the same for decryption."""

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes: ...

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes: ...


class SharedKeys(Protocol):
    def key(self, name: str) -> bytes:
        """32 random bytes, the same for every process; made at the first call."""


class AuditTrail(Protocol):
    def note(self, entry: AuditEntry) -> None:
        """Raises Transient: what cannot be noted is not to be done."""

    def entries(self, organization: str, limit: int, before: str | None) -> Page[AuditEntry]:
        """Newest first, from the position `before` on."""
