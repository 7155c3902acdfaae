"""What tracing needs from the outside beside the stores of runs and runners. Every list is bounded and goes on from `after`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.application.shared.ports import Page
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner
from cadence.domain.values.cache import CacheUse


@dataclass(frozen=True, kw_only=True)
class ValueOrigin:
    """Where a value was sent: by a treatment of a run through a port. `kept_from` is the run that really made it, if this one only took it over."""

    run_id: str
    treatment: str
    port: str
    size: int
    made_at: datetime | None
    kept_from: str | None = None

    @property
    def position(self) -> str:
        """Its place in a listing by time."""
        return f"{self.run_id}#{self.treatment}#{self.port}"


@dataclass(frozen=True)
class FollowingRun:
    """A run that came of another: `started` by a treatment there (or, without one, by that run's end), a `rerun`, a `replay` of a treatment."""

    run_id: str
    how: str
    treatment: str | None = None


@dataclass(frozen=True)
class ValueArrival:
    """Where a value that was sent elsewhere arrived, in another run."""

    run_id: str
    treatment: str
    port: str

    @property
    def position(self) -> str:
        """Its place in a listing."""
        return f"{self.run_id}#{self.treatment}#{self.port}"


class ProvenanceStore(Protocol):
    """What leads from one treatment, run or value to another (table `runs`)."""

    def get_specs(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], TreatmentSpec]:
        """Those that exist, by run and treatment."""

    def consumers(self, run_id: str, producer: str, limit: int, after: str | None = None) -> Page[str]:
        """The names of the treatments that wait for anything of `producer`, in order, each once."""

    def following_runs(self, run_id: str, limit: int, after: str | None = None) -> Page[FollowingRun]:
        """Oldest first."""

    def passed_to(
        self, run_id: str, treatment: str, port: str, limit: int, after: str | None = None
    ) -> Page[ValueArrival]:
        """In which other runs the value sent there is known to have arrived as it was (`Value.origin`)."""

    def places_of(
        self, organization: str, project: str, sha256: str, limit: int, after: str | None = None
    ) -> Page[ValueOrigin]:
        """Where values with this digest were sent, the newest run first. Empty values are not listed."""


class CacheHistory(Protocol):
    """Which runner saved and restored which entry of a cache (table `runners`)."""

    def restored(self, runner_id: str) -> Sequence[CacheUse]: ...

    def saved(self, runner_id: str) -> Sequence[CacheUse]: ...

    def restores_of(
        self, organization: str, project: str, entry: str, limit: int, after: str | None = None
    ) -> Page[CacheUse]:
        """Who restored an entry, oldest run first."""


@dataclass(frozen=True)
class StoredChunk:
    """A chunk as it lies in the store, with the store's own time of its arrival."""

    size: int
    stored_at: datetime


class ChunkTimes(Protocol):
    def chunk_times(self, prefix: str, limit: int) -> Sequence[StoredChunk]:
        """The first `limit` chunks of a value or stream under way, in order; none if they are not kept any more."""


class RunnerLookup(Protocol):
    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        """Those that exist, by id."""
