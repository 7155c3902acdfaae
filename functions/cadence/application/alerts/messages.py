"""Makes messages, with links to the run, the treatment and the line that they report."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlencode

from cadence.domain.alerts.lifecycle import Alert
from cadence.domain.alerts.message import Message, MessageKind
from cadence.domain.alerts.occurrence import OccurrenceSample
from cadence.domain.alerts.rule import Rule
from cadence.domain.shared.rfc3339 import milliseconds


def message_of(alert: Alert, rule: Rule, kind: MessageKind, now: datetime) -> Message:
    """Returns the message about an alert's change; the same change gives the same message id."""
    alert_id = f"{alert.organization}.{alert.project}.{alert.alert_id}.{alert.number}"
    return Message(
        message_id=f"{alert_id}.{kind}.{alert.messages}",
        alert_id=alert_id,
        kind=kind,
        organization=alert.organization,
        project=alert.project,
        rule=rule.name,
        severity=rule.severity,
        labels=alert.group.labels,
        made_at=now,
        opened_at=alert.opened_at,
        closed_at=alert.closed_at,
        count=alert.count,
        window=int(rule.window.total_seconds()),
        description=rule.description,
        sample=alert.sample,
        links=links(rule.address, alert.sample),
    )


def test_message(rule: Rule, message_id: str, now: datetime) -> Message:
    """Returns a message that tests a rule's channels."""
    text = f"This is a test of the rule {rule.name}; nothing has happened."
    return Message(
        message_id=message_id,
        alert_id=message_id,
        kind=MessageKind.TEST,
        organization=rule.organization,
        project=rule.project,
        rule=rule.name,
        severity=rule.severity,
        labels={},
        made_at=now,
        description=rule.description,
        sample=OccurrenceSample(text=text, time=milliseconds(now), run_id=""),
    )


def links(address: str, sample: OccurrenceSample | None) -> Mapping[str, str]:
    """Returns the API's URLs of the run, the treatment and the line; `command` shows the same on a terminal."""
    if sample is None or not sample.run_id:
        return {}
    run = f"{address}/v1/runs/{quote(sample.run_id)}"
    urls = {"run": run}
    command = f"cadence show {sample.run_id}"
    if sample.treatment:
        urls["treatment"] = f"{run}/treatments/{quote(sample.treatment)}"
        command += f" {sample.treatment}"
    if sample.segment is not None and sample.index is not None:
        urls["line"] = f"{run}/logs?{urlencode({'after': f'{sample.segment}:{sample.index}', 'limit': 1})}"
    return {**urls, "command": command}
