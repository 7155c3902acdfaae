"""`AlertStore` and `HistoryStore` on the `alerts` table."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.alerts.alert_items import AlertItem, AlertsTable, OccurrenceItem, SeriesItem
from cadence.adapters.dynamodb.alerts.alert_outbox import WaitingItem
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.alerts.ports import (
    AlertStore,
    ChannelKey,
    HistoryStore,
    MeasuredSeries,
    MeasuredSeriesKey,
    MeasuredValue,
)
from cadence.domain.alerts.lifecycle import Alert, Happened, OccurrenceCount
from cadence.domain.alerts.message import Message
from cadence.domain.alerts.occurrence import AlertGroup, Occurrence, OccurrenceSample
from cadence.domain.alerts.rule import Rule

# Longer than any window and the end of an alert.
_KEPT_LONGER = timedelta(days=2)
_CLOSED_KEPT = timedelta(days=90)
_HISTORY_KEPT = timedelta(days=180)
_MOST_READ = 6_000


class DynamoAlertStore(AlertStore):
    def __init__(self, table_name: str) -> None:
        for item in (AlertsTable, AlertItem, OccurrenceItem, WaitingItem):
            bind(item, table_name)
        self._connection = transaction_connection()

    def put_occurrences(self, rule: Rule, group: AlertGroup, occurrences: Iterable[Occurrence]) -> None:
        partition = OccurrenceItem.partition(rule, group)
        kept_for = rule.window + rule.resolve.after + _KEPT_LONGER
        with translated(f"what happened for {rule.name}"), OccurrenceItem.batch_write() as batch:
            for occurrence in occurrences:
                batch.save(
                    OccurrenceItem(
                        partition,
                        OccurrenceItem.sort_key(occurrence.at, occurrence.event_id),
                        times=occurrence.count,
                        sample=asdict(occurrence.sample),
                        expires_at=max(occurrence.at, datetime.now(UTC)) + kept_for,
                    )
                )

    def happened(self, rule: Rule, group: AlertGroup, since: datetime) -> Happened:
        partition = OccurrenceItem.partition(rule, group)
        with translated(f"what happened for {rule.name}"):
            recent = OccurrenceItem.query(
                partition,
                OccurrenceItem.sk >= OccurrenceItem.sort_key(since),
                scan_index_forward=False,
                limit=_MOST_READ,
                consistent_read=True,
            )
            items = list(recent) or list(
                OccurrenceItem.query(partition, scan_index_forward=False, limit=1, consistent_read=True)
            )
        counts = [OccurrenceCount(item.at, int(item.times)) for item in reversed(items)]
        return Happened(counts, OccurrenceSample(**items[0].sample) if items else None)

    def get_alert(self, rule: Rule, group: AlertGroup) -> Alert:
        try:
            with translated(f"alert of {rule.name}"):
                return AlertItem.get(AlertItem.partition(*rule.key), group.digest, consistent_read=True).alert()
        except DoesNotExist:
            return Alert(
                rule=rule.name,
                project=rule.project,
                organization=rule.organization,
                group=group,
                revision=rule.revision,
            )

    def commit(self, alert: Alert, messages: Sequence[tuple[ChannelKey, Message]]) -> None:
        expires = None if alert.open else datetime.now(UTC) + _CLOSED_KEPT
        as_read = AlertItem.version == alert.version if alert.version else AlertItem.pk.does_not_exist()
        with (
            translated(f"alert of {alert.rule}"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            transaction.save(AlertItem.of(alert, expires), condition=as_read)
            for key, message in messages:
                transaction.save(WaitingItem.of(key, message))

    def list_alerts(self, organization: str, project: str, rule: str) -> Sequence[Alert]:
        with translated(f"alerts of {rule}"):
            items = AlertItem.query(AlertItem.partition(organization, project, rule), consistent_read=True)
            return [alert for alert in (item.alert() for item in items) if alert.number]

    def delete_alerts(self, organization: str, project: str, rule: str) -> None:
        with translated(f"alerts of {rule}"), AlertItem.batch_write() as batch:
            for item in AlertItem.query(AlertItem.partition(organization, project, rule), consistent_read=True):
                batch.delete(item)


class DynamoHistoryStore(HistoryStore):
    def __init__(self, table_name: str) -> None:
        for item in (AlertsTable, SeriesItem):
            bind(item, table_name)

    def get_series(self, key: MeasuredSeriesKey) -> MeasuredSeries:
        try:
            with translated(f"history of {key.of}"):
                item = SeriesItem.get(*_series_key(key), consistent_read=True)
        except DoesNotExist:
            return MeasuredSeries()
        values = tuple(MeasuredValue(run_id, datetime.fromisoformat(at), value) for run_id, at, value in item.values)
        return MeasuredSeries(values, int(item.version))

    def put_series(self, key: MeasuredSeriesKey, series: MeasuredSeries) -> None:
        as_read = SeriesItem.version == series.version if series.version else SeriesItem.pk.does_not_exist()
        item = SeriesItem(
            *_series_key(key),
            values=[[each.run_id, each.at.isoformat(), each.value] for each in series.values],
            version=series.version + 1,
            expires_at=datetime.now(UTC) + _HISTORY_KEPT,
        )
        with translated(f"history of {key.of}"):
            item.save(as_read)


def _series_key(key: MeasuredSeriesKey) -> tuple[str, str]:
    return f"HISTORY#{key.organization}#{key.project}#{key.pipeline}#{key.treatment}", key.of
