"""Wiring of schedules."""

from cadence.adapters.aws.eventbridge_schedules import EventBridgeSchedules
from cadence.application.pipelines.ports import Schedules
from cadence.composition.shared.settings import ApiSettings, DeleteProjectsSettings, DeliveriesSettings


def schedules(config: ApiSettings | DeleteProjectsSettings | DeliveriesSettings) -> Schedules:
    return EventBridgeSchedules(
        config.schedules_group,
        config.schedules_role_arn,
        config.deliveries_queue_arn,
        config.failed_deliveries_queue_arn,
    )
