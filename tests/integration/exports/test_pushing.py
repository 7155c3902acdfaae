"""Metrics are pushed each minute by one chain of messages; Datadog is told what was added."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cadence.adapters.export_formats.formats import format_of
from cadence.application.exports.push_metrics import PushMetrics
from cadence.application.metrics.ports import Counted
from cadence.application.metrics.render_metrics import RenderMetrics
from cadence.domain.access.access import Project
from cadence.domain.exports.export import PUSH_EVERY, ExportKind, Signal
from cadence.domain.metrics.counting import CounterKey
from tests.integration.exports.conftest import START

KEY = CounterKey(organization="acme", project="web", pipeline="ci")


@pytest.fixture
def push(world):
    projects = [Project("acme", name, START) for name in ("web", "other")]
    tell = RenderMetrics(world.counters)
    return PushMetrics(
        tell=tell,
        projects=lambda _: projects,
        formats=format_of,
        deliver=world.deliver,
        backlog=world.backlog,
        work=world.work,
        clock=world.clock,
    )


@pytest.fixture
def datadog(loki, receiver):
    return replace(loki, name="dd", kind=ExportKind.DATADOG, url=receiver.url, signals=frozenset({Signal.METRICS}))


def add(world, event_id, **counts):
    named = {name.replace("__", "."): amount for name, amount in counts.items()}
    world.counters.add([Counted(event_id, {KEY: named})])


def series(got):
    return {
        (one["metric"], *one["tags"]): (one["type"], one["points"][0]["value"])
        for one in got.json["series"]
        if one["metric"] != "cadence.metrics_truncated"
    }


def test_datadog_is_told_what_was_added_since(world, push, datadog, receiver):
    tags = ("cluster:eu", "pipeline:ci", "project:web")
    add(world, "1", state__failed=2, run_duration__3=2, run_duration__sum=50)
    push.push(datadog, world.clock())
    add(world, "2", state__failed=1)
    push.push(datadog, world.clock() + PUSH_EVERY)
    push.push(datadog, world.clock() + 2 * PUSH_EVERY)

    first, second = map(series, receiver.got)  # the third had nothing to tell
    assert receiver.got[0].path == "/api/v2/series"
    assert first["cadence.runs", *tags, "state:failed"] == (1, 2)
    assert first["cadence.run_duration_seconds.count", *tags] == (1, 2)
    assert first["cadence.run_duration_seconds.sum", *tags] == (1, 50)
    assert first["cadence.run_duration_seconds.bucket", *tags, "upper_bound:30.0"] == (1, 2)
    assert second == {("cadence.runs", *tags, "state:failed"): (1, 1)}


def test_what_a_receiver_missed_comes_afterwards_and_once(world, push, datadog, receiver):
    receiver.refuse = (503, {}, "")
    for number in range(3):
        add(world, str(number), state__failed=1)
        push.push(datadog, world.clock())
        world.clock.advance(PUSH_EVERY)
    receiver.refuse = None
    world.drain_until(datadog, timedelta(hours=1))
    points = [one["points"][0] for got in receiver.got for one in got.json["series"] if one["metric"] == "cadence.runs"]
    assert sum(point["value"] for point in points) == 3
    assert [point["timestamp"] for point in points] == sorted({point["timestamp"] for point in points})


def test_one_chain_goes_on_whoever_else_begins(world, push, datadog):
    push.begin(datadog)
    (_, due) = world.work.pushes.pop()
    push.keep_going(datadog)
    assert world.work.pushes == []  # there is one already

    push.push_due(datadog, due)
    assert len(world.work.pushes) == 1
    (at, following) = world.work.pushes.pop()
    assert at == world.clock() + PUSH_EVERY
    push.push_due(datadog, due)  # comes again
    assert world.work.pushes == []

    world.clock.advance(timedelta(hours=1))  # the message was lost
    push.keep_going(datadog)
    (_, again) = world.work.pushes.pop()
    push.push_due(datadog, following)
    assert world.work.pushes == []
    push.push_due(datadog, again)
    assert len(world.work.pushes) == 1


def test_an_export_that_was_switched_off_ends_its_chain(world, push, datadog):
    push.begin(datadog)
    (_, due) = world.work.pushes.pop()
    push.push_due(replace(datadog, enabled=False), due)
    assert world.work.pushes == []
