"""`ProvenanceStore`, `CacheHistory` and `ChunkTimes` in memory."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from cadence.application.provenance.ports import FollowingRun, StoredChunk, ValueArrival, ValueOrigin
from cadence.application.shared.ports import Page
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.values.cache import CacheUse
from tests.fakes.runs import MemoryRunStore

T = TypeVar("T")


class MemoryProvenance:
    """Looks through all that the run store holds."""

    def __init__(self, runs: MemoryRunStore) -> None:
        self.runs = runs

    def get_specs(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], TreatmentSpec]:
        return {name: self.runs.specs[name] for name in names if name in self.runs.specs}

    def consumers(self, run_id: str, producer: str, limit: int, after: str | None = None) -> Page[str]:
        names = {edge.consumer for edge in self.runs.edges_of(run_id) if edge.producer == producer}
        return _page([(name, name) for name in sorted(names) if after is None or name > after], limit)

    def following_runs(self, run_id: str, limit: int, after: str | None = None) -> Page[FollowingRun]:
        found = [
            (run.run_id, FollowingRun(run.run_id, how, treatment))
            for run in sorted(self.runs.runs.values(), key=lambda run: run.run_id)
            for how, origin, treatment in run.origins
            if origin == run_id and (after is None or run.run_id > after)
        ]
        return _page(found, limit)

    def passed_to(
        self, run_id: str, treatment: str, port: str, limit: int, after: str | None = None
    ) -> Page[ValueArrival]:
        found = [
            ValueArrival(*place)
            for place, value in self.runs.values.items()
            if value.run_id != run_id
            and value.origin
            and (value.origin.run_id, value.origin.treatment, value.origin.port) == (run_id, treatment, port)
        ]
        ordered = sorted((one.position, one) for one in found if after is None or one.position > after)
        return _page(ordered, limit)

    def places_of(
        self, organization: str, project: str, sha256: str, limit: int, after: str | None = None
    ) -> Page[ValueOrigin]:
        found = []
        for value in self.runs.values.values():
            run = self.runs.runs[value.run_id]
            if value.sha256 == sha256 and value.size and (run.organization, run.project) == (organization, project):
                place = ValueOrigin(
                    run_id=value.run_id,
                    treatment=value.treatment,
                    port=value.port,
                    size=value.size,
                    made_at=value.created_at,
                    kept_from=value.kept_from,
                )
                if after is None or place.position < after:
                    found.append((place.position, place))
        return _page(sorted(found, key=lambda one: one[0], reverse=True), limit)


class MemoryCacheHistory:
    def __init__(self) -> None:
        self.restores: dict[str, list[CacheUse]] = {}
        self.saves: dict[str, list[CacheUse]] = {}

    def restored(self, runner_id: str) -> Sequence[CacheUse]:
        return self.restores.get(runner_id, ())

    def saved(self, runner_id: str) -> Sequence[CacheUse]:
        return self.saves.get(runner_id, ())

    def restores_of(
        self, organization: str, project: str, entry: str, limit: int, after: str | None = None
    ) -> Page[CacheUse]:
        found = sorted(
            (f"{use.run_id}#{use.treatment}#{use.attempt}", use)
            for uses in self.restores.values()
            for use in uses
            if use.entry == entry
        )
        return _page([one for one in found if after is None or one[0] > after], limit)


class MemoryChunkTimes:
    def __init__(self) -> None:
        self.chunks: dict[str, Sequence[StoredChunk]] = {}

    def chunk_times(self, prefix: str, limit: int) -> Sequence[StoredChunk]:
        return self.chunks.get(prefix, ())[:limit]


def _page(found: Sequence[tuple[str, T]], limit: int) -> Page[T]:
    return Page([item for _, item in found[:limit]], found[limit - 1][0] if len(found) > limit else None)
