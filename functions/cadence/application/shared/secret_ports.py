"""Ports over the secrets of projects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.access.secret_source import SecretSource


@dataclass(frozen=True)
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

    def __str__(self) -> str:
        """Describes which value it is, for records."""
        return f"version {self.version}, from {self.origin}" if self.origin else f"version {self.version}"

    def reaches(self, environment: str | None) -> bool:
        """Whether a treatment of that environment (None: of none) may receive it."""
        return all(bound == environment for bound in self.bound_to)


@dataclass(frozen=True)
class Binding:
    """What a secret is bound to: an environment, or None for every treatment of the project."""

    environment: str | None


class SecretReader(Protocol):
    """Decrypts the secrets of projects."""

    def decrypt(self, organization: str, project: str, wanted: Mapping[str, int | None]) -> Mapping[str, Secret]:
        """Returns secrets by name, each in the version of `wanted` (None: the newest); one may have a source.

        Raises NotFound, naming the first that is not kept.
        """


@dataclass(frozen=True)
class SecretDescription:
    """A secret without its value. If it is bound to an `environment`, only treatments of that one receive it."""

    name: str
    version: int
    updated_at: datetime
    environment: str | None = None
    source: SecretSource | None = None


class SecretStore(SecretReader, Protocol):
    """The secrets of projects, encrypted."""

    def put(
        self,
        organization: str,
        project: str,
        name: str,
        value: str | SecretSource,
        at: datetime,
        binding: Binding | None = None,
    ) -> SecretDescription:
        """Stores a new version, an encrypted value or a source; the one before is kept for replays for a while.

        Without a `binding` it stays bound as it is, and a new secret is bound to nothing.
        A version's number is never used twice, not even after the secret was deleted. Raises TooLarge over 64 KiB
        (UTF-8).
        """

    def has(self, organization: str, project: str, name: str, version: int) -> bool:
        """Whether this version is kept."""

    def describe(self, organization: str, project: str, name: str) -> SecretDescription:
        """Describes the newest version. Raises NotFound."""

    def names(self, organization: str, project: str) -> Sequence[SecretDescription]:
        """Describes every secret of the project."""

    def delete(self, organization: str, project: str, name: str) -> None:
        """Deletes a secret with all its versions. Raises NotFound."""
