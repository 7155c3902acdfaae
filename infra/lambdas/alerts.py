"""Lambdas that judge events by alert rules, and deliver alerts to channels."""

from cadence.composition.shared.settings import AlertDeliveriesSettings, AlertsSettings
from infra.row import DECRYPTS, AsynchronousCalls, LambdaRow
from infra.row.packages import BASE
from infra.row.permissions import gets, invokes, items, may, sends
from infra.row.queues import ALERTING
from infra.row.triggers import InvokedBy, QueueMessages

ROWS = (
    LambdaRow(
        folder="alerts",
        room="alerts",
        purpose="Judges events by alert rules, opens and closes alerts, and checks them again when time has passed.",
        triggers=(QueueMessages(queue=ALERTING, mapped_at_runtime=True),),
        settings=AlertsSettings,
        packages=(*BASE, "jsonschema-rs"),
        permissions=(
            # Whether a run is a replay.
            items("runs", "GetItem"),
            items("alerts", "GetItem", "Query", "PutItem", "BatchWriteItem"),
            *gets("runs/*"),
            # When an alert is to be checked again.
            sends("alerting"),
            invokes("alert_deliveries"),
        ),
    ),
    LambdaRow(
        folder="alert_deliveries",
        room="alerts",
        purpose="Delivers the messages that wait for a channel.",
        triggers=(InvokedBy(("alerts", "api", "alert_deliveries")),),
        asynchronous=AsynchronousCalls(retries=2, longest_minutes=360, keeps_failed=True),
        settings=AlertDeliveriesSettings,
        packages=BASE,
        memory=256,
        # The credentials of channels.
        secrets_key=DECRYPTS,
        permissions=(
            items("alerts", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
            # A channel's topic is created when it is first used.
            may("sns", ("CreateTopic", "Publish"), lambda names: names.topic("alerts-*")),
            sends("alerting"),
            invokes("alert_deliveries"),
        ),
    ),
)
