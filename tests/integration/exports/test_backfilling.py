"""What is stored of a time range is sent once more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cadence.application.backfill_export import RequestBackfill, WorkOnBackfill
from cadence.domain.access import Project
from cadence.domain.errors import Conflict, InvalidRequest
from cadence.domain.export import BackfillState, ExportKind, Signal
from cadence.domain.log import Segment
from cadence.domain.run import Run, RunState, Treatment, TreatmentState
from tests.fakes.runs import MemoryRunStore
from tests.integration.exports.conftest import RUN, START

LOGS = frozenset({Signal.LOGS})
HOUR = timedelta(hours=1)


class Segments:
    """`LogIndex` of one run."""

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments

    def list_segments(self, run_id: str, from_number: int, limit: int) -> list[Segment]:
        return [one for one in self.segments if one.run_id == run_id and one.number >= from_number][:limit]


class NoRunners:
    def get_runners(self, runner_ids: Any) -> dict[str, Any]:
        return {}


@pytest.fixture
def stored(world):
    """A run with 250 segments of a line each, one a second."""
    events = [world.segment(f"line {number}") for number in range(250)]
    runs = MemoryRunStore()
    ended = START + timedelta(minutes=5)
    runs.create_run(Run(RUN, "acme", "web", "ci", RunState.SUCCEEDED, START, "", "", finished_at=ended))
    names = ("organization", "project", "pipeline", "run_id", "number", "key", "first_time", "last_time", "lines")
    segments = [
        Segment(**{name: event[name] for name in names}, treatments=("build:3.13",), levels=("info",))
        for event in events
    ]
    return runs, Segments(segments)


@pytest.fixture
def request_backfill(world):
    projects = [Project("acme", name, START) for name in ("web", "other")]
    return RequestBackfill(lambda _: projects, world.backlog, world.work, world.clock)


@pytest.fixture
def work_on(world, stored):
    runs, index = stored
    runners: Any = NoRunners()
    return WorkOnBackfill(runs, runners, index, world.send, world.backlog, world.work, world.clock)


def work_off(world, work_on, export):
    while world.work.backfills:
        at, backfill_id = world.work.backfills.pop(0)
        world.clock.now = max(world.clock.now, at)
        done = work_on(export, export.organization, export.name, backfill_id)
    return done


def test_every_line_of_the_range_is_sent(world, loki, receiver, request_backfill, work_on):
    world.clock.now = START + HOUR
    request_backfill(loki, START + timedelta(seconds=50), START + timedelta(seconds=149), LOGS)
    done = work_off(world, work_on, loki)
    assert done.state is BackfillState.COMPLETED
    assert (done.runs, done.lines) == (1, 100)
    assert receiver.lines == [f"line {number}" for number in range(50, 150)]


def test_it_goes_on_where_it_was_after_an_outage(world, loki, receiver, request_backfill, work_on):
    world.clock.now = START + HOUR
    receiver.refuse = (503, {}, "down")
    request_backfill(loki, START, START + HOUR, LOGS)
    _, backfill_id = world.work.backfills[0]
    for _ in range(3):
        at, _ = world.work.backfills.pop(0)
        world.clock.now = max(world.clock.now, at)
        work_on(loki, "acme", "logs", backfill_id)
    failing = world.backlog.get_backfill("acme", "logs", backfill_id)
    assert (failing.state, failing.failures, failing.lines) == (BackfillState.RUNNING, 3, 0)
    with pytest.raises(Conflict, match="not ended"):
        request_backfill(loki, START, START + HOUR, LOGS)

    receiver.refuse = None
    done = work_off(world, work_on, loki)
    assert done.state is BackfillState.COMPLETED
    assert sorted(receiver.lines) == sorted(f"line {number}" for number in range(250))


def test_spans_of_runs_that_ended_in_the_range(world, loki, receiver, request_backfill, work_on, stored):
    runs, _ = stored
    ended = Treatment(RUN, "build", TreatmentState.SUCCEEDED, 0, ready_at=START, finished_at=START + HOUR)
    runs.admit(RUN, [], [ended], [])
    world.clock.now = START + 2 * HOUR
    otlp = replace(loki, kind=ExportKind.OTLP, url=receiver.url, signals=frozenset(Signal))
    request_backfill(otlp, START, START + HOUR, frozenset({Signal.TRACES}))
    done = work_off(world, work_on, otlp)
    assert (done.runs, done.spans) == (1, 2)
    assert [got.path for got in receiver.got] == ["/v1/traces"]


def test_it_ends_with_its_export(world, loki, request_backfill, work_on):
    world.clock.now = START + HOUR
    request_backfill(loki, START, START + HOUR, LOGS)
    _, backfill_id = world.work.backfills.pop()
    assert work_on(None, "acme", "logs", backfill_id).state is BackfillState.CANCELLED


@pytest.mark.parametrize(
    ("since", "until", "signals", "why"),
    [
        (HOUR, timedelta(), LOGS, "begin before"),
        (timedelta(), 9 * HOUR, LOGS, "future"),
        (timedelta(days=-91), HOUR, LOGS, "90 days"),
        (timedelta(), HOUR, frozenset({Signal.TRACES}), "sends no traces"),
    ],
)
def test_ranges_that_make_no_sense(world, loki, request_backfill, since, until, signals, why):
    world.clock.now = START + HOUR
    with pytest.raises(InvalidRequest, match=why):
        request_backfill(loki, START + since, START + until, signals)
