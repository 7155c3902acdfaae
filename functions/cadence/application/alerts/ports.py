"""What alerts need from the outside (table `alerts`, the queue `alerting`, and the channels)."""

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
    def list_rules(self, organization: str) -> Sequence[Rule]: ...

    def get_rule(self, organization: str, project: str, name: str) -> Rule:
        """Raises NotFound."""


class RuleStore(RuleReader, Protocol):
    def put_rule(self, rule: Rule, expected: int | None) -> None:
        """Stores it over revision `expected` (None: there is none yet). Raises Conflict if that is not so."""

    def delete_rule(self, organization: str, project: str, name: str) -> None:
        """Raises NotFound."""


class ChannelReader(Protocol):
    def list_channels(self, organization: str) -> Sequence[Channel]: ...


class ChannelStore(ChannelReader, Protocol):
    def get_channel(self, organization: str, project: str, name: str) -> Channel:
        """Raises NotFound."""

    def channel_secret(self, key: ChannelKey) -> bytes | None:
        """Encrypted. Raises NotFound."""

    def put_channel(self, channel: Channel, encrypted_secret: bytes | None) -> bool:
        """Creates or replaces it; True if it is new."""

    def delete_channel(self, organization: str, project: str, name: str) -> None:
        """Raises NotFound."""


class SilenceReader(Protocol):
    def list_silences(self, organization: str) -> Sequence[Silence]: ...


class SilenceStore(SilenceReader, Protocol):
    def add_silence(self, silence: Silence) -> None: ...

    def delete_silence(self, organization: str, project: str, silence_id: str) -> None:
        """Raises NotFound."""


class AlertStore(Protocol):
    """Alerts, and what happened that they are made of."""

    def put_occurrences(self, rule: Rule, group: AlertGroup, occurrences: Iterable[Occurrence]) -> None:
        """Storing the same again changes nothing."""

    def happened(self, rule: Rule, group: AlertGroup, since: datetime) -> Happened:
        """Everything from `since` on, in order; at least the newest thing, if that is older."""

    def get_alert(self, rule: Rule, group: AlertGroup) -> Alert:
        """One that was never stored is closed and has version 0."""

    def commit(self, alert: Alert, messages: Sequence[tuple[ChannelKey, Message]]) -> None:
        """The alert and what is to be delivered, in one transaction. Raises Conflict unless it is as it was read."""

    def list_alerts(self, organization: str, project: str, rule: str) -> Sequence[Alert]:
        """Those that were ever open, of one rule."""

    def delete_alerts(self, organization: str, project: str, rule: str) -> None: ...


@dataclass(frozen=True)
class MeasuredValue:
    """One measured value: of which run, and when it was there."""

    run_id: str
    at: datetime
    value: float


@dataclass(frozen=True)
class MeasuredSeries:
    """The newest values of one measure of a treatment (or pipeline), in order. `version` 0: not stored yet."""

    values: tuple[MeasuredValue, ...] = ()
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class MeasuredSeriesKey:
    """`treatment` is empty for what is measured of whole runs."""

    organization: str
    project: str
    pipeline: str
    treatment: str
    of: str


class HistoryStore(Protocol):
    def get_series(self, key: MeasuredSeriesKey) -> MeasuredSeries: ...

    def put_series(self, key: MeasuredSeriesKey, series: MeasuredSeries) -> None:
        """Raises Conflict unless it is as it was read."""


@dataclass(frozen=True)
class WaitingMessage:
    """A message that waits for its delivery. `refusals` counts how often the channel itself refused it."""

    position: str
    message: Message
    refusals: int = 0


class Outbox(Protocol):
    """What waits to be delivered, by channel, and how each channel is getting on."""

    def post(self, key: ChannelKey, message: Message) -> None: ...

    def waiting(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        """Oldest first."""

    def count_waiting(self, key: ChannelKey, most: int) -> int:
        """At most `most`."""

    def remove(self, key: ChannelKey, waiting: Iterable[WaitingMessage]) -> None: ...

    def refused(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        """Counts one more refusal."""

    def put_dead_letter(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        """Kept for whoever looks into it, and not sent any more."""

    def clear(self, key: ChannelKey) -> None:
        """Everything of a channel that is no more."""

    def get_delivery(self, key: ChannelKey) -> AlertDelivery: ...

    def put_delivery(self, key: ChannelKey, delivery: AlertDelivery) -> None:
        """Raises Conflict unless it is as it was read."""


class DeadLetterMessages(Protocol):
    """Messages that a channel refused for good."""

    def list_dead_letters(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        """Oldest first."""

    def count_dead_letters(self, key: ChannelKey, most: int) -> int:
        """At most `most`."""

    def take_back(self, key: ChannelKey, position: str) -> None:
        """It waits again, as one that was never refused. Raises NotFound."""

    def discard(self, key: ChannelKey, position: str) -> None:
        """Discarding what is gone is no error."""

    def get_delivery(self, key: ChannelKey) -> AlertDelivery: ...


class AlertNotifier(Protocol):
    """Asks for something to be done later. Nothing that was asked for gets lost; it may be done twice."""

    def deliver(self, key: ChannelKey, after: timedelta, retry_at: datetime | None = None) -> None:
        """Have a channel's outbox looked into. `retry_at` is what its delivery will say it waits for."""

    def look(self, rule: tuple[str, str, str], group: AlertGroup, at: datetime, after: timedelta) -> None:
        """Have an alert looked at, if it still says then that it is looked at `at`."""


class EventMapping(Protocol):
    """Whether events are judged at all, which costs money while nothing happens."""

    def begin(self, organization: str) -> None:
        """Have events judged from now on, for this organization too. Beginning again changes nothing. Raises Transient."""

    def end(self, organization: str) -> None:
        """This organization needs none of it any more; if no other does, it ends. Ending again changes nothing."""


class ChannelRefused(Exception):
    """The channel answered, and will not take this message however often it is sent."""


class Sender(Protocol):
    most: int
    """How many messages may go into one sending."""
    per_minute: int

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        """Returns once all are delivered. Raises Refused, or Transient for everything that may be mended."""


Senders = Mapping[ChannelKind, Sender]
"""By kind of channel."""
