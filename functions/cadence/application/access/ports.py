"""Ports over the table `access`, and over the key that encrypts what must not be readable there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.access.people_ports import Holder
from cadence.application.shared.ports import Page, PoolStore
from cadence.domain.access.access import ApiToken, Organization, Project
from cadence.domain.access.audit import AuditEntry, AuditFilter
from cadence.domain.access.audit_chain import ChainHead, ChainRecord
from cadence.domain.access.people import AccessPolicy
from cadence.domain.access.token_policy import TokenPolicy
from cadence.domain.limits.quotas import Quotas
from cadence.domain.placement.pool import Pool


@dataclass(frozen=True)
class Credentials:
    """A token with what it takes to know its rights.

    `holder` is the member or service account that it acts for, None if there is none (any more). `policy` is that of
    the organization in which it acts.
    """

    token: ApiToken
    holder: Holder | None = None
    policy: AccessPolicy | None = None


class TokenStore(Protocol):
    """API tokens, without their secrets."""

    def credentials(self, token_id: str, organization: str | None) -> Credentials:
        """Returns a token, its holder, and the policy of `organization` (None: of the token's own).

        Raises NotFound if there is no such token.
        """

    def add_token(self, token: ApiToken) -> None:
        """Stores a token. Raises Conflict if the id is taken."""

    def get_token(self, token_id: str) -> ApiToken:
        """Returns a token. Raises NotFound."""

    def list_tokens(self, organization: str) -> Sequence[ApiToken]:
        """Returns the tokens of the organization."""

    def end_token(self, organization: str, token_id: str, at: datetime) -> None:
        """Lets a token expire at a time. Raises NotFound."""

    def delete_token(self, organization: str, token_id: str) -> None:
        """Deletes a token. Deleting an absent one is no error."""


class TokenPolicyStore(Protocol):
    """The policies of organizations for the lifetimes of their tokens."""

    def get_token_policy(self, organization: str) -> TokenPolicy:
        """Returns the policy; by default tokens may have no end."""

    def put_token_policy(self, organization: str, policy: TokenPolicy) -> None:
        """Sets the policy for tokens that are created from now on."""


class Directory(PoolStore, Protocol):
    """Organizations, projects and pools."""

    def add_organization(self, organization: Organization) -> None:
        """Stores an organization. Raises Conflict if it exists."""

    def get_organization(self, name: str) -> Organization:
        """Returns an organization, also one that was deleted. Raises NotFound."""

    def list_organizations(self) -> Sequence[Organization]:
        """Returns the organizations that are not deleted, by name."""

    def rename_organization(self, name: str, display_name: str) -> None:
        """Changes what an organization is shown as. Raises NotFound if there is none, or it is being deleted."""

    def get_quotas(self, organization: str) -> Quotas:
        """Returns the organization's quotas, the defaults if none were set."""

    def put_quotas(self, organization: str, quotas: Quotas) -> None:
        """Sets the organization's quotas. Raises NotFound if there is no such organization."""

    def add_project(self, project: Project) -> None:
        """Stores a project. Raises Conflict if it exists."""

    def get_project(self, organization: str, name: str) -> Project:
        """Returns a project. Raises NotFound."""

    def list_projects(self, organization: str) -> Sequence[Project]:
        """Returns the projects of the organization."""

    def put_pool(self, pool: Pool) -> bool:
        """Creates or replaces a pool; returns True if it is new."""

    def replace_pool(self, pool: Pool) -> None:
        """Replaces a pool. Raises Conflict if it was removed meanwhile."""

    def create_pool(self, pool: Pool, policy: AccessPolicy | None = None) -> bool:
        """Creates a pool without credentials, and stores `policy` in the same step; returns False if the pool exists.

        Raises Conflict if the version of `policy` is not one more than that of the stored one.
        """

    def remove_pool(self, organization: str, name: str) -> None:
        """Removes a pool. Removing an absent one is no error."""


@dataclass(frozen=True)
class SeenRequest:
    """The record of a request or delivery: when it was first seen, its fingerprint, whether it was processed."""

    first_seen: datetime
    fingerprint: str
    done: bool = False


class SeenStore(Protocol):
    """Records requests that may be repeated, for a limited time."""

    def first_seen(self, key: str, fingerprint: str, at: datetime, keep: timedelta) -> SeenRequest:
        """Records `key`, or returns the existing record."""

    def mark_done(self, key: str) -> None:
        """Marks the request as processed."""


class Cipher(Protocol):
    """Encrypts small secrets; `context` is bound to the ciphertext and must be the same for decryption."""

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes:
        """Returns the ciphertext."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes:
        """Returns the plain text."""


class SharedKeys(Protocol):
    """Random keys that all processes share."""

    def key(self, name: str) -> bytes:
        """Returns 32 random bytes, the same for every process; they are made at the first call."""


class AuditTrail(Protocol):
    """The audit log. Entries are added, never changed."""

    def note(self, entry: AuditEntry) -> None:
        """Adds an entry. Raises Transient, in which case the audited action must not be done."""

    def note_once(self, entry: AuditEntry, key: str, keep: timedelta) -> None:
        """Adds an entry unless one was added with the same `key` within `keep`. Raises Transient.

        A key differs from one time `keep` to the next.
        """

    def entries(
        self, organization: str, limit: int, before: str | None, wanted: AuditFilter | None = None
    ) -> Page[AuditEntry]:
        """Returns entries, newest first, that precede the position `before`.

        At most 1,000 entries are read, so that a rare filter may give a short page with more to come.
        """


class AuditChain(Protocol):
    """The chained records of the audit log (`cadence.domain.access.audit_chain`), in seals of one batch each."""

    def head(self, organization: str) -> ChainHead:
        """Returns the end of the organization's chain, as the last successful `append` left it."""

    def recent(self, organization: str, seals: int) -> Sequence[Sequence[ChainRecord]]:
        """Returns the records of the newest seals, the newest seal first."""

    def append(self, organization: str, head: ChainHead, records: Sequence[ChainRecord]) -> None:
        """Adds a seal of records that follow `head`. Raises Conflict if that is not the chain's end any more."""

    def records(self, organization: str, after: int, limit: int) -> Sequence[ChainRecord]:
        """Returns the records with larger numbers than `after`, the first ones first, at most `limit`."""


class AuditArchive(Protocol):
    """A place outside of the tables that keeps chained records, and cannot be changed for a time."""

    def keep(self, organization: str, records: Sequence[ChainRecord]) -> None:
        """Stores the records of one seal. Storing them again does no harm. Raises Transient."""
