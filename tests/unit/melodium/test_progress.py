"""Chunks of engines in any order: each is taken in once, in order as long as somebody waits for it, and none is
forgotten.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cadence.adapters.s3.engine_reports import S3Parts
from cadence.application.melodium.intake import ReportPart
from cadence.application.melodium.progress import PATIENCE, Progress, due
from cadence.application.runs.ports import EngineStream

START = datetime(2026, 1, 1, tzinfo=UTC)


class Stored(S3Parts):
    """Parts of one process, written by its own engine and by that of who asked for it."""

    def __init__(self) -> None:
        super().__init__(None, "data")
        self.parts: dict[tuple[str, str], dict[int, datetime]] = {}

    def write(self, run_id: str, source: str, number: int, at: datetime) -> None:
        self.parts.setdefault((run_id, source), {})[number] = at

    def stored(
        self, run_id: str, stream: EngineStream, source: str | None = None
    ) -> Mapping[str, Mapping[int, datetime]]:
        return {of: told for (run, of), told in self.parts.items() if run == run_id and source in (None, of)}


def taken(parts: Stored, progress: Progress, now: datetime) -> Sequence[tuple[str, int]]:
    found = due(parts, "worker", EngineStream.LOGS, progress, now)
    for part in found.parts:
        progress.took(part)
    return [(part.source, part.number) for part in found.parts]


@given(
    st.permutations(range(8)),
    st.lists(st.integers(0, 20), min_size=8, max_size=8),
    st.sets(st.integers(0, 7)),
    st.sets(st.integers(0, 7)),
)
def test_each_part_is_taken_once_whatever_comes_when(
    order: Sequence[int], waits: Sequence[int], lost: set[int], silent: set[int]
) -> None:
    """`waits`: seconds before each arrival. `silent`: chunks of the asking engine that do not tell of the worker."""
    parts, progress, now = Stored(), Progress(), START
    got: list[tuple[str, int]] = []
    for number, wait in zip(order, waits, strict=True):
        now += timedelta(seconds=wait)
        if number in lost:
            continue
        parts.write("worker", "worker", number, now)
        parts.write("asking", "asking", number, now)
        if number not in silent:
            parts.write("worker", "asking", number, now)
        progress = Progress.read(vars(progress))
        got += taken(parts, progress, now)
    got += taken(parts, progress, now + PATIENCE)
    assert taken(parts, progress, now + PATIENCE) == []
    own = [number for source, number in got if source == "worker"]
    assert sorted(own) == sorted(set(range(8)) - lost)
    assert sorted(number for source, number in got if source == "asking") == sorted(set(range(8)) - lost - silent)
    if not lost and sum(waits) < PATIENCE.total_seconds():
        assert own == sorted(own)


def test_a_gap_of_any_size_is_told_of_once() -> None:
    parts, progress = Stored(), Progress()
    parts.write("worker", "worker", 10**12 - 1, START)
    young = due(parts, "worker", EngineStream.LOGS, progress, START)
    assert (young.parts, young.lost, young.waits) == ([], [], True)
    old = due(parts, "worker", EngineStream.LOGS, progress, START + PATIENCE)
    assert (old.lost, old.waits) == ([(0, 10**12 - 1)], False)
    assert old.parts == [ReportPart("worker", EngineStream.LOGS, "worker", 10**12 - 1)]
    again = due(parts, "worker", EngineStream.LOGS, Progress.read(vars(progress)), START + PATIENCE)
    assert (again.parts, again.lost) == (old.parts, [])
    assert progress.taken("worker") == 10**12 - 1
    progress.took(old.parts[0])
    assert progress.taken("worker") == 10**12
