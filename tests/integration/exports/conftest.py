"""Exports over a mocked AWS, with a clock that is moved by hand, and real HTTP to a receiver."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.dynamodb.exports.export_backlog import DynamoBacklog
from cadence.adapters.dynamodb.metrics.counters import DynamoCounters
from cadence.adapters.export_formats.formats import format_of
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.outgoing_http import OutgoingHttp
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.exports.deliver_exports import DeliverExports
from cadence.application.exports.send_export import SendExport
from cadence.application.metrics.ports import Event
from cadence.domain.exports.event import segment_event
from cadence.domain.exports.export import Backfill, Export, ExportKind, Signal
from cadence.domain.logs.log import Segment
from tests.fakes.services import ManualClock
from tests.integration.api.conftest import REGION, make_table
from tests.integration.exports.receiver import Receiver, receiving

RUN = "01kb0000000000000000000000"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="package", autouse=True)
def own_clients() -> Iterator[None]:
    aws_clients.client.cache_clear()
    yield
    aws_clients.client.cache_clear()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(aws_clients, "REGION", REGION)
    with mock_aws(config={"core": {"passthrough": {"urls": ["http://127.0.0.1.*"]}}}):
        make_table("telemetry")
        aws_clients.client("s3").create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@dataclass
class MemoryWork:
    """Messages, with when they are due. Implements ExportWork."""

    clock: ManualClock
    drains: list[datetime] = field(default_factory=list)
    pushes: list[tuple[datetime, datetime]] = field(default_factory=list)
    backfills: list[tuple[datetime, str]] = field(default_factory=list)

    def drain(self, export: Export, after: timedelta) -> None:
        self.drains.append(self.clock() + after)

    def push(self, export: Export, due: datetime, after: timedelta) -> None:
        self.pushes.append((self.clock() + after, due))

    def backfill(self, backfill: Backfill, after: timedelta) -> None:
        self.backfills.append((self.clock() + after, backfill.backfill_id))


@dataclass
class World:
    clock: ManualClock
    work: MemoryWork
    backlog: DynamoBacklog
    counters: DynamoCounters
    segments: S3LogSegments
    send: SendExport
    deliver: DeliverExports
    cipher: KmsCipher
    faults: list[Exception]
    written: int = 0

    def segment(self, *texts: str) -> Event:
        """Writes a segment of these lines, and returns its event."""
        number = self.written
        self.written += 1
        time = f"{START + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}.000Z"
        lines: list[dict[str, Any]] = [
            {
                "seq": number * 1000 + index,
                "time": time,
                "runner": "r-1",
                "pool": "linux",
                "treatment": "build:3.13",
                "attempt": 1,
                "stream": "stdout",
                "level": "info",
                "text": text,
            }
            for index, text in enumerate(texts, 1)
        ]
        key = self.segments.write(RUN, number, lines)
        made = Segment(
            organization="acme",
            project="web",
            pipeline="ci",
            run_id=RUN,
            number=number,
            key=key,
            first_time=time,
            last_time=time,
            lines=len(lines),
            treatments=("build:3.13",),
            levels=("info",),
        )
        return segment_event(made)

    def drain_until(self, export: Export, last: timedelta) -> None:
        """Delivers the messages that fall due, for so long."""
        until = self.clock() + last
        while self.work.drains and min(self.work.drains) <= until:
            due = min(self.work.drains)
            self.work.drains.remove(due)
            self.clock.now = max(self.clock.now, due)
            self.deliver.drain(export)


@pytest.fixture
def world(aws: None) -> World:
    clock = ManualClock(START + timedelta(minutes=1))
    work = MemoryWork(clock)
    backlog = DynamoBacklog("telemetry")
    key = aws_clients.client("kms").create_key()["KeyMetadata"]["KeyId"]
    cipher, segments = KmsCipher(key), S3LogSegments("data")
    send = SendExport(segments, format_of, OutgoingHttp(EgressPolicy.of("*")), cipher)
    faults: list[Exception] = []
    deliver = DeliverExports(
        send=send, backlog=backlog, work=work, clock=clock, report=lambda error, name: faults.append(error)
    )
    return World(clock, work, backlog, DynamoCounters("telemetry"), segments, send, deliver, cipher, faults)


@pytest.fixture
def loki(receiver: Receiver) -> Export:
    return Export(
        organization="acme",
        name="logs",
        kind=ExportKind.LOKI,
        url=f"{receiver.url}/loki/api/v1/push",
        signals=frozenset({Signal.LOGS}),
        created_at=START,
        updated_at=START,
        labels={"cluster": "eu"},
    )


def of_projects(export: Export, *projects: str) -> Export:
    return replace(export, projects=projects)
