"""Ports for what is stored of a pool beside its definition (table `runners`). Every write is safe to repeat."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import Runner

# The name of the probe of the bucket that keeps a pool's values.
VALUES = "values"

RunnersById = Callable[[Iterable[str]], Mapping[str, Runner]]
"""Returns, by id, those of the given runners that exist, read consistently."""


@dataclass(frozen=True)
class CheckResult:
    """One check of a probe, what of it is missing (None: nothing), and how to supply it."""

    what: str
    missing: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class PoolProbe:
    """The result of probing a pool; `error` is why nothing could be checked."""

    at: datetime
    checks: tuple[CheckResult, ...] = ()
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.error is None and all(check.missing is None for check in self.checks)


@dataclass(frozen=True)
class SweepResult:
    """The numbers of machines that a sweep saw, and that it ended since no runner needed them."""

    at: datetime
    seen: int
    ended: int


class Marks(Protocol):
    """Machines that no runner seems to need, by the infrastructure's reference (`ref`)."""

    def marks(self, organization: str, pool: str) -> Mapping[str, datetime]:
        """Returns since when each machine is marked, by reference."""

    def mark(self, organization: str, pool: str, ref: str, at: datetime) -> None: ...

    def unmark(self, organization: str, pool: str, ref: str) -> None: ...


@dataclass(frozen=True)
class MachineClaim:
    """The runner that has claimed a machine, and when."""

    runner_id: str
    at: datetime


class Claims(Protocol):
    """Assigns machines that were started in advance to runners; the first write wins."""

    def claim(self, organization: str, pool: str, ref: str, runner_id: str, at: datetime) -> bool:
        """Claims a machine; returns True if it belongs to this runner, from now on or by an earlier call."""

    def claimed(self, organization: str, pool: str) -> Mapping[str, MachineClaim]: ...

    def forget(self, organization: str, pool: str, ref: str) -> None:
        """Removes the claim of a machine that no longer exists."""


class ActiveRunners(Protocol):
    """Runners of a pool that were requested and not released, by id.

    They are listed from before their machine is requested until it is ended.
    """

    def note_active(self, organization: str, pool: str, runner_id: str, at: datetime) -> None: ...

    def note_ended(self, organization: str, pool: str, runner_id: str) -> None:
        """Removes a runner from the list; it stays there while the ledger has an amount set aside for it."""

    def active(self, organization: str, pool: str) -> Sequence[str]:
        """Returns the ids of a pool's active runners, in the order of their runs."""


class PoolRecords(Marks, ActiveRunners, Protocol):
    """The marks, the active runners and the last probe and sweep of each pool."""

    def note_probe(self, organization: str, pool: str, probe: PoolProbe, of: str = "") -> None:
        """Stores the last probe: the provider's, or that of another part of the pool, named by `of` (`VALUES`)."""

    def probe(self, organization: str, pool: str, of: str = "") -> PoolProbe | None: ...

    def note_sweep(self, organization: str, pool: str, result: SweepResult) -> None: ...

    def sweep(self, organization: str, pool: str) -> SweepResult | None: ...


class ValueBuckets(Protocol):
    """Buckets that pools may keep their values in."""

    @property
    def regions(self) -> Mapping[str, str]:
        """The regions of the buckets that this installation was deployed with, by bucket."""

    def probe(self, bucket: str, organization: str, pool: str) -> Sequence[CheckResult]:
        """Checks that the bucket exists, can be used, and removes values that are too old."""


@dataclass(frozen=True)
class IdentityKeys:
    """AWS keys, valid for an hour, that permit nothing but to prove the identity of their holder."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)


class Identity(Protocol):
    """The identity that the installation shows to an infrastructure that trusts AWS."""

    @property
    def region(self) -> str: ...

    def keys(self, session: str) -> IdentityKeys:
        """Returns keys; `session` is a part of the identity. Raises Transient, ProviderRejected."""


class ProviderCalls(Protocol):
    """Calls the Lambda of a pool's provider."""

    def ask(self, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        """Requests an operation without waiting for it."""


class AnsweringProviders(ProviderCalls, Protocol):
    """Calls the Lambda of a pool's provider, also for an answer."""

    def machines(self, organization: str, pool: str, provider: str) -> Sequence[str]:
        """Returns the references of all machines of the pool that exist now.

        Raises ProviderRejected with the infrastructure's words if they cannot be listed.
        """


@dataclass(frozen=True)
class SweptPool:
    """A pool whose machines have to be swept."""

    organization: str
    pool: str
    provider: str


@dataclass(frozen=True)
class CredentialsDescription:
    """The names of a pool's credentials and when they were stored; never their values."""

    names: tuple[str, ...] = ()
    updated_at: datetime | None = None


class PoolCredentials(Protocol):
    """The credentials with which a provider acts in a pool's infrastructure.

    They are stored encrypted, and read by that provider's Lambda only.
    """

    def put(self, pool: Pool, credentials: Mapping[str, str], at: datetime) -> CredentialsDescription:
        """Replaces the stored credentials. Raises TooLarge over 64 KiB."""

    def remove(self, pool: Pool) -> None:
        """Removes the stored credentials; it is no error if there are none."""

    def describe(self, pool: Pool) -> CredentialsDescription: ...

    def get(self, pool: Pool) -> Mapping[str, str]:
        """Returns the decrypted credentials; empty if none are stored for the pool's provider."""
