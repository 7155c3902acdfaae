"""Sends alerts to PagerDuty's Events API, version 2: one incident for each time an alert is open."""

from collections.abc import Mapping, Sequence
from typing import Any

from cadence.adapters.alert_channels.http import Poster, encoded
from cadence.domain.alerts.channel import Channel
from cadence.domain.alerts.message import Message, MessageKind

ADDRESS = "https://events.pagerduty.com/v2/enqueue"
_LONGEST_SUMMARY = 1024
_LONGEST_KEY = 255


class PagerDutySender:
    """Sends one event at a time: PagerDuty accepts no batches, and 120 events a minute.

    The alert's id makes repeated ones the same incident.
    """

    most = 1
    per_minute = 60

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        url = channel.settings.get("url", ADDRESS)
        for message in messages:
            self._poster.post(url, encoded(_event(message, secret or "")))


def _event(message: Message, routing_key: str) -> Mapping[str, Any]:
    over = message.kind is MessageKind.RESOLVED
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if over else "trigger",
        "dedup_key": message.alert_id[:_LONGEST_KEY],
    }
    if over:
        return event
    text = f"{message.title}: {message.summary}"
    return event | {
        "payload": {
            "summary": text[:_LONGEST_SUMMARY],
            "source": f"cadence/{message.organization}/{message.project}",
            "severity": str(message.severity),
            "timestamp": message.to_json()["made_at"],
            "component": message.labels.get("treatment") or message.labels.get("pipeline") or message.rule,
            "group": message.project,
            "class": message.rule,
            "custom_details": {
                **message.labels,
                "count": message.count,
                "window_seconds": message.window,
                "description": message.description,
                "command": message.links.get("command", ""),
            },
        },
        "links": [
            {"href": message.links[name], "text": name}
            for name in ("line", "treatment", "run")
            if name in message.links
        ],
    }
