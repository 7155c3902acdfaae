"""Lines through the indexer, into splits and out of a search, while everything on the way fails again and again."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.index_project import IndexProject
from cadence.application.search.ports import LinePosition, SearchScope
from cadence.application.search.search_lines import SearchLines
from cadence.application.search.split_sources import IndexedSplits
from cadence.application.shared.identifiers import new_ulid
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.search.query import EVERY_LINE, Query, Word
from cadence.domain.shared.errors import Transient
from tests.fakes.services import ManualClock
from tests.fakes.splits import (
    Crash,
    Faults,
    Faulty,
    MemoryCatalogue,
    MemoryLogIndex,
    MemorySegments,
    MemorySplits,
)

SCOPE = SearchScope("acme", ("shop",))
RUNS = ("01jrun000000000000000000aa", "01jrun000000000000000000bb", "01jrun000000000000000000cc")


@dataclass
class Chain:
    """All of it, on stores that fail as `faults` says; searches find them whole."""

    folder: Path
    seed: int

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.faults = Faults(self.random)
        self.clock = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.catalogue = MemoryCatalogue()
        self.segments = MemorySegments()
        self.splits = MemorySplits(self.folder)
        self.lines_of: dict[tuple[str, str], int] = {}
        self.index = MemoryLogIndex(self.catalogue)
        runs = {run_id: _run(run_id) for run_id in RUNS}
        self.write = IndexLogs(self._faulty(self.index), self._faulty(self.segments), runs.__getitem__)
        self.tend = IndexProject(
            catalogue=self._faulty(self.catalogue),
            segments=self._faulty(self.segments),
            splits=self._faulty(self.splits),
            clock=self.clock,
            new_id=new_ulid,
            longest=timedelta(days=7),
        )
        self.tasks = ThreadPoolExecutor(2)
        self.search = SearchLines(
            self.catalogue,
            IndexedSplits(self.catalogue, self.segments, self.splits),
            TreatmentStates(_NoTreatments()),
            self.clock,
            timedelta(days=7),
            self.tasks,
        )

    def found(self, query: Query = EVERY_LINE, page: int = 137) -> list[str]:
        """The texts of all that a search finds, page by page. Places fall from one to the next."""
        texts: list[str] = []
        places: list[LinePosition] = []
        before = None
        while True:
            answer = self.search.search(SCOPE, query, page, before)
            texts += [hit.line["text"] for hit in answer.hits]
            places += [hit.place for hit in answer.hits]
            before = answer.older
            if before is None:
                assert places == sorted(places, reverse=True)
                return texts

    def _faulty(self, port: Any) -> Any:
        return Faulty(port, self.faults)


class _NoTreatments:
    def get_treatment(self, run_id: str, treatment: str) -> Any:
        raise AssertionError("no query asks for states")


def _run(run_id: str) -> Run:
    return Run(
        run_id=run_id,
        organization="acme",
        project="shop",
        pipeline="build",
        state=RunState.RUNNING,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        document_sha256="",
        plan_sha256="",
    )


def _batches(chain: Chain, number: int) -> tuple[list[LogBatch], set[str]]:
    """Batches of several runners of a run, and the texts of their lines."""
    batches: list[LogBatch] = []
    texts: set[str] = set()
    run_id = chain.random.choice(RUNS)
    for runner in ("a", "b"):
        sequence = chain.lines_of.get((run_id, runner), 0)
        lines = []
        for _ in range(chain.random.randrange(1, 60)):
            sequence += 1
            text = f"{runner} of {run_id[-2:]} says line{sequence} of batch{number} shared"
            chain.clock.advance(timedelta(milliseconds=chain.random.randrange(30)))
            time = f"{chain.clock():%Y-%m-%dT%H:%M:%S}.{chain.clock().microsecond // 1000:03}Z"
            lines.append(LogLine(seq=sequence, time=time, stream="stdout", level="info", text=text))
            texts.add(text)
        chain.lines_of[run_id, runner] = sequence
        batches.append(
            LogBatch(
                run_id=run_id, runner_id=f"{run_id}-{runner}", treatment="compile", attempt=1, lines=lines, pool="linux"
            )
        )
    return batches, texts


@pytest.mark.parametrize("seed", range(3))
def test_every_acknowledged_line_is_found_exactly_once(tmp_path: Path, seed: int) -> None:
    chain = Chain(tmp_path, seed)
    acknowledged: set[str] = set()
    waiting: list[LogBatch] = []
    for number in range(60):
        batches, texts = _batches(chain, number)
        # What the gateway put into the stream is acknowledged: it comes until it was taken over, maybe again, in any
        # order.
        acknowledged |= texts
        waiting += batches
        chain.random.shuffle(waiting)
        chain.faults.likelihood = chain.random.choice((0.0, 0.02, 0.1, 0.4))
        chain.faults.error = chain.random.choice((Crash, Transient))
        for batch in list(waiting):
            with suppress(Crash, Transient):
                chain.write.index_batches(batch.run_id, [batch])
                if chain.random.random() < 0.8:
                    waiting.remove(batch)
        with suppress(Crash, Transient):
            chain.tend.build("acme", "shop")
        if number % 5 == 0:
            with suppress(Crash, Transient):
                chain.tend.tend("acme", "shop", lambda: False)
        if number % 10 == 0:
            chain.clock.advance(timedelta(minutes=20))
        found = Counter(chain.found(page=1000))
        assert max(found.values(), default=1) == 1
        assert set(found) <= acknowledged | {text for text in found if text.endswith("missing here")}
    chain.faults.likelihood = 0.0
    for batch in waiting:
        chain.write.index_batches(batch.run_id, [batch])
    assert chain.faults.met > 50
    for _ in range(2):
        lines = [text for text in chain.found() if "missing here" not in text]
        assert Counter(lines) == Counter(acknowledged)
        assert set(chain.found(Query(Word("batch7")))) == {text for text in acknowledged if "batch7 " in text}
        chain.clock.advance(timedelta(hours=2))
        chain.tend.tend("acme", "shop", lambda: False)
    assert not chain.catalogue.fresh
    # Whoever lost, or ended before its transaction, may leave an object behind; all that is listed is there.
    assert {split.key for split in chain.catalogue.splits.values()} <= set(chain.splits.objects)
