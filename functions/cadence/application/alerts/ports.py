"""Ports of alerts (table `alerts`, the queue `alerting`, and the channels)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.domain.alerts.channel import AlertDelivery, Channel, ChannelKind
from cadence.domain.alerts.lifecycle import Alert, Happened
from cadence.domain.alerts.message import Message
from cadence.domain.alerts.occurrence import AlertGroup, Occurrence
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import Silence

ChannelKey = tuple[str, str, str]
"""Organization, project (or `*`), name."""


class RuleReader(Protocol):
    """Reads alert rules."""

    def list_rules(self, organization: str) -> Sequence[Rule]: ...

    def get_rule(self, organization: str, project: str, name: str) -> Rule:
        """Returns a rule. Raises NotFound."""


class RuleStore(RuleReader, Protocol):
    """Stores alert rules."""

    def put_rule(self, rule: Rule, expected: int | None) -> None:
        """Stores a rule in place of revision `expected` (None: of no rule). Raises Conflict for another revision."""

    def delete_rule(self, organization: str, project: str, name: str) -> None:
        """Deletes a rule. Raises NotFound."""


class ChannelReader(Protocol):
    """Reads alert channels."""

    def list_channels(self, organization: str) -> Sequence[Channel]: ...


class ChannelStore(ChannelReader, Protocol):
    """Stores alert channels and their secrets."""

    def get_channel(self, organization: str, project: str, name: str) -> Channel:
        """Returns a channel. Raises NotFound."""

    def channel_secret(self, key: ChannelKey) -> bytes | None:
        """Returns a channel's encrypted secret. Raises NotFound."""

    def put_channel(self, channel: Channel, encrypted_secret: bytes | None) -> bool:
        """Creates or replaces a channel; returns True if it is new."""

    def delete_channel(self, organization: str, project: str, name: str) -> None:
        """Deletes a channel. Raises NotFound."""


class SilenceReader(Protocol):
    """Reads silences."""

    def list_silences(self, organization: str) -> Sequence[Silence]: ...


class SilenceStore(SilenceReader, Protocol):
    """Stores silences."""

    def add_silence(self, silence: Silence) -> None: ...

    def delete_silence(self, organization: str, project: str, silence_id: str) -> None:
        """Deletes a silence. Raises NotFound."""


class AlertStore(Protocol):
    """Stores alerts and their occurrences."""

    def put_occurrences(self, rule: Rule, group: AlertGroup, occurrences: Iterable[Occurrence]) -> None:
        """Stores occurrences; storing the same again changes nothing."""

    def happened(self, rule: Rule, group: AlertGroup, since: datetime) -> Happened:
        """Returns all occurrences from `since` on, in order, and the newest one even if it is older."""

    def get_alert(self, rule: Rule, group: AlertGroup) -> Alert:
        """Returns the alert of a group; one that was never stored is closed and has version 0."""

    def commit(self, alert: Alert, messages: Sequence[tuple[ChannelKey, Message]]) -> None:
        """Stores an alert and messages to deliver, in one transaction. Raises Conflict unless it is as it was read."""

    def list_alerts(self, organization: str, project: str, rule: str) -> Sequence[Alert]:
        """Returns the alerts of a rule that were ever open."""

    def delete_alerts(self, organization: str, project: str, rule: str) -> None: ...


@dataclass(frozen=True)
class MeasuredValue:
    """One measured value, its run and its time."""

    run_id: str
    at: datetime
    value: float


@dataclass(frozen=True)
class MeasuredSeries:
    """The newest values of one measure of a treatment (or pipeline), in order; `version` 0 if it is not stored yet."""

    values: tuple[MeasuredValue, ...] = ()
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class MeasuredSeriesKey:
    """The key of a series: the measure `of` a treatment, or of whole runs if `treatment` is empty."""

    organization: str
    project: str
    pipeline: str
    treatment: str
    of: str


class HistoryStore(Protocol):
    """Stores measured series."""

    def get_series(self, key: MeasuredSeriesKey) -> MeasuredSeries: ...

    def put_series(self, key: MeasuredSeriesKey, series: MeasuredSeries) -> None:
        """Stores a series. Raises Conflict unless it is as it was read."""


@dataclass(frozen=True)
class WaitingMessage:
    """A message that waits for its delivery; `refusals` counts how often the channel itself refused it."""

    position: str
    message: Message
    refusals: int = 0


class Outbox(Protocol):
    """Stores the waiting messages and the delivery status of each channel."""

    def post(self, key: ChannelKey, message: Message) -> None: ...

    def waiting(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        """Returns at most `limit` waiting messages, oldest first."""

    def count_waiting(self, key: ChannelKey, most: int) -> int:
        """Counts waiting messages, at most up to `most`."""

    def remove(self, key: ChannelKey, waiting: Iterable[WaitingMessage]) -> None: ...

    def refused(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        """Counts one more refusal."""

    def put_dead_letter(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        """Makes a message a dead letter, which is kept but not sent any more."""

    def clear(self, key: ChannelKey) -> None:
        """Removes all messages and the status of a channel that was deleted."""

    def get_delivery(self, key: ChannelKey) -> AlertDelivery: ...

    def put_delivery(self, key: ChannelKey, delivery: AlertDelivery) -> None:
        """Stores the delivery status. Raises Conflict unless it is as it was read."""


class DeadLetterMessages(Protocol):
    """Messages that a channel refused for good."""

    def list_dead_letters(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        """Returns at most `limit` dead letters, oldest first."""

    def count_dead_letters(self, key: ChannelKey, most: int) -> int:
        """Counts dead letters, at most up to `most`."""

    def take_back(self, key: ChannelKey, position: str) -> None:
        """Makes a dead letter wait again, as if it had never been refused. Raises NotFound."""

    def discard(self, key: ChannelKey, position: str) -> None:
        """Removes a dead letter; a missing one is no error."""

    def get_delivery(self, key: ChannelKey) -> AlertDelivery: ...


class AlertNotifier(Protocol):
    """Requests work for later, which is done at least once, possibly twice."""

    def deliver(self, key: ChannelKey, after: timedelta, retry_at: datetime | None = None) -> None:
        """Requests the delivery of a channel's messages; `retry_at` is the end of the wait that its delivery notes."""

    def look(self, rule: tuple[str, str, str], group: AlertGroup, at: datetime, after: timedelta) -> None:
        """Requests a look at an alert, which takes place if its next look is still at `at` then."""


class EventMapping(Protocol):
    """Switches the judging of events on and off, since it costs money even without events."""

    def begin(self, organization: str) -> None:
        """Has the organization's events judged from now on. Safe to repeat. Raises Transient."""

    def end(self, organization: str) -> None:
        """Notes that the organization needs no judging; it ends if no other organization needs it. Safe to repeat."""


class ChannelRefused(Exception):
    """The channel refused this message, however often it is sent."""


class Sender(Protocol):
    """Sends messages to one kind of channel: at most `most` in one request, and `per_minute` requests a minute."""

    most: int
    per_minute: int

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        """Sends messages and returns once all are delivered.

        Raises ChannelRefused, or Transient for an error that may be temporary.
        """


Senders = Mapping[ChannelKind, Sender]
"""Senders by kind of channel."""
