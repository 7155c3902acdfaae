"""Tries a rule on past events: computes when it would have opened alerts and sent messages.

It is the rule's own evaluation, over past events in the order of their times, on stores in memory and with a clock that
follows the events.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cadence.application.alerts.evaluate import EvaluateEvent
from cadence.application.alerts.memory import MemoryAlertStore, MemoryHistoryStore
from cadence.application.alerts.ports import ChannelKey
from cadence.application.alerts.unusual import Histories
from cadence.application.alerts.update import UpdateAlert
from cadence.application.logs.ports import Line
from cadence.domain.alerts.channel import Channel, ChannelKind
from cadence.domain.alerts.judging import moment
from cadence.domain.alerts.lifecycle import Alert
from cadence.domain.alerts.message import MessageKind
from cadence.domain.alerts.occurrence import AlertGroup, OccurrenceSample
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import Silence
from cadence.domain.exports.event import Event
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Fired:
    """One time that an alert would have been open; `closed_at` is None if it still were."""

    labels: Mapping[str, str]
    opened_at: datetime
    closed_at: datetime | None
    count: int
    sample: OccurrenceSample | None


@dataclass(frozen=True)
class Rehearsal:
    """The alerts that a rule would have opened, its messages by kind, and the number of events."""

    fired: Sequence[Fired]
    messages: Mapping[MessageKind, int]
    events: int


def rehearse(
    rule: Rule, events: Iterable[Event], until: datetime, read_segment: Callable[[str], Sequence[Line]]
) -> Rehearsal:
    """Rehearses a rule on `events`, in any order, none of them of replays.

    Changes that time alone would cause after the last event are included, up to `until`.
    """
    stage = _Stage(rule)
    update = UpdateAlert(alerts=stage.alerts, channels=stage, silences=stage, notifier=stage, clock=stage.now)
    evaluate = EvaluateEvent(
        rules=stage,
        update=update,
        histories=Histories(MemoryHistoryStore()),
        read_segment=read_segment,
        is_replay=lambda run_id: False,
    )
    timed = [(moment(happened), event) for event in events if (happened := happened_at(event))]
    for at, event in sorted(timed, key=lambda each: each[0]):
        stage.play_looks(update, at)
        stage.time = at
        evaluate.evaluate(event)
    stage.play_looks(update, until)
    counts = {kind: sum(message.kind is kind for _, message in stage.alerts.messages) for kind in MessageKind}
    return Rehearsal(stage.alerts.fired(), {kind: count for kind, count in counts.items() if count}, len(timed))


def happened_at(event: Event) -> str | None:
    """Returns when the event could be known; None for one without an end of its own."""
    at: str | None = event["last_time"] if event["kind"] == "segment" else event["finished_at"]
    return at


@dataclass
class _RecordingStore(MemoryAlertStore):
    """Also stores every alert that was open, not only the newest of each group."""

    open_ones: dict[tuple[str, int], Alert] = field(default_factory=dict)

    def commit(self, alert: Alert, messages: Sequence[tuple[ChannelKey, object]]) -> None:
        super().commit(alert, messages)  # type: ignore[arg-type]
        if alert.number:
            self.open_ones[alert.group.digest, alert.number] = alert

    def fired(self) -> Sequence[Fired]:
        each = [
            Fired(
                labels=alert.group.labels,
                opened_at=alert.opened_at,
                closed_at=alert.closed_at,
                count=alert.count,
                sample=alert.sample,
            )
            for alert in self.open_ones.values()
            if alert.opened_at is not None
        ]
        return sorted(each, key=lambda fired: fired.opened_at)


class _Stage:
    """The ports of a rehearsal: one rule, channels that take everything, no silences, and a clock."""

    def __init__(self, rule: Rule) -> None:
        self.rule = replace(rule, enabled=True)
        self.alerts = _RecordingStore()
        self.time = datetime.min.replace(tzinfo=UTC)
        self._looks: list[tuple[datetime, int, AlertGroup]] = []
        self._count = 0

    def now(self) -> datetime:
        return self.time

    def list_rules(self, organization: str) -> Sequence[Rule]:
        return [self.rule]

    def get_rule(self, organization: str, project: str, name: str) -> Rule:
        if (organization, project, name) != self.rule.key:
            raise NotFound(f"There is no alert rule {name!r}.")
        return self.rule

    def list_channels(self, organization: str) -> Sequence[Channel]:
        """Returns one channel, which is enough: the number of messages does not depend on that of channels."""
        first = self.rule.channels[0]
        return [
            Channel(
                organization=organization,
                project=self.rule.project,
                name=first,
                kind=ChannelKind.WEBHOOK,
                settings={},
                updated_at=self.time,
                updated_by="",
            )
        ]

    def list_silences(self, organization: str) -> Sequence[Silence]:
        return ()

    def deliver(self, key: ChannelKey, after: timedelta, retry_at: datetime | None = None) -> None:
        """Does nothing: a rehearsal delivers no messages."""

    def look(self, rule: tuple[str, str, str], group: AlertGroup, at: datetime, after: timedelta) -> None:
        self._count += 1
        heapq.heappush(self._looks, (at, self._count, group))

    def play_looks(self, update: UpdateAlert, until: datetime) -> None:
        """Does the looks at alerts that are due before `until`, each at its time."""
        while self._looks and self._looks[0][0] <= until:
            at, _, group = heapq.heappop(self._looks)
            self.time = max(self.time, at)
            update.looked_at(self, self.rule.key, group, at)
