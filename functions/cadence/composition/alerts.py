"""Wiring of the Lambda `alerts`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from cadence.adapters.dynamodb.alert_rules import DynamoChannelStore, DynamoRuleStore, DynamoSilenceStore
from cadence.adapters.dynamodb.alerts import DynamoAlertStore, DynamoHistoryStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.remembered_rules import RememberedRules
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.adapters.sqs_alerts import SqsBells, read_look
from cadence.application.alerting.evaluate import EvaluateEvent
from cadence.application.alerting.replays import Replays
from cadence.application.alerting.unusual import Histories
from cadence.application.alerting.update import UpdateAlert
from cadence.composition import settings


def _now() -> datetime:
    return datetime.now(UTC)


def judge_message() -> Callable[[str], None]:
    """What a message of the queue `alerting` asks for."""
    its = settings.load(settings.AlertsSettings)
    alerts = DynamoAlertStore(its.alerts_table)
    rules = DynamoRuleStore(its.alerts_table)
    bells = SqsBells(its.alerting_queue_url, its.alert_deliveries_queue_url)
    remembered = RememberedRules(rules, DynamoChannelStore(its.alerts_table), DynamoSilenceStore(its.alerts_table))
    update = UpdateAlert(alerts, remembered, remembered, bells, _now)
    histories = Histories(DynamoHistoryStore(its.alerts_table))
    replays = Replays(DynamoRunStore(its.runs_table))
    evaluate = EvaluateEvent(remembered, update, histories, S3LogSegments(its.data_bucket).read, replays.includes)

    def judge(body: str) -> None:
        message = json.loads(body)
        if message["kind"] == "look":
            update.looked_at(rules, *read_look(message))
        else:
            evaluate(message)

    return judge
