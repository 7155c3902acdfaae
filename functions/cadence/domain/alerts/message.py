"""The messages of an alert, before any channel gives them its own form."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cadence.domain.alerts.occurrence import OccurrenceSample
from cadence.domain.alerts.rule import AlertSeverity
from cadence.domain.shared.rfc3339 import milliseconds


class MessageKind(StrEnum):
    """The kind of a message."""

    FIRING = "firing"
    STILL_FIRING = "still_firing"
    RESOLVED = "resolved"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of one alert.

    `message_id` is the same whenever it is sent again, `alert_id` that of all of its alert. `project` is that of the
    rule. Times are UTC; `window` is in seconds.
    """

    message_id: str
    alert_id: str
    kind: MessageKind
    organization: str
    project: str
    rule: str
    severity: AlertSeverity
    labels: Mapping[str, str]
    made_at: datetime
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    count: int = 0
    window: int = 0
    description: str = ""
    sample: OccurrenceSample | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The title: `failing-builds is firing: pipeline=app treatment=build`."""
        about = " ".join(f"{name}={value}" for name, value in self.labels.items() if value)
        state = {
            MessageKind.FIRING: "is firing",
            MessageKind.STILL_FIRING: "is still firing",
            MessageKind.RESOLVED: "is over",
            MessageKind.TEST: "is tested",
        }[self.kind]
        return f"{self.rule} {state}: {about}" if about else f"{self.rule} {state}"

    @property
    def summary(self) -> str:
        """One or two sentences: the number of occurrences, and the newest one."""
        if self.kind is MessageKind.RESOLVED:
            return "There were no more occurrences." if not self.sample else f"It was: {self.sample.text}"
        frequency = f"{self.count} in {_length(self.window)}. " if self.count > 1 else ""
        if self.kind is MessageKind.STILL_FIRING:
            frequency = f"{self.count} more since the last message. "
        return frequency + (self.sample.text if self.sample else "")

    def to_json(self) -> dict[str, Any]:
        """Returns the message with `title` and `summary`; times as RFC 3339.

        The generic webhook sends this form, and it is the stored one.
        """
        values = asdict(self) | {"title": self.title, "summary": self.summary}
        for name in ("made_at", "opened_at", "closed_at"):
            moment = getattr(self, name)
            values[name] = milliseconds(moment) if moment else None
        return values

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "Message":
        """Returns the message that `to_json` wrote."""
        fields = {name: value for name, value in values.items() if name not in ("title", "summary")}
        for name in ("made_at", "opened_at", "closed_at"):
            fields[name] = datetime.fromisoformat(fields[name]) if fields[name] else None
        sample = OccurrenceSample(**fields["sample"]) if fields["sample"] else None
        kinds = {"kind": MessageKind(fields["kind"]), "severity": AlertSeverity(fields["severity"])}
        return cls(**{**fields, **kinds, "sample": sample})


def _length(seconds: int) -> str:
    for size, name in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
