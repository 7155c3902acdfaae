"""Ports over the secrets of projects, pools, teams and organizations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.access.secret_owner import OF_PROJECT, KnownSecret, SecretOwner
from cadence.domain.access.secret_source import SecretSource


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A secret's value and the number of its version.

    `bound_to` are the environments that it is bound to: at most one, unless an older version was bound to another.
    One with a `source` has no value yet: it is read there. `origin` is where a value was read, and its version there.
    """

    value: str = field(repr=False)
    version: int
    bound_to: frozenset[str] = frozenset()
    source: SecretSource | None = None
    origin: str = ""
    owner: SecretOwner = OF_PROJECT

    def __str__(self) -> str:
        """Describes which value it is, for records."""
        owner = "" if self.owner == OF_PROJECT else f" of {self.owner.in_words}"
        return f"version {self.version}{owner}" + (f", from {self.origin}" if self.origin else "")


@dataclass(frozen=True)
class Binding:
    """What a secret is bound to: an environment, or None for every treatment of the project."""

    environment: str | None


class SecretReader(Protocol):
    """Decrypts secrets, which it knows by references (`SecretOwner.reference`): a name is that of a project's own."""

    def decrypt(self, organization: str, project: str, wanted: Mapping[str, int | None]) -> Mapping[str, Secret]:
        """Returns secrets by reference, each in the version of `wanted` (None: the newest); one may have a source.

        Those of which there is no newest version are left out. Raises NotFound, naming the first whose wanted version
        is not kept.
        """

    def shared(self, organization: str) -> Sequence["SecretDescription"]:
        """Describes every secret of the organization, its teams and its pools."""


@dataclass(frozen=True, kw_only=True)
class SecretDescription:
    """A secret without its value. If it is bound to an `environment`, only treatments of that one receive it.

    `projects` are those that a secret of the organization or a team is given to (`*`: all).
    """

    name: str
    version: int
    updated_at: datetime
    environment: str | None = None
    source: SecretSource | None = None
    owner: SecretOwner = OF_PROJECT
    projects: tuple[str, ...] = ()

    @property
    def known(self) -> KnownSecret:
        """What decides where it reaches."""
        bound_to = frozenset({self.environment} if self.environment else ())
        return KnownSecret(self.name, self.owner, bound_to, self.projects)


class SecretStore(SecretReader, Protocol):
    """Secrets, encrypted."""

    def put(
        self,
        organization: str,
        project: str,
        reference: str,
        value: str | SecretSource,
        at: datetime,
        binding: Binding | None = None,
        projects: Sequence[str] = (),
    ) -> SecretDescription:
        """Stores a new version, an encrypted value or a source; the one before is kept for replays for a while.

        Without a `binding` it stays bound as it is, and a new secret is bound to nothing. `projects` are those that a
        secret of a team or of the organization is given to.
        A version's number is never used twice, not even after the secret was deleted. Raises TooLarge over 64 KiB
        (UTF-8).
        """

    def has(self, organization: str, project: str, reference: str, version: int) -> bool:
        """Whether this version is kept."""

    def names(self, organization: str, project: str) -> Sequence[SecretDescription]:
        """Describes every secret of the project's own."""

    def delete(self, organization: str, project: str, reference: str) -> None:
        """Deletes a secret with all its versions. Raises NotFound."""
