"""Lines in the bucket of a pool: what is made of them stays there, and what would copy them leaves them out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cadence.application.exports.send_export import SendExport
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import Line, LogBatch, LogLine
from cadence.application.search.index_project import IndexProject
from cadence.application.search.sync_search_service import SyncSearchService
from cadence.application.shared.identifiers import new_ulid
from cadence.domain.alerts.judging import may_fit_segment
from cadence.domain.alerts.rule import LogCondition, Rule
from cadence.domain.exports.event import segment_event
from cadence.domain.exports.export import Export, ExportKind, Signal
from cadence.domain.logs.log import Segment
from cadence.domain.search.split import Split, SplitFacts
from cadence.domain.search.tending import mergeable
from tests.fakes.runs import a_run
from tests.fakes.services import ManualClock
from tests.fakes.splits import MemoryCatalogue, MemoryLogIndex, MemorySegments, MemorySplits

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RETENTION = timedelta(days=7)


class Store:
    """A search service that only notes what it is given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def put(self, segments: Sequence[tuple[Segment, Sequence[Line]]]) -> Mapping[tuple[str, int], str]:
        self.texts += [line["text"] for _, lines in segments for line in lines]
        return {}

    def remove(self, organization: str, project: str, before: datetime) -> bool:
        return False


def batch(runner: str, bucket: str | None) -> LogBatch:
    line = LogLine(seq=1, time="2026-03-01T11:00:00.000Z", stream="stdout", level="info", text=f"said {runner}")
    return LogBatch(run_id="run", runner_id=runner, treatment="t", attempt=1, lines=[line], bucket=bucket)


def write(catalogue: MemoryCatalogue, segments: MemorySegments, *batches: LogBatch) -> None:
    index: Any = MemoryLogIndex(catalogue)
    IndexLogs(index, segments, a_run).index_batches("run", batches)


def test_a_search_service_gets_only_lines_of_the_installation_s_own_bucket(tmp_path: Path) -> None:
    catalogue, segments, splits, store = MemoryCatalogue(), MemorySegments(), MemorySplits(tmp_path), Store()
    clock = ManualClock(NOW)
    write(catalogue, segments, batch("here", None), batch("there", "elsewhere"), batch("further", "further"))
    index = IndexProject(
        catalogue=catalogue,
        segments=segments,
        splits=splits,
        clock=clock,
        new_id=new_ulid,
        longest=RETENTION,
        only_elsewhere=True,
    )
    unsearched: Any = store
    sync = SyncSearchService(catalogue=catalogue, segments=segments, store=unsearched, splits=index, clock=clock)
    run = a_run("run")
    assert sync.build(run.organization, run.project).lines == 3
    assert store.texts == ["said here"]
    assert catalogue.fresh == {}
    assert sorted(str(split.bucket) for split in catalogue.splits.values()) == ["elsewhere", "further"]
    assert all(split.key in splits.objects for split in catalogue.splits.values())
    # It looks again before the lines that come next are old.
    assert sync.tend(run.organization, run.project, lambda: False).removed == 0
    due_at = catalogue.get_state(run.organization, run.project).due_at
    assert due_at is not None
    assert due_at <= NOW + timedelta(hours=1)
    clock.advance(RETENTION)
    assert sync.tend(run.organization, run.project, lambda: False).removed == 2
    assert splits.objects == {}


def test_splits_of_different_buckets_are_never_merged() -> None:
    def split(number: int, bucket: str) -> Split:
        facts = SplitFacts(
            first_time="2026-03-01T11:00:00.000Z",
            last_time="2026-03-01T11:00:00.000Z",
            lines=1,
            text_bytes=1,
            size=1,
            head_bytes=1,
            values={},
        )
        return Split(
            organization="o",
            project="p",
            split_id=str(number),
            key=f"{bucket}splits/o/p/{number}",
            built_at=NOW,
            facts=facts,
            covered={},
        )

    mixed = [split(number, "//elsewhere/" if number % 2 else "") for number in range(20)]
    groups = list(mergeable(mixed, RETENTION))
    assert [len({one.bucket for one in group}) for group in groups] == [1, 1]
    assert [len(group) for group in groups] == [10, 10]


@pytest.mark.parametrize(("bucket", "is_seen"), [(None, True), ("elsewhere", False)])
def test_alerts_and_exports_leave_out_lines_of_pools_with_a_bucket(bucket: str | None, is_seen: bool) -> None:
    catalogue = MemoryCatalogue()
    write(catalogue, MemorySegments(), batch("r", bucket))
    (segment,) = catalogue.fresh.values()
    event = segment_event(replace(segment, written_at="2026-03-01T11:00:01.000Z"))
    export = Export(
        organization=segment.organization,
        name="loki",
        kind=ExportKind.LOKI,
        url="https://loki.example",
        signals=frozenset({Signal.LOGS}),
        created_at=NOW,
        updated_at=NOW,
    )
    unused: Any = None
    send = SendExport(segments=unused, formats=unused, outgoing=unused, cipher=unused)
    assert send.wants(export, event) == is_seen
    rule = Rule(
        organization=segment.organization,
        project="*",
        name="errors",
        revision=1,
        when=LogCondition("said"),
        channels=(),
    )
    assert may_fit_segment(rule, event) == is_seen
