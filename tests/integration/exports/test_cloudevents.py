"""The audit log as CloudEvents at a real receiver: batches, what is kept while it refuses, and credentials."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.audit_chain import ChainHead, ChainRecord, IdentifiedEntry, extend, verify_chain
from cadence.domain.exports.event import Event, audit_event
from cadence.domain.exports.export import Export, ExportKind, Signal
from tests.integration.exports.conftest import START, World
from tests.integration.exports.receiver import Receiver


def siem(receiver: Receiver) -> Export:
    return Export(
        organization="acme", name="siem", kind=ExportKind.CLOUDEVENTS, url=f"{receiver.url}/events?tenant=1",
        signals=frozenset({Signal.AUDIT}), created_at=START, updated_at=START, origin="https://cadence.example",
    )  # fmt: skip


def records(count: int, project: str = "*") -> list[ChainRecord]:
    entries = [
        AuditEntry(
            organization="acme",
            project=project,
            at=START + timedelta(seconds=number),
            kind=AuditKind.SIGN_IN,
            actor="member:1",
            token_id="t1",
            token_name="Ada",
            action="sign_in",
            target="/v1/sign-in",
        )
        for number in range(count)
    ]
    made, _ = extend(ChainHead(), [IdentifiedEntry(f"e{number}", entry) for number, entry in enumerate(entries)])
    return list(made)


def events(count: int, project: str = "*") -> list[Event]:
    return [audit_event(record) for record in records(count, project)]


def received(receiver: Receiver) -> list[dict[str, Any]]:
    return [event for got in receiver.got for event in json.loads(got.body)]


def test_records_arrive_as_a_batch_of_cloudevents_and_can_be_verified(world: World, receiver: Receiver) -> None:
    world.deliver.events(siem(receiver), events(3))

    (got,) = receiver.got
    assert got.path == "/events?tenant=1"
    assert got.headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    first, *_ = arrived = received(receiver)
    assert first | {"data": {}} == {
        "specversion": "1.0",
        "type": "dev.cadence.audit.sign-in",
        "source": "https://cadence.example/v1/audit/acme",
        "id": "1",
        "time": "2026-03-01T12:00:00.000000Z",
        "subject": "/v1/sign-in",
        "datacontenttype": "application/json",
        "data": {},
    }
    assert verify_chain([event["data"] for event in arrived]).intact


def test_what_the_receiver_refuses_is_kept_and_sent_later(world: World, receiver: Receiver) -> None:
    receiver.refuse = (503, {}, "")
    world.deliver.events(siem(receiver), events(2))
    assert receiver.got == []
    receiver.refuse = None
    world.drain_until(siem(receiver), timedelta(minutes=30))
    assert sorted({event["id"] for event in received(receiver)}) == ["1", "2"]


def test_an_export_of_one_project_gets_its_records_alone(world: World, receiver: Receiver) -> None:
    export = replace(siem(receiver), projects=("web",))
    world.deliver.events(export, events(2))
    world.deliver.events(export, events(1, "web"))
    assert [event["data"]["project"] for event in received(receiver)] == ["web"]


def test_other_events_are_not_sent_there_nor_records_elsewhere(world: World, receiver: Receiver, loki: Export) -> None:
    world.deliver.events(siem(receiver), [world.segment("a line")])
    world.deliver.events(loki, events(1))
    assert receiver.got == []
