"""What is kept of a pool beside its definition (table `runners`). Every write is safe to repeat."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import Runner

# The probe of where its values are kept.
VALUES = "values"

RunnersById = Callable[[Iterable[str]], Mapping[str, Runner]]
"""Those of the given runners that exist, read consistently."""


@dataclass(frozen=True)
class CheckResult:
    """One thing that a probe looked at, and what is missing of it (None: nothing)."""

    what: str
    missing: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class PoolProbe:
    """`error` is why nothing could be looked at."""

    at: datetime
    checks: tuple[CheckResult, ...] = ()
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.error is None and all(check.missing is None for check in self.checks)


@dataclass(frozen=True)
class SweepResult:
    """How many machines there were, and how many of them nobody wanted and were ended."""

    at: datetime
    seen: int
    ended: int


class Marks(Protocol):
    """Machines that nobody seems to want, by what the infrastructure calls them."""

    def marks(self, organization: str, pool: str) -> Mapping[str, datetime]:
        """Since when."""

    def mark(self, organization: str, pool: str, ref: str, at: datetime) -> None: ...

    def unmark(self, organization: str, pool: str, ref: str) -> None: ...


@dataclass(frozen=True)
class MachineClaim:
    runner_id: str
    at: datetime


class Claims(Protocol):
    """Whose a machine is that was made in advance: decided by whoever writes first."""

    def claim(self, organization: str, pool: str, ref: str, runner_id: str, at: datetime) -> bool:
        """True if it is this runner's: from now on, or by an earlier call."""

    def claimed(self, organization: str, pool: str) -> Mapping[str, MachineClaim]: ...

    def forget(self, organization: str, pool: str, ref: str) -> None:
        """It is there no more."""


class ActiveRunners(Protocol):
    """Runners of a pool that were asked for and not released, by id: from before their machine is asked for until it is ended."""

    def note_active(self, organization: str, pool: str, runner_id: str, at: datetime) -> None: ...

    def note_ended(self, organization: str, pool: str, runner_id: str) -> None:
        """It stays listed while the ledger holds something back for it."""

    def active(self, organization: str, pool: str) -> Sequence[str]:
        """In the order of their runs."""


class PoolRecords(Marks, ActiveRunners, Protocol):
    """Also what was found out about the pool."""

    def note_probe(self, organization: str, pool: str, probe: PoolProbe, of: str = "") -> None:
        """`of` is what was looked at beside what its provider did (`VALUES`)."""

    def probe(self, organization: str, pool: str, of: str = "") -> PoolProbe | None: ...

    def note_sweep(self, organization: str, pool: str, result: SweepResult) -> None: ...

    def sweep(self, organization: str, pool: str) -> SweepResult | None: ...


class ValueBuckets(Protocol):
    """Buckets that pools may keep their values in."""

    @property
    def regions(self) -> Mapping[str, str]:
        """Theirs, by name: those that this installation was deployed with."""

    def probe(self, bucket: str, organization: str, pool: str) -> Sequence[CheckResult]:
        """Whether it is there, can be used, and removes what is too old."""


@dataclass(frozen=True)
class IdentityKeys:
    """Keys of AWS for an hour that are good for nothing but to show who has them."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)


class Identity(Protocol):
    """What the installation shows of itself to an infrastructure that trusts AWS."""

    @property
    def region(self) -> str: ...

    def keys(self, session: str) -> IdentityKeys:
        """`session` is a part of the identity. Raises Transient, ProviderRejected."""


class ProviderCalls(Protocol):
    """What the Lambda of a pool's provider is asked for."""

    def ask(self, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        """Without waiting for it."""


class AnsweringProviders(ProviderCalls, Protocol):
    def machines(self, organization: str, pool: str, provider: str) -> Sequence[str]:
        """References of all that exists of the pool now. Raises ProviderRejected with the infrastructure's words if that cannot be known."""


@dataclass(frozen=True)
class SweptPool:
    """A pool whose machines have to be looked after."""

    organization: str
    pool: str
    provider: str


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
