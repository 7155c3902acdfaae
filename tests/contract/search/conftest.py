"""Each test of this folder runs over an index of splits and over OpenSearch's own server."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from cadence.adapters.opensearch.connection import OpenSearchConnection, connected
from cadence.adapters.opensearch.store import OpenSearchLines
from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.index_project import IndexingResult, IndexProject
from cadence.application.search.search_lines import LONGEST, SearchLines
from cadence.application.search.split_sources import IndexedSplits
from cadence.application.search.stored_lines import IndexedInStore
from cadence.application.search.sync_search_service import SyncSearchService
from cadence.application.shared.identifiers import new_ulid
from cadence.domain.logs.log import Segment
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import NotFound
from tests.fakes.scan_index import ScanIndex, ScanSegments
from tests.fakes.services import ManualClock
from tests.fakes.splits import MemoryCatalogue, MemorySegments, MemorySplits
from tests.peers.search_server import search_server

RETENTION = timedelta(days=30)


class Tend(Protocol):
    def build_all(self, organization: str, project: str) -> IndexingResult: ...

    def tend(self, organization: str, project: str, over: Callable[[], bool]) -> IndexingResult: ...


class Treatments:
    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        if treatment == "fetch":
            raise NotFound("it is too long ago")
        state = TreatmentState.FAILED if int(run_id[-1]) % 2 else TreatmentState.SUCCEEDED
        return Treatment(run_id=run_id, name=treatment, state=state, waiting=0)


@dataclass
class Installation:
    """A catalogue, segments and an index. `all_lines` looks through the segments themselves."""

    catalogue: MemoryCatalogue
    segments: MemorySegments
    clock: ManualClock
    tend: Tend
    search: SearchLines
    states: TreatmentStates
    written: list[Segment] = field(default_factory=list)

    @property
    def all_lines(self) -> ScanIndex:
        def of_project(organization: str, project: str) -> Sequence[Segment]:
            return [one for one in self.written if (one.organization, one.project) == (organization, project)]

        return ScanIndex(of_project, ScanSegments(self.segments), self.states, self.clock)

    def write(self, organization: str, project: str, pipeline: str, run_id: str, lines: Sequence[Any]) -> Segment:
        number = sum(1 for one in self.written if one.run_id == run_id)
        times = [line["time"] for line in lines]
        treatments, levels = ({line[name] for line in lines} for name in ("treatment", "level"))
        segment = Segment(
            organization=organization, project=project, pipeline=pipeline, run_id=run_id, number=number, key=self.segments.write(run_id, number, lines),
            first_time=min(times), last_time=max(times), lines=len(lines), treatments=tuple(treatments), levels=tuple(levels),
        )  # fmt: skip
        self.catalogue.fresh[segment.run_id, segment.number] = segment
        self.written.append(segment)
        return segment

    def index_all(self) -> None:
        for organization, project in sorted({(one.organization, one.project) for one in self.written}):
            self.tend.build_all(organization, project)


Install = Callable[..., Installation]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with search_server(tmp_path_factory.mktemp("opensearch")) as url:
        yield url


@pytest.fixture(scope="module", params=["splits", "opensearch"])
def install(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """`install(now, budget)` gives an installation of its own."""
    backend = request.param
    url = request.getfixturevalue("server") if backend == "opensearch" else ""
    with ThreadPoolExecutor(2) as workers:

        def install(now: datetime, budget: timedelta = LONGEST) -> Installation:
            folder: Path = tmp_path_factory.mktemp("splits")
            catalogue, segments, splits, clock = (
                MemoryCatalogue(),
                MemorySegments(),
                MemorySplits(folder),
                ManualClock(now),
            )
            states = TreatmentStates(Treatments())
            indexed: Any = IndexedSplits(catalogue, segments, splits)
            tend: Any = IndexProject(
                catalogue=catalogue, segments=segments, splits=splits, clock=clock, new_id=new_ulid, longest=RETENTION
            )
            if backend == "opensearch":
                store = OpenSearchLines(OpenSearchConnection(lambda: connected(url)), f"test-{uuid4().hex}", clock)
                indexed = IndexedInStore(indexed, store)
                tend = SyncSearchService(catalogue=catalogue, segments=segments, store=store, splits=tend, clock=clock)
            search = SearchLines(catalogue, indexed, states, clock, RETENTION, workers, budget)
            return Installation(catalogue, segments, clock, tend, search, states)

        yield install
