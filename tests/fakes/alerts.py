"""Ports of alerts, in memory, and the events and rules that tests use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.application.alerts.evaluate import EvaluateEvent
from cadence.application.alerts.memory import MemoryAlertStore, MemoryHistoryStore
from cadence.application.alerts.ports import ChannelKey, ChannelRefused, DeadLetterMessages, Outbox, WaitingMessage
from cadence.application.alerts.unusual import Histories
from cadence.application.alerts.update import UpdateAlert
from cadence.domain.alerts.channel import AlertDelivery, Channel, ChannelKind
from cadence.domain.alerts.message import Message
from cadence.domain.alerts.occurrence import AlertGroup
from cadence.domain.alerts.reading import read_rule
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import Silence
from cadence.domain.shared.errors import CadenceError, Conflict, NotFound
from tests.fakes.services import ManualClock

START = datetime(2030, 1, 1, tzinfo=UTC)


def rule(when: Mapping[str, Any], name: str = "rule", project: str = "p", **members: Any) -> Rule:
    return read_rule("o", project, name, {"when": when, "channels": ["ops"], **members})


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def treatment_event(
    at: datetime, run_id: str, state: str = "failed", took: float = 10.0, **members: Any
) -> dict[str, Any]:
    return {
        "id": f"treatment:{run_id}:build:1:{state}",
        "kind": "treatment",
        "organization": "o",
        "project": "p",
        "pipeline": "app",
        "run_id": run_id,
        "treatment": "build",
        "state": state,
        "cause": None if state == "succeeded" else "The command ended with exit code 1.",
        "attempt": 1,
        "exit_code": 0 if state == "succeeded" else 1,
        "pool": "linux",
        "ready_at": stamp(at - timedelta(seconds=took + 5)),
        "placed_at": stamp(at - timedelta(seconds=took + 3)),
        "started_at": stamp(at - timedelta(seconds=took)),
        "finished_at": stamp(at),
        "usage": {"memory_peak": 1e6},
        "replay_of": None,
        **members,
    }


def line(at: datetime, text: str, treatment: str = "build", level: str = "info") -> dict[str, Any]:
    base = {"seq": 1, "runner": "r-1", "pool": "pool-1", "attempt": 1, "stream": "stdout"}
    return {**base, "time": stamp(at), "text": text, "treatment": treatment, "level": level}


@dataclass
class Segments:
    """Segments by their keys, and the events that tell of them."""

    lines: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def add(self, run_id: str, number: int, lines: Sequence[Mapping[str, Any]], **members: Any) -> dict[str, Any]:
        key = f"runs/{run_id}/logs/{number}"
        self.lines[key] = lines
        return {
            "id": f"segment:{run_id}:{number}",
            "kind": "segment",
            "organization": "o",
            "project": "p",
            "pipeline": "app",
            "run_id": run_id,
            "number": number,
            "key": key,
            "first_time": lines[0]["time"],
            "last_time": lines[-1]["time"],
            "lines": len(lines),
            "treatments": sorted({each["treatment"] for each in lines}),
            "levels": sorted({each["level"] for each in lines}),
            **members,
        }

    def read(self, key: str) -> Sequence[Mapping[str, Any]]:
        return self.lines[key]


@dataclass
class MemoryBells:
    """What was asked for, with when it is due."""

    clock: ManualClock
    deliveries: list[tuple[datetime, ChannelKey, datetime | None]] = field(default_factory=list)
    looks: list[tuple[datetime, tuple[str, str, str], AlertGroup, datetime]] = field(default_factory=list)

    def deliver(self, key: ChannelKey, after: timedelta, retry_at: datetime | None = None) -> None:
        self.deliveries.append((self.clock() + after, key, retry_at))

    def look(self, rule: tuple[str, str, str], group: AlertGroup, at: datetime, after: timedelta) -> None:
        self.looks.append((self.clock() + min(after, timedelta(seconds=900)), rule, group, at))


@dataclass
class MemoryDirectory:
    """Rules, channels and silences."""

    rules: list[Rule] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    secrets: dict[ChannelKey, bytes] = field(default_factory=dict)

    def list_rules(self, organization: str) -> Sequence[Rule]:
        return [each for each in self.rules if each.organization == organization]

    def get_rule(self, organization: str, project: str, name: str) -> Rule:
        for each in self.rules:
            if each.key == (organization, project, name):
                return each
        raise NotFound("no rule")

    def list_channels(self, organization: str) -> Sequence[Channel]:
        return [each for each in self.channels if each.organization == organization]

    def get_channel(self, organization: str, project: str, name: str) -> Channel:
        for each in self.channels:
            if each.key == (organization, project, name):
                return each
        raise NotFound("no channel")

    def channel_secret(self, key: ChannelKey) -> bytes | None:
        self.get_channel(*key)
        return self.secrets.get(key)

    def put_channel(self, channel: Channel, encrypted_secret: bytes | None) -> bool:
        raise NotImplementedError

    def delete_channel(self, organization: str, project: str, name: str) -> None:
        raise NotImplementedError

    def list_silences(self, organization: str) -> Sequence[Silence]:
        return self.silences


def channel(name: str = "ops", project: str = "p", kind: ChannelKind = ChannelKind.WEBHOOK) -> Channel:
    return Channel(
        organization="o",
        project=project,
        name=name,
        kind=kind,
        settings={"url": "http://127.0.0.1:1/"},
        updated_at=START,
        updated_by="test",
    )


@dataclass
class MemoryOutbox(Outbox, DeadLetterMessages):
    items: dict[ChannelKey, dict[str, WaitingMessage]] = field(default_factory=dict)
    deliveries: dict[ChannelKey, AlertDelivery] = field(default_factory=dict)
    dead_letters: dict[ChannelKey, dict[str, WaitingMessage]] = field(default_factory=dict)

    @property
    def dead_letter(self) -> list[WaitingMessage]:
        return [each for its in self.dead_letters.values() for each in its.values()]

    def post(self, key: ChannelKey, message: Message) -> None:
        position = f"{stamp(message.made_at)}#{message.message_id}"
        self.items.setdefault(key, {})[position] = WaitingMessage(position, message)

    def waiting(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        return [each for _, each in sorted(self.items.get(key, {}).items())][:limit]

    def count_waiting(self, key: ChannelKey, most: int) -> int:
        return len(self.waiting(key, most))

    def remove(self, key: ChannelKey, waiting: Iterable[WaitingMessage]) -> None:
        for each in waiting:
            self.items[key].pop(each.position, None)

    def refused(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        self.items[key][waiting.position] = replace(waiting, refusals=waiting.refusals + 1)

    def put_dead_letter(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        self.dead_letters.setdefault(key, {})[waiting.position] = waiting
        self.items[key].pop(waiting.position)

    def list_dead_letters(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        return [each for _, each in sorted(self.dead_letters.get(key, {}).items())][:limit]

    def count_dead_letters(self, key: ChannelKey, most: int) -> int:
        return len(self.list_dead_letters(key, most))

    def take_back(self, key: ChannelKey, position: str) -> None:
        if position not in self.dead_letters.get(key, {}):
            raise NotFound("not set aside")
        self.items[key][position] = replace(self.dead_letters[key].pop(position), refusals=0)

    def discard(self, key: ChannelKey, position: str) -> None:
        self.dead_letters.get(key, {}).pop(position, None)

    def clear(self, key: ChannelKey) -> None:
        self.items.pop(key, None)
        self.deliveries.pop(key, None)

    def get_delivery(self, key: ChannelKey) -> AlertDelivery:
        return self.deliveries.get(key, AlertDelivery())

    def put_delivery(self, key: ChannelKey, delivery: AlertDelivery) -> None:
        if self.get_delivery(key).version != delivery.version:
            raise Conflict("changed")
        self.deliveries[key] = replace(delivery, version=delivery.version + 1)


@dataclass
class ListeningSender:
    """Takes messages while `fault` is None. `tried` are the times of all tries."""

    clock: ManualClock
    fault: CadenceError | ChannelRefused | None = None
    most: int = 10
    per_minute: int = 5
    got: list[list[Message]] = field(default_factory=list)
    tried: list[datetime] = field(default_factory=list)

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        self.tried.append(self.clock())
        if self.fault is not None:
            raise self.fault
        self.got.append(list(messages))


@dataclass
class Alerting:
    """The evaluation of one rule over stores in memory; `pass_time` does what was asked for later, in order."""

    rule: Rule
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    store: MemoryAlertStore = field(default_factory=MemoryAlertStore)
    segments: Segments = field(default_factory=Segments)

    def __post_init__(self) -> None:
        self.directory = MemoryDirectory([self.rule], [channel()])
        self.notifier = MemoryBells(self.clock)
        self.update = UpdateAlert(
            alerts=self.store,
            channels=self.directory,
            silences=self.directory,
            notifier=self.notifier,
            clock=self.clock,
        )
        histories = Histories(MemoryHistoryStore())
        self.evaluate = EvaluateEvent(
            rules=self.directory,
            update=self.update,
            histories=histories,
            read_segment=self.segments.read,
            is_replay=lambda run_id: run_id == "replay",
        )

    def pass_time(self, by: timedelta) -> None:
        until = self.clock() + by
        while due := [each for each in self.notifier.looks if each[0] <= until]:
            first = min(due, key=lambda each: each[0])
            self.notifier.looks.remove(first)
            self.clock.now = max(self.clock.now, first[0])
            self.update.looked_at(self.directory, *first[1:])
        self.clock.now = until

    @property
    def told(self) -> list[str]:
        """The kinds of the messages so far."""
        return [str(message.kind) for _, message in self.store.messages]
