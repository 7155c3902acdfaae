"""Lines reach a receiver, through its outages, and what it will not have is put aside."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cadence.application.exports.deliver_exports import parcel_of
from cadence.application.exports.send_export import credentials_context
from cadence.domain.exports.export import ExportCredentials
from cadence.domain.shared.errors import Conflict
from tests.integration.exports.conftest import START, of_projects

HOUR = timedelta(hours=1)


def test_lines_go_out_as_streams_with_few_labels(world, loki, receiver):
    world.deliver.events(loki, [world.segment("one", "two"), world.segment("three")])

    assert receiver.lines == ["one", "two", "three"]
    (got,) = receiver.got
    assert got.path == "/loki/api/v1/push"
    (stream,) = got.json["streams"]
    assert stream["stream"] == {
        "cluster": "eu",
        "service_name": "ci",
        "organization": "acme",
        "project": "web",
        "pipeline": "ci",
        "treatment": "build",
        "stream": "stdout",
        "level": "info",
    }
    times = [int(value[0]) for value in stream["values"]]
    assert times == sorted(set(times))
    assert times[0] // 10**9 == int(START.timestamp())
    assert stream["values"][0][2]["instance"] == "build:3.13"
    assert world.backlog.standing(loki).delivered_at == world.clock()


def test_only_what_the_export_covers_goes_out(world, loki, receiver):
    world.deliver.events(of_projects(loki, "other"), [world.segment("secret")])
    world.deliver.events(replace(loki, enabled=False), [world.segment("off")])
    assert receiver.got == []


def test_credentials_are_sent_and_are_nowhere_else(world, loki, receiver):
    given = ExportCredentials("basic", "hunter2", "grafana")
    plain = json.dumps(given.as_json()).encode()
    export = replace(loki, encrypted=world.cipher.encrypt(plain, credentials_context("acme", "logs")), scheme="basic")
    world.deliver.events(export, [world.segment("x")])
    assert receiver.got[0].headers["authorization"] == "Basic Z3JhZmFuYTpodW50ZXIy"

    receiver.refuse = (503, {}, "down")
    world.deliver.events(export, [world.segment("y")])
    kept = world.backlog.next(export, 10)
    assert kept and "hunter2" not in repr(kept) and "Z3Jh" not in repr(kept)


def test_an_outage_loses_nothing_and_brings_no_flood(world, loki, receiver):
    receiver.refuse = (503, {}, "down for a moment")
    for number in range(30):
        world.deliver.events(loki, [world.segment(f"line {number}")])
    standing = world.backlog.standing(loki)
    assert standing.pending == 30
    assert standing.failing
    assert standing.error == "logs answered 503: down for a moment"
    assert receiver.refused == 1  # the others waited without trying

    world.drain_until(loki, HOUR)
    tries = receiver.refused
    assert 10 < tries < 40  # longer and longer, at most five minutes apart

    receiver.refuse = None
    world.deliver.events(loki, [world.segment("line 30")])  # behind what waits
    assert receiver.got == []
    world.drain_until(loki, HOUR)
    assert receiver.lines == [f"line {number}" for number in range(31)]
    standing = world.backlog.standing(loki)
    assert (standing.pending, standing.failing, standing.error) == (0, False, None)
    assert world.work.drains == []

    world.deliver.events(loki, [world.segment("after")])
    assert receiver.lines[-1] == "after"


def test_what_the_receiver_asked_for_is_kept_to(world, loki, receiver):
    receiver.refuse = (429, {"retry-after": "600"}, "slow down")
    world.deliver.events(loki, [world.segment("x")])
    assert world.work.drains == [world.clock() + timedelta(seconds=600)]


def test_nobody_answering_is_an_outage(world, loki, receiver):
    gone = replace(loki, url="http://127.0.0.1:1/push")
    world.deliver.events(gone, [world.segment("x")])
    standing = world.backlog.standing(gone)
    assert standing.pending == 1
    assert standing.error == "127.0.0.1 does not answer: no connection"


def test_a_repeated_event_is_kept_once(world, loki, receiver):
    receiver.refuse = (500, {}, "")
    event = world.segment("x")
    for _ in range(3):
        world.deliver.events(loki, [event])
    assert world.backlog.standing(loki).pending == 1


def test_one_line_that_is_refused_costs_no_other(world, loki, receiver):
    receiver.picky = "bad"
    events = [world.segment(text) for text in ("a", "bad", "c")]
    world.deliver.events(loki, events)

    assert sorted(receiver.lines) == ["a", "c"]
    (dead,) = world.backlog.dead_letters(loki, 10)
    assert dead.error == "logs answered 400: this line is not welcome"
    assert dead.event == events[1]
    assert world.backlog.standing(loki).dead == 1
    assert not world.backlog.standing(loki).failing

    receiver.picky = None
    assert world.backlog.revive(loki, world.clock()) == 1
    world.deliver.drain(loki)
    assert receiver.lines[-1] == "bad"
    assert world.backlog.standing(loki).dead == 0


def test_what_is_refused_while_it_is_kept_is_put_aside_too(world, loki, receiver):
    receiver.refuse = (503, {}, "")
    world.deliver.events(loki, [world.segment(text) for text in ("a", "bad", "c")])
    receiver.refuse, receiver.picky = None, "bad"
    world.drain_until(loki, HOUR)
    assert receiver.lines == ["a", "c"]
    standing = world.backlog.standing(loki)
    assert (standing.pending, standing.dead, standing.failing) == (0, 1, False)


def test_a_receiver_that_refuses_for_good_fails_until_it_takes_something(world, loki, receiver):
    receiver.refuse = (400, {}, "closed for writing")
    first = world.clock()
    world.deliver.events(loki, [world.segment("a"), world.segment("b")])
    world.deliver.events(loki, [world.segment("c")])
    standing = world.backlog.standing(loki)
    assert (standing.failing, standing.retrying, standing.pending, standing.dead) == (True, False, 0, 3)
    assert standing.failing_since is not None and standing.failing_since >= first.replace(microsecond=0)
    assert (standing.error, standing.delivered_at) == ("logs answered 400: closed for writing", None)

    world.backlog.revive(loki, world.clock())
    world.deliver.drain(loki)  # all is refused again
    assert (world.backlog.standing(loki).failing, world.backlog.standing(loki).dead) == (True, 3)

    receiver.refuse = None
    world.deliver.events(loki, [world.segment("d")])
    standing = world.backlog.standing(loki)
    assert (standing.failing, standing.error, standing.dead) == (False, None, 3)


def test_after_a_day_it_is_given_up_and_can_be_redriven(world, loki, receiver):
    receiver.refuse = (403, {"retry-after": "3600"}, "who are you?")
    world.deliver.events(loki, [world.segment("old")])
    world.drain_until(loki, timedelta(hours=26))
    standing = world.backlog.standing(loki)
    assert (standing.pending, standing.dead) == (0, 1)
    assert 90 < receiver.refused < 110  # a message can be delayed by 15 minutes

    receiver.refuse = None
    world.backlog.revive(loki, world.clock())
    world.deliver.drain(loki)
    assert receiver.lines == ["old"]


def test_two_calls_do_not_deliver_the_same_at_a_time(world, loki, receiver):
    receiver.refuse = (503, {}, "")
    world.deliver.events(loki, [world.segment("x")])
    receiver.refuse = None
    world.clock.advance(HOUR)
    assert world.backlog.lease(loki, world.clock(), world.clock() + timedelta(seconds=120))
    world.work.drains.clear()
    assert world.deliver.drain(loki) == 0
    assert receiver.got == []
    world.drain_until(loki, HOUR)  # the other call ended without a word: its lease ends
    assert receiver.lines == ["x"]


def test_what_cannot_be_read_is_reported_and_holds_the_others_up_for_an_hour_at_most(world, loki, receiver):
    broken = {**world.segment("x"), "key": ""}
    world.deliver.events(loki, [broken, world.segment("behind")])
    assert world.faults
    world.drain_until(loki, timedelta(hours=3))
    assert receiver.lines[-1] == "behind"
    assert world.backlog.standing(loki).dead == 1


def test_parcels_join_only_an_export_that_is_failing(world, loki):
    with pytest.raises(Conflict):
        world.backlog.keep(loki, [parcel_of(world.segment("x"))], None, None, world.clock())
    assert world.backlog.standing(loki).pending == 0


def test_a_deleted_export_leaves_nothing(world, loki, receiver):
    receiver.refuse = (500, {}, "")
    world.deliver.events(loki, [world.segment("x")])
    world.backlog.forget(loki)
    assert world.backlog.standing(loki).pending == 0
    assert world.backlog.next(loki, 10) == []
