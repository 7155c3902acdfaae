"""`EventMapping`: maps the queue of events to the Lambda `alerts` while any organization has an alert rule.

Lambda's polls of a queue cost 0.26 USD a month while nothing happens, so an installation without rules has none. The
mapping is no part of the stack: the next deployment would remove it again. The organizations that need it are noted in
the table `alerts`.
"""

from typing import Any, ClassVar

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.alerts.alert_items import AlertsTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.alerts.ports import EventMapping
from cadence.domain.shared.errors import Transient

_LARGEST_BATCH = 10
_ENDING = "Deleting"


class ListenerItem(AlertsTable):
    """An organization whose events are judged."""

    class Meta:
        table_name: ClassVar[str] = "alerts"

    PARTITION: ClassVar[str] = "LISTENERS"


class AlertEventMapping(EventMapping):
    def __init__(self, table_name: str, queue_arn: str, function: str) -> None:
        bind(ListenerItem, table_name)
        self._queue_arn, self._function = queue_arn, function

    def begin(self, organization: str) -> None:
        # Noted first: a process that removes the mapping looks at the notes afterwards.
        with translated("listeners"):
            ListenerItem(ListenerItem.PARTITION, organization).save()
        self._begin()

    def end(self, organization: str) -> None:
        with translated("listeners"):
            ListenerItem(ListenerItem.PARTITION, organization).delete()
        if self._is_needed():
            return
        for mapping in self._mappings():
            if mapping.get("State") != _ENDING:
                client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
        if self._is_needed():
            self._begin()

    def _begin(self) -> None:
        mappings = self._mappings()
        if any(mapping.get("State") != _ENDING for mapping in mappings):
            return
        ending = Transient("Alerting is being switched off; it can be switched on again in a minute.", retry_after=30.0)
        if mappings:
            raise ending
        lambdas = client("lambda")
        try:
            lambdas.create_event_source_mapping(
                EventSourceArn=self._queue_arn,
                FunctionName=self._function,
                BatchSize=_LARGEST_BATCH,
                FunctionResponseTypes=["ReportBatchItemFailures"],
            )
        except lambdas.exceptions.ResourceConflictException:
            return  # another process was faster

    def _mappings(self) -> list[dict[str, Any]]:
        mappings: list[dict[str, Any]] = client("lambda").list_event_source_mappings(
            EventSourceArn=self._queue_arn, FunctionName=self._function
        )["EventSourceMappings"]
        return mappings

    @staticmethod
    def _is_needed() -> bool:
        with translated("listeners"):
            return bool(list(ListenerItem.query(ListenerItem.PARTITION, limit=1, consistent_read=True)))
