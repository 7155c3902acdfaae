"""Sends alerts to Slack (and to what accepts its webhooks: Mattermost, Rocket.Chat, Discord's `/slack`) and Microsoft
Teams.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cadence.adapters.alert_channels.http import Poster, encoded
from cadence.domain.alerts.channel import Channel
from cadence.domain.alerts.message import Message, MessageKind
from cadence.domain.alerts.rule import AlertSeverity

_LINKS = (("line", "Log line"), ("treatment", "Treatment"), ("run", "Run"))
_COLOURS = {
    AlertSeverity.INFO: "#2f80ed",
    AlertSeverity.WARNING: "#e2a03f",
    AlertSeverity.ERROR: "#d0342c",
    AlertSeverity.CRITICAL: "#8b0000",
}
_OVER = "#2e8b57"
_TEAMS_COLOURS = {
    AlertSeverity.INFO: "Accent",
    AlertSeverity.WARNING: "Warning",
    AlertSeverity.ERROR: "Attention",
    AlertSeverity.CRITICAL: "Attention",
}


class SlackSender:
    """Sends attachments, not blocks: only attachments are understood by all receivers of Slack's webhooks."""

    most = 20
    per_minute = 10

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        body: dict[str, Any] = {"attachments": [_attachment(message) for message in messages]}
        if len(messages) > 1:
            body["text"] = _slack(f"{len(messages)} messages about alerts")
        self._poster.post(secret or "", encoded(body))


class TeamsSender:
    """Sends an adaptive card, as workflows (`When a Teams webhook request is received`) accept it.

    Teams accepts 28 KB.
    """

    most = 10
    per_minute = 10

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "msteams": {"width": "Full"},
            "body": [_section(message) for message in messages],
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        self._poster.post(secret or "", encoded({"type": "message", "attachments": [attachment]}))


def _attachment(message: Message) -> Mapping[str, Any]:
    links = " · ".join(f"<{message.links[name]}|{title}>" for name, title in _LINKS if name in message.links)
    lines = [f"```{_slack(message.summary)}```" if message.sample else _slack(message.summary)]
    lines += [_slack(message.description)] if message.description else []
    lines += [links] if links else []
    lines += [f"`{_slack(message.links['command'])}`"] if "command" in message.links else []
    return {
        "color": _OVER if message.kind is MessageKind.RESOLVED else _COLOURS[message.severity],
        "fallback": f"{message.title}: {message.summary}",
        "title": _slack(message.title),
        "title_link": message.links.get("treatment") or message.links.get("run") or "",
        "text": "\n".join(lines),
        "mrkdwn_in": ["text"],
        "footer": f"{message.severity} · {_slack(message.project)}",
        "ts": int(message.made_at.timestamp()),
    }


def _slack(text: str) -> str:
    """Escapes the three characters that mean something to Slack; a run of backticks would end the block around it."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("```", "'''")):
        text = text.replace(character, entity)
    return text


def _section(message: Message) -> Mapping[str, Any]:
    over = message.kind is MessageKind.RESOLVED
    texts: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": _markdown(message.title),
            "weight": "Bolder",
            "wrap": True,
            "color": "Good" if over else _TEAMS_COLOURS[message.severity],
        },
        {"type": "TextBlock", "text": _markdown(message.summary), "wrap": True, "fontType": "Monospace"},
    ]
    if message.description:
        texts.append({"type": "TextBlock", "text": _markdown(message.description), "wrap": True})
    if "command" in message.links:
        texts.append({"type": "TextBlock", "text": message.links["command"], "isSubtle": True, "wrap": True})
    actions = [
        {"type": "Action.OpenUrl", "title": title, "url": message.links[name]}
        for name, title in _LINKS
        if name in message.links
    ]
    buttons = [{"type": "ActionSet", "actions": actions}] if actions else []
    return {"type": "Container", "separator": True, "items": [*texts, *buttons]}


def _markdown(text: str) -> str:
    """Escapes links and emphasis in a log line, so that they are shown as they were written."""
    for character in "\\[]*_`":
        text = text.replace(character, "\\" + character)
    return text
