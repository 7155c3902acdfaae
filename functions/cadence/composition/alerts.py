"""Wiring of the Lambda `alerts`."""

import json
from collections.abc import Callable
from datetime import timedelta

from cadence.adapters.aws.alert_notifier import SqsAlertNotifier, read_delivery, read_look
from cadence.adapters.caching.ttl_cached_rules import CachedRules
from cadence.adapters.dynamodb.alerts.alert_rules import DynamoChannelStore, DynamoRuleStore, DynamoSilenceStore
from cadence.adapters.dynamodb.alerts.alert_store import DynamoAlertStore, DynamoHistoryStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.alerts.evaluate import EvaluateEvent
from cadence.application.alerts.replays import ReplayFilter
from cadence.application.alerts.unusual import Histories
from cadence.application.alerts.update import UpdateAlert
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def judge_message() -> Callable[[str], None]:
    """Returns a function that handles the body of a message of the queue `alerting`."""
    config = settings.load(settings.AlertsSettings)
    alerts = DynamoAlertStore(config.alerts_table)
    rules = DynamoRuleStore(config.alerts_table)
    notifier = SqsAlertNotifier(config.alerting_queue_url, config.alert_deliveries_function)
    cached = CachedRules(rules, DynamoChannelStore(config.alerts_table), DynamoSilenceStore(config.alerts_table))
    update = UpdateAlert(alerts=alerts, channels=cached, silences=cached, notifier=notifier, clock=now)
    histories = Histories(DynamoHistoryStore(config.alerts_table))
    replays = ReplayFilter(DynamoRunStore(config.runs_table))
    evaluate = EvaluateEvent(
        rules=cached,
        update=update,
        histories=histories,
        read_segment=S3LogSegments(config.data_bucket).read,
        is_replay=replays.includes,
    )

    def judge(body: str) -> None:
        message = json.loads(body)
        match message["kind"]:
            case "look":
                update.looked_at(rules, *read_look(message))
            case "deliver":
                key, retry_at = read_delivery(message)
                notifier.deliver(key, timedelta(), retry_at)
            case _:
                evaluate.evaluate(message)

    return judge
