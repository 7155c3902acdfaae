"""The life of an alert: when it opens, when its messages are sent, and when it closes.

There is one for each group of a rule. Two clocks are at work: occurrences are counted by the times at which they
happened, so that repeated, late and shuffled events change nothing, while messages and ends go by the current time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cadence.domain.alerts.message import MessageKind
from cadence.domain.alerts.occurrence import AlertGroup, OccurrenceSample
from cadence.domain.alerts.rule import Rule

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OccurrenceCount:
    """The number of occurrences of one event at this second."""

    at: datetime
    count: int


@dataclass(frozen=True, kw_only=True)
class Alert:
    """The state of one group of a rule. `number` counts the times it was open, `messages` those of this time.

    `count` is the number of occurrences within the window, or since the message before the last. `told_at` is when the
    last message about its occurrences was made, `told_through` up to when that message counted. Only occurrences after
    `counts_after` count, and only one after `closed_through` opens it again. `look_at` is when it is looked at next, if
    no event arrives before. `version` 0: not stored yet.
    """

    rule: str
    project: str
    organization: str
    group: AlertGroup
    revision: int
    open: bool = False
    number: int = 0
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    count: int = 0
    sample: OccurrenceSample | None = None
    messages: int = 0
    told_at: datetime | None = None
    told_through: datetime = _LONG_AGO
    counts_after: datetime = _LONG_AGO
    closed_through: datetime = _LONG_AGO
    look_at: datetime | None = None
    silenced_until: datetime | None = None
    version: int = field(default=0, compare=False)

    @property
    def alert_id(self) -> str:
        """The id of the alert: its rule and a digest of its group."""
        return f"{self.rule}-{self.group.digest}"


@dataclass(frozen=True)
class Happened:
    """The stored occurrences of a group from some time on: counts by second, in order, and the newest sample."""

    counts: Sequence[OccurrenceCount]
    newest: OccurrenceSample | None = None

    @property
    def last(self) -> datetime:
        """The time of the newest occurrence; 1970 if there is none."""
        return self.counts[-1].at if self.counts else _LONG_AGO

    def after(self, moment: datetime) -> "Happened":
        """Returns only the occurrences after `moment`."""
        return replace(self, counts=[entry for entry in self.counts if entry.at > moment])


@dataclass(frozen=True)
class AlertChange:
    """An alert after a change, and the message about it if there is one."""

    alert: Alert
    message: MessageKind | None = None


def after_occurrences(
    alert: Alert, rule: Rule, happened: Happened, now: datetime, silenced_until: datetime | None
) -> AlertChange | None:
    """Returns the alert after an occurrence was stored; None if it does not change."""
    happened = happened.after(alert.counts_after)
    if not alert.open:
        reached = most_within(happened.counts, rule.window, newer_than=alert.closed_through)
        if reached < rule.count:
            return None
        opened = replace(
            alert,
            open=True,
            number=alert.number + 1,
            opened_at=now,
            closed_at=None,
            count=reached,
            sample=happened.newest,
            messages=0,
            told_through=_LONG_AGO,
        )
        return _with_message_if_due(opened, rule, happened, now, silenced_until)
    change = _with_message_if_due(alert, rule, happened, now, silenced_until)
    return change if change.message else None


def may_be_told(alert: Alert, rule: Rule, now: datetime) -> bool:
    """Returns whether the cooldown since the last message has passed."""
    return now >= _next_message_from(alert, rule)


def after_recovery(alert: Alert, rule: Rule, at: datetime, last: datetime, now: datetime) -> AlertChange | None:
    """Returns the alert after the treatment or pipeline has recovered. `last` is when it last failed."""
    if at <= alert.counts_after:
        return None
    cut = replace(alert, counts_after=at)
    if not alert.open or last > at:
        return AlertChange(cut)
    return _closed(cut, rule, at, now)


def after_look(
    alert: Alert, rule: Rule, happened: Happened, now: datetime, silenced_until: datetime | None
) -> AlertChange | None:
    """Returns an open alert after time has passed; None if it is not open."""
    if not alert.open:
        return None
    happened = happened.after(alert.counts_after)
    within = sum(entry.count for entry in happened.counts if entry.at > now - rule.window)
    if now >= _quiet_since(alert, happened) + rule.resolve.after and within < rule.count:
        return _closed(alert, rule, happened.last, now)
    return _with_message_if_due(alert, rule, happened, now, silenced_until)


def after_change_of_rule(alert: Alert, rule: Rule | None, now: datetime) -> AlertChange | None:
    """Returns an open alert, closed because its rule has changed, is switched off, or is gone."""
    if not alert.open:
        return None
    ended = replace(alert, open=False, closed_at=now, look_at=None)
    return AlertChange(ended, MessageKind.RESOLVED if alert.messages and rule and rule.resolve.message else None)


def most_within(counts: Iterable[OccurrenceCount], window: timedelta, newer_than: datetime = _LONG_AGO) -> int:
    """Returns the largest number of occurrences within any time as long as `window` that ends after `newer_than`."""
    inside: list[OccurrenceCount] = []
    total = most = 0
    for entry in sorted(counts, key=lambda count: count.at):
        inside.append(entry)
        total += entry.count
        while entry.at - inside[0].at >= window:
            total -= inside.pop(0).count
        if entry.at > newer_than:
            most = max(most, total)
    return most


def _with_message_if_due(
    alert: Alert, rule: Rule, happened: Happened, now: datetime, silenced_until: datetime | None
) -> AlertChange:
    """Returns the alert with a message if it has new occurrences, no silence applies and the cooldown has passed."""
    is_new = not alert.messages or happened.last > alert.told_through
    if is_new and silenced_until is None and may_be_told(alert, rule, now):
        kind = MessageKind.STILL_FIRING if alert.messages else MessageKind.FIRING
        since = [entry.count for entry in happened.counts if entry.at > alert.told_through]
        alert = replace(
            alert,
            count=sum(since) if alert.messages else max(most_within(happened.counts, rule.window), alert.count),
            sample=happened.newest or alert.sample,
            messages=alert.messages + 1,
            told_at=now,
            told_through=happened.last,
        )
        return AlertChange(_with_next_look(alert, rule, happened, now, None), kind)
    return AlertChange(_with_next_look(alert, rule, happened, now, silenced_until))


def _next_message_from(alert: Alert, rule: Rule) -> datetime:
    return alert.told_at + rule.cooldown if alert.told_at else _LONG_AGO


def _quiet_since(alert: Alert, happened: Happened) -> datetime:
    """Returns since when there was no occurrence.

    Lines may arrive long after their time; an alert stays open for a while in any case.
    """
    return max(happened.last, alert.opened_at or _LONG_AGO)


def _with_next_look(
    alert: Alert, rule: Rule, happened: Happened, now: datetime, silenced_until: datetime | None
) -> Alert:
    ends_at = max(_quiet_since(alert, happened) + rule.resolve.after, now + timedelta(seconds=1))
    # A look then reports all occurrences until then; a later one triggers its own message.
    message_from = max(_next_message_from(alert, rule), silenced_until or _LONG_AGO)
    next_look = min(ends_at, message_from) if message_from > now else ends_at
    return replace(alert, look_at=next_look, silenced_until=silenced_until)


def _closed(alert: Alert, rule: Rule, through: datetime, now: datetime) -> AlertChange:
    closed = replace(alert, open=False, closed_at=now, closed_through=max(through, alert.closed_through), look_at=None)
    return AlertChange(closed, MessageKind.RESOLVED if alert.messages and rule.resolve.message else None)
