"""What is stored of a time range is sent once more."""

import gzip
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from cadence.adapters.export_formats.formats import format_of
from cadence.application.exports.backfill_export import RequestBackfill, WorkOnBackfill
from cadence.application.exports.backfill_metrics import BackfillMetrics
from cadence.application.metrics.count_events import CountEvents
from cadence.domain.access.access import Project
from cadence.domain.exports.event import run_event
from cadence.domain.exports.export import BackfillState, ExportKind, Signal
from cadence.domain.logs.log import Segment
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared.errors import Conflict, InvalidRequest
from tests.fakes.runs import MemoryRunStore
from tests.integration.exports.conftest import RUN, START

LOGS = frozenset({Signal.LOGS})
RUNS = "cadence_runs"
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
    runs.create_run(
        Run(
            run_id=RUN,
            organization="acme",
            project="web",
            pipeline="ci",
            state=RunState.SUCCEEDED,
            created_at=START,
            document_sha256="",
            plan_sha256="",
            finished_at=ended,
        )
    )
    names = ("organization", "project", "pipeline", "run_id", "number", "key", "first_time", "last_time", "lines")
    segments = [
        Segment(**{name: event[name] for name in names}, treatments=("build:3.13",), levels=("info",))
        for event in events
    ]
    return runs, Segments(segments)


@pytest.fixture
def request_backfill(world):
    projects = [Project("acme", name, START) for name in ("web", "other")]
    return RequestBackfill(lambda _: projects, world.backlog, world.work, world.clock).request


@pytest.fixture
def work_on(world, stored):
    runs, index = stored
    runners: Any = NoRunners()
    count = CountEvents(world.counters, runners, lambda organization, pool: None)
    projects = [Project("acme", name, START) for name in ("web", "other")]
    metrics = BackfillMetrics(
        runs=runs,
        treatments=runs,
        count=count,
        counters=world.counters,
        projects=lambda _: projects,
        send=world.send,
        formats=format_of,
        longest_run=timedelta(days=9),
    )
    return WorkOnBackfill(
        runs=runs,
        treatments=runs,
        runners=runners,
        index=index,
        send=world.send,
        backlog=world.backlog,
        work=world.work,
        clock=world.clock,
        metrics=metrics.backfill,
    ).work_on


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
    ended = Treatment(
        run_id=RUN, name="build", state=TreatmentState.SUCCEEDED, waiting=0, ready_at=START, finished_at=START + HOUR
    )
    runs.admit(RUN, [], [ended], [])
    world.clock.now = START + 2 * HOUR
    otlp = replace(loki, kind=ExportKind.OTLP, url=receiver.url, signals=frozenset(Signal))
    request_backfill(otlp, START, START + HOUR, frozenset({Signal.TRACES}))
    done = work_off(world, work_on, otlp)
    assert (done.runs, done.spans) == (1, 2)
    assert [got.path for got in receiver.got] == ["/v1/traces"]


@pytest.fixture
def ended_runs(world, stored):
    """Runs that ended 10, 20, 30 and 90 minutes after the start; all are counted, and so is one that is no longer
    stored.
    """
    runs, _ = stored
    runners: Any = NoRunners()
    count = CountEvents(world.counters, runners, lambda organization, pool: None)
    events = [run_event(runs.get_run(RUN))]
    for minutes in (10, 20, 30, 90):
        at = START + timedelta(minutes=minutes)
        run = Run(
            run_id=f"{RUN[:-2]}{minutes}", organization="acme", project="web", pipeline="ci", state=RunState.FAILED, created_at=START + timedelta(minutes=1), document_sha256="", plan_sha256="",
            started_at=START + timedelta(minutes=1), finished_at=at,
        )  # fmt: skip
        runs.create_run(run)
        events.append(run_event(run))
    count.count([*events, run_event(replace(run, run_id="gone"))])


def runs_told(got, state):
    """Time (minutes after the start) → how many runs."""
    return {
        (one["points"][0]["timestamp"] - START.timestamp()) / 60: one["points"][0]["value"]
        for each in got
        for one in each.json["series"]
        if one["metric"] == "cadence.runs" and f"state:{state}" in one["tags"]
    }


def test_metrics_of_the_past_are_what_came_to_an_end_minute_by_minute(
    world, loki, receiver, request_backfill, work_on, ended_runs
):
    world.clock.now = START + 2 * HOUR
    datadog = replace(loki, kind=ExportKind.DATADOG, url=receiver.url, signals=frozenset({Signal.METRICS}))
    request_backfill(datadog, START, START + HOUR, datadog.signals)
    done = work_off(world, work_on, datadog)
    assert (done.state, done.points, done.runs) == (BackfillState.COMPLETED, 60, 0)
    # What ended after the range is not in it, nor what was there before.
    assert runs_told(receiver.got, "failed") == {10: 1, 20: 1, 30: 1}
    assert runs_told(receiver.got, "succeeded") == {5: 1}


def test_counts_of_the_past_join_those_of_now(world, loki, receiver, request_backfill, work_on, ended_runs):
    world.clock.now = START + 2 * HOUR
    told = []
    otlp = replace(loki, kind=ExportKind.OTLP, url=receiver.url, signals=frozenset({Signal.METRICS}))
    request_backfill(otlp, START + timedelta(minutes=5), START + 2 * HOUR, otlp.signals)
    receiver.refuse = (503, {}, "not now")
    _, backfill_id = world.work.backfills[0]
    work_on(otlp, "acme", "logs", backfill_id)
    receiver.refuse = None
    done = work_off(world, work_on, otlp)
    assert done.state is BackfillState.COMPLETED
    for got in receiver.got:
        request = ExportMetricsServiceRequest()
        request.ParseFromString(gzip.decompress(got.body))
        for metric in request.resource_metrics[0].scope_metrics[0].metrics:
            for point in metric.sum.data_points if metric.name == RUNS else ():
                state = {one.key: one.value.string_value for one in point.attributes}["state"]
                minutes = (point.time_unix_nano / 1e9 - START.timestamp()) / 60
                told.append((state, minutes, point.as_double or point.as_int))
    failed = {minutes: value for state, minutes, value in told if state == "failed"}
    # One of the past that nobody has any more, then those that ended.
    assert [failed[minutes] for minutes in (6, 9, 10, 19, 20, 31, 89, 90, 120)] == [1, 1, 2, 2, 3, 4, 4, 5, 5]


def test_a_receiver_that_takes_no_past_ends_it(world, loki, receiver, request_backfill, work_on, ended_runs):
    world.clock.now = START + 2 * HOUR
    datadog = replace(loki, kind=ExportKind.DATADOG, url=receiver.url, signals=frozenset({Signal.METRICS}))
    request_backfill(datadog, START, START + HOUR, datadog.signals)
    receiver.refuse = (400, {}, "too old")
    done = work_off(world, work_on, datadog)
    assert (done.state, done.error) == (BackfillState.FAILED, "logs answered 400: too old")
    assert world.backlog.dead_letters(datadog, 10) == []


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
