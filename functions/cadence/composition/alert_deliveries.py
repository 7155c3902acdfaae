"""Wiring of the Lambda `alert_deliveries`."""

from collections.abc import Callable, Mapping
from typing import Any

from cadence.adapters.alert_channels.chat import SlackSender, TeamsSender
from cadence.adapters.alert_channels.email import EmailSender
from cadence.adapters.alert_channels.http import Poster
from cadence.adapters.alert_channels.pagerduty import PagerDutySender
from cadence.adapters.alert_channels.sns import SnsSender
from cadence.adapters.alert_channels.webhook import WebhookSender
from cadence.adapters.aws.alert_notifier import SqsAlertNotifier, read_delivery
from cadence.adapters.dynamodb.alerts.alert_outbox import DynamoOutbox
from cadence.adapters.dynamodb.alerts.alert_rules import DynamoChannelStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.kms.cipher import KmsCipher
from cadence.application.alerts.deliver import Deliver, DeliveryFault
from cadence.application.alerts.ports import Sender
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.domain.alerts.channel import ChannelKind


def deliver_messages(report: DeliveryFault) -> Callable[[Mapping[str, Any]], int]:
    """Returns a function that delivers the messages that wait for a channel, and returns how many there were."""
    config = settings.load(settings.AlertDeliveriesSettings)
    reach = EgressPolicy.of(config.outbound_hosts, "outbound hosts")
    poster = Poster(reach)
    senders: dict[ChannelKind, Sender] = {
        ChannelKind.SNS: SnsSender(config.alert_topic_prefix),
        ChannelKind.EMAIL: EmailSender(reach),
        ChannelKind.SLACK: SlackSender(poster),
        ChannelKind.TEAMS: TeamsSender(poster),
        ChannelKind.PAGERDUTY: PagerDutySender(poster),
        ChannelKind.WEBHOOK: WebhookSender(poster, now),
    }
    deliver = Deliver(
        channels=DynamoChannelStore(config.alerts_table),
        outbox=DynamoOutbox(config.alerts_table),
        senders=senders,
        cipher=KmsCipher(config.secrets_key),
        notifier=SqsAlertNotifier(config.alerting_queue_url, config.alert_deliveries_function),
        clock=now,
        report=report,
    )
    return lambda event: deliver.deliver(*read_delivery(event))
