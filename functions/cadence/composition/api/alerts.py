"""Wiring of alert rules, channels and silences, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.aws.alert_notifier import SqsAlertNotifier
from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore
from cadence.adapters.dynamodb.alerts.alert_listening import AlertEventMapping
from cadence.adapters.dynamodb.alerts.alert_outbox import DynamoOutbox
from cadence.adapters.dynamodb.alerts.alert_rules import DynamoChannelStore, DynamoRuleStore, DynamoSilenceStore
from cadence.adapters.dynamodb.alerts.alert_store import DynamoAlertStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.application.alerts.manage import ManageChannels, ManageRules, ManageSilences
from cadence.application.alerts.past import TryOnPast
from cadence.application.alerts.queries import check_query
from cadence.application.search.ports import SearchIndex
from cadence.application.shared.runner_ports import HostStore
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """What the API's routes use."""

    rules: DynamoRuleStore
    channels: DynamoChannelStore
    silences: DynamoSilenceStore
    alerts: DynamoAlertStore
    outbox: DynamoOutbox
    manage_rules: ManageRules
    manage_channels: ManageChannels
    manage_silences: ManageSilences
    try_on_past: TryOnPast
    topic_prefix: str


def alerting(config: settings.ApiSettings, runs: DynamoRunStore, runners: HostStore, index: SearchIndex) -> Alerting:
    table = config.alerts_table
    rules, channels, silences = DynamoRuleStore(table), DynamoChannelStore(table), DynamoSilenceStore(table)
    alerts, outbox = DynamoAlertStore(table), DynamoOutbox(table)
    notifier = SqsAlertNotifier(config.alerting_queue_url, config.alert_deliveries_function)
    listening = AlertEventMapping(config.alerts_table, config.alerting_queue_arn, config.alerts_function)
    subscriptions = DynamoSubscriptionStore(config.access_table)
    return Alerting(
        rules=rules,
        channels=channels,
        silences=silences,
        alerts=alerts,
        outbox=outbox,
        manage_rules=ManageRules(
            rules=rules,
            channels=channels,
            alerts=alerts,
            outbox=outbox,
            notifier=notifier,
            subscriptions=subscriptions,
            listening=listening,
            check_query=check_query,
            clock=now,
        ),
        manage_channels=ManageChannels(
            channels=channels,
            rules=rules,
            outbox=outbox,
            notifier=notifier,
            listening=listening,
            cipher=KmsCipher(config.secrets_key),
            clock=now,
        ),
        manage_silences=ManageSilences(silences, now),
        try_on_past=TryOnPast(runs=runs, treatments=runs, runners=runners, search=index, clock=now),
        topic_prefix=config.alert_topic_prefix,
    )
