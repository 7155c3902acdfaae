"""Stores alerts in memory, for rehearsals, which must leave no trace."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cadence.application.alerts.ports import AlertStore, ChannelKey, HistoryStore, MeasuredSeries, MeasuredSeriesKey
from cadence.domain.alerts.lifecycle import Alert, Happened, OccurrenceCount
from cadence.domain.alerts.message import Message
from cadence.domain.alerts.occurrence import AlertGroup, Occurrence
from cadence.domain.alerts.rule import Rule
from cadence.domain.shared.errors import Conflict

_Key = tuple[str, str, str, str]


@dataclass
class MemoryAlertStore(AlertStore):
    """Stores alerts in memory; `messages` are all that were committed, in order."""

    occurrences: dict[tuple[_Key, int], dict[tuple[datetime, str], Occurrence]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    alerts: dict[_Key, Alert] = field(default_factory=dict)
    messages: list[tuple[ChannelKey, Message]] = field(default_factory=list)

    def put_occurrences(self, rule: Rule, group: AlertGroup, occurrences: Iterable[Occurrence]) -> None:
        stored = self.occurrences[(*rule.key, group.digest), rule.revision]
        for occurrence in occurrences:
            stored[occurrence.at, occurrence.event_id] = occurrence

    def happened(self, rule: Rule, group: AlertGroup, since: datetime) -> Happened:
        stored = self.occurrences[(*rule.key, group.digest), rule.revision]
        if not stored:
            return Happened(())
        newest = max(stored)
        counts = [
            OccurrenceCount(each.at, each.count)
            for key, each in sorted(stored.items())
            if key[0] >= since or key == newest
        ]
        return Happened(counts, stored[newest].sample)

    def get_alert(self, rule: Rule, group: AlertGroup) -> Alert:
        new = Alert(
            rule=rule.name, project=rule.project, organization=rule.organization, group=group, revision=rule.revision
        )
        return self.alerts.get((*rule.key, group.digest), new)

    def commit(self, alert: Alert, messages: Sequence[tuple[ChannelKey, Message]]) -> None:
        key = (alert.organization, alert.project, alert.rule, alert.group.digest)
        current = self.alerts.get(key)
        if (current.version if current else 0) != alert.version:
            raise Conflict("the alert is no longer as it was read")
        self.alerts[key] = replace(alert, version=alert.version + 1)
        self.messages.extend(messages)

    def list_alerts(self, organization: str, project: str, rule: str) -> Sequence[Alert]:
        of_rule = (organization, project, rule)
        return [alert for key, alert in self.alerts.items() if key[:3] == of_rule and alert.number]

    def delete_alerts(self, organization: str, project: str, rule: str) -> None:
        for key in [key for key in self.alerts if key[:3] == (organization, project, rule)]:
            del self.alerts[key]


@dataclass
class MemoryHistoryStore(HistoryStore):
    """Stores measured series in memory."""

    series: dict[MeasuredSeriesKey, MeasuredSeries] = field(default_factory=dict)

    def get_series(self, key: MeasuredSeriesKey) -> MeasuredSeries:
        return self.series.get(key, MeasuredSeries())

    def put_series(self, key: MeasuredSeriesKey, series: MeasuredSeries) -> None:
        if self.get_series(key).version != series.version:
            raise Conflict("the history is no longer as it was read")
        self.series[key] = replace(series, version=series.version + 1)
