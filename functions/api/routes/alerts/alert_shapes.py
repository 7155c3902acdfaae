"""Shapes of requests and answers about alerts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, SecretStr, StringConstraints

from api.endpoint import Body, Model
from api.shapes import JsonObject, ProjectOrAll
from cadence.application.alerts.rehearse import Fired
from cadence.domain.alerts.channel import AlertDelivery, Channel
from cadence.domain.alerts.lifecycle import Alert
from cadence.domain.alerts.occurrence import OccurrenceSample
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import Silence

Label = Literal[
    "rule", "project", "pipeline", "treatment", "run", "pool", "state", "exit_code", "level", "stream", "runner"
]
Kind = Literal["sns", "email", "slack", "teams", "pagerduty", "webhook"]


class RuleBody(Body):
    """`rule` is checked against the schema at `/v1/schemas/alert-rule/1`."""

    rule: JsonObject


class RuleView(Model):
    project: str
    name: str
    rule: JsonObject = Field(description="The rule as it was written.")
    revision: int = Field(description="Grows whenever what the rule looks for changes.")
    open_alerts: int
    updated_at: datetime
    updated_by: str

    @classmethod
    def of(cls, rule: Rule, open_alerts: int) -> "RuleView":
        return cls.model_validate(
            {
                "project": rule.project,
                "name": rule.name,
                "rule": dict(rule.document),
                "revision": rule.revision,
                "open_alerts": open_alerts,
                "updated_at": rule.updated_at,
                "updated_by": rule.updated_by,
            }
        )


class RuleList(Model):
    items: list[RuleView]
    next: str | None = None


class OccurrenceSampleView(Model):
    """One occurrence that matches: a line (with its segment and index), or the end of a treatment or run in words."""

    text: str
    time: str
    run_id: str
    treatment: str | None
    segment: int | None
    index: int | None

    @classmethod
    def of(cls, sample: OccurrenceSample | None) -> "OccurrenceSampleView | None":
        return None if sample is None else cls.model_validate(sample)


class AlertView(Model):
    """One group of a rule whose condition is, or was, met. `number` counts the times."""

    project: str = Field(description="Of the rule; * for a rule of the whole organization.")
    rule: str
    labels: dict[str, str]
    state: Literal["open", "closed"]
    number: int
    opened_at: datetime | None
    closed_at: datetime | None
    count: int
    messages: int = Field(description="How many messages were made, this time, that it is there.")
    silenced_until: datetime | None
    sample: OccurrenceSampleView | None

    @classmethod
    def of(cls, alert: Alert) -> "AlertView":
        return cls(
            project=alert.project,
            rule=alert.rule,
            labels=dict(alert.group.labels),
            state="open" if alert.open else "closed",
            number=alert.number,
            opened_at=alert.opened_at,
            closed_at=alert.closed_at,
            count=alert.count,
            messages=alert.messages,
            silenced_until=alert.silenced_until if alert.open else None,
            sample=OccurrenceSampleView.of(alert.sample),
        )


class AlertList(Model):
    items: list[AlertView]
    next: str | None = None

    def hands_over_content(self) -> bool:
        # Other samples than lines are the ends of treatments in words.
        return any(alert.sample is not None and alert.sample.segment is not None for alert in self.items)


class AlertQuery(Model):
    project: ProjectOrAll | None = None
    state: Literal["open", "closed"] | None = None
    limit: int = Field(200, ge=1, le=1_000)


class ProjectQuery(Model):
    project: ProjectOrAll | None = None


class DryRunBody(Body):
    """`since` is how many seconds of the past are evaluated."""

    project: ProjectOrAll
    rule: JsonObject
    since: int = Field(604_800, ge=60, le=7_776_000)


class FiredView(Model):
    labels: dict[str, str]
    opened_at: datetime
    closed_at: datetime | None
    count: int
    sample: OccurrenceSampleView | None

    @classmethod
    def of(cls, fired: Fired) -> "FiredView":
        times = (fired.opened_at, fired.closed_at)
        return cls(
            labels=dict(fired.labels),
            opened_at=times[0],
            closed_at=times[1],
            count=fired.count,
            sample=OccurrenceSampleView.of(fired.sample),
        )


class DryRunView(Model):
    """When the rule would have fired. If not `complete`, only what happened after `since` was evaluated."""

    fired: int
    alerts: list[FiredView] = Field(description="The newest 200, oldest first.")
    messages: dict[str, int] = Field(description="How many messages of each kind each channel would have got.")
    since: datetime
    until: datetime
    complete: bool
    runs: int
    events: int


class TestView(Model):
    message_id: str
    channels: list[str] = Field(description="The channels that get the message.")


class ChannelBody(Body):
    """`secret` is never shown: the webhook's address for slack and teams, the integration key for pagerduty, the
    password for email, the signing key for webhook (generated if there is none). Without it, the stored one stays.
    """

    kind: Kind
    settings: JsonObject = Field(default_factory=dict)
    secret: Annotated[SecretStr, StringConstraints(min_length=1, max_length=2000)] | None = None


class ChannelView(Model):
    project: str
    name: str
    kind: str
    settings: dict[str, Any]
    state: Literal["new", "ok", "failing"]
    waiting: int = Field(description="Messages that wait to be delivered; 1,000 stands for that many or more.")
    dead_letters: int = Field(description="Messages that the channel refused for good.")
    last_error: str | None
    failing_since: datetime | None
    retry_at: datetime | None
    delivered_at: datetime | None
    topic: str | None = Field(
        description="Of a channel of kind sns: the ARN of its topic, which is made when it is first used."
    )
    updated_at: datetime
    updated_by: str

    @classmethod
    def of(
        cls, channel: Channel, delivery: AlertDelivery, waiting: int, dead_letters: int, topic: str | None
    ) -> "ChannelView":
        return cls(**_channel_values(channel, delivery, waiting, dead_letters, topic))


class ChannelWithSecretView(ChannelView):
    secret: str | None = Field(description="The signing key, if it was made up here. It cannot be read again.")

    @classmethod
    def made(cls, view: ChannelView, secret: str | None) -> "ChannelWithSecretView":
        return cls(**view.model_dump(), secret=secret)


class ChannelList(Model):
    items: list[ChannelView]
    next: str | None = None


class SilenceBody(Body):
    """`where` holds patterns of labels (`rule` is one); all have to match, and none silences everything.

    Times as RFC 3339.
    """

    project: ProjectOrAll
    where: dict[Label, Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(default_factory=dict)
    starts_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    ends_at: Annotated[AwareDatetime, Field(strict=False)]
    comment: str = Field("", max_length=1_000)


class SilenceView(Model):
    id: str
    project: str
    where: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    comment: str
    created_by: str
    created_by_name: str = Field(description="The name of the member that `created_by` is; empty if it is none.")

    @classmethod
    def of(cls, silence: Silence, names: Mapping[str, str]) -> "SilenceView":
        """Describes a silence; `names` are those of members by `member:ID`."""
        return cls(
            id=silence.silence_id,
            project=silence.project,
            where=dict(silence.where),
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            comment=silence.comment,
            created_by=silence.created_by,
            created_by_name=names.get(silence.created_by, ""),
        )


class SilenceList(Model):
    items: list[SilenceView]
    next: str | None = None


def _channel_values(
    channel: Channel, delivery: AlertDelivery, waiting: int, dead_letters: int, topic: str | None
) -> dict[str, Any]:
    return {
        "project": channel.project,
        "name": channel.name,
        "kind": str(channel.kind),
        "settings": dict(channel.settings),
        "state": delivery.state,
        "waiting": waiting,
        "dead_letters": dead_letters,
        "last_error": delivery.last_error,
        "failing_since": delivery.failing_since,
        "retry_at": delivery.retry_at,
        "delivered_at": delivery.delivered_at,
        "topic": topic,
        "updated_at": channel.updated_at,
        "updated_by": channel.updated_by,
    }
