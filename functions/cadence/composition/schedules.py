"""Wiring of schedules."""

from cadence.adapters.aws.eventbridge_schedules import EventBridgeSchedules
from cadence.application.pipelines.ports import Schedules
from cadence.composition.settings import ApiSettings, DeliveriesSettings


def schedules(its: ApiSettings | DeliveriesSettings) -> Schedules:
    return EventBridgeSchedules(
        its.schedules_group, its.schedules_role_arn, its.deliveries_queue_arn, its.failed_deliveries_queue_arn
    )
