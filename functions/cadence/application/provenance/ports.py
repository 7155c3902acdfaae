"""Ports of tracing, beside the stores of runs and runners. Every list is bounded and goes on from `after`."""

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
    """Where a value was sent: by a treatment of a run through a port.

    `kept_from` is the run that produced it, if this run only reused it; `size` is in bytes.
    """

    run_id: str
    treatment: str
    port: str
    size: int
    made_at: datetime | None
    kept_from: str | None = None

    @property
    def position(self) -> str:
        """Its position in a listing by time."""
        return f"{self.run_id}#{self.treatment}#{self.port}"


@dataclass(frozen=True)
class FollowingRun:
    """A run that came of another one.

    `how` is `started` (by a `treatment` there or, without one, by that run's end), `rerun`, or `replay` (of a
    treatment).
    """

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
        """Its position in a listing."""
        return f"{self.run_id}#{self.treatment}#{self.port}"


class ProvenanceStore(Protocol):
    """Reads the links between treatments, runs and values (table `runs`)."""

    def get_specs(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], TreatmentSpec]:
        """Returns the specifications that exist, by run and treatment."""

    def consumers(self, run_id: str, producer: str, limit: int, after: str | None = None) -> Page[str]:
        """Returns the names of the treatments that wait for any output of `producer`, in order, each once."""

    def following_runs(self, run_id: str, limit: int, after: str | None = None) -> Page[FollowingRun]:
        """Returns the runs that came of a run, oldest first."""

    def passed_to(
        self, run_id: str, treatment: str, port: str, limit: int, after: str | None = None
    ) -> Page[ValueArrival]:
        """Returns where in other runs the value is known to have arrived unchanged (`Value.origin`)."""

    def places_of(
        self, organization: str, project: str, sha256: str, limit: int, after: str | None = None
    ) -> Page[ValueOrigin]:
        """Returns where values with this digest were sent, the newest run first; empty values are not listed."""


class CacheHistory(Protocol):
    """Reads which runner saved and restored which entry of a cache (table `runners`)."""

    def restored(self, runner_id: str) -> Sequence[CacheUse]: ...

    def saved(self, runner_id: str) -> Sequence[CacheUse]: ...

    def restores_of(
        self, organization: str, project: str, entry: str, limit: int, after: str | None = None
    ) -> Page[CacheUse]:
        """Returns the restores of an entry, oldest run first."""


@dataclass(frozen=True)
class StoredChunk:
    """The size of a stored chunk in bytes, and the store's own time of its arrival."""

    size: int
    stored_at: datetime


class ChunkTimes(Protocol):
    """Reads when chunks were stored (bucket `data`)."""

    def chunk_times(self, prefix: str, limit: int) -> Sequence[StoredChunk]:
        """Returns the first `limit` chunks of a value or unfinished stream, in order; none if they are not kept."""


class RunnerLookup(Protocol):
    """Reads runners."""

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        """Returns the runners that exist, by id."""
