"""Items of the `alerts` table. Keys are in docs/architecture/storage.md."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, ClassVar

from pynamodb.attributes import (
    BinaryAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)

from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.domain.alerts.channel import Channel, ChannelKind
from cadence.domain.alerts.lifecycle import Alert
from cadence.domain.alerts.occurrence import AlertGroup, OccurrenceSample
from cadence.domain.alerts.reading import read_rule
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import Silence


class _Meta:
    table_name: ClassVar[str] = "alerts"


class AlertsTable(StoredItem):
    """What all items of the table share."""

    class Meta(_Meta):
        pass


def organization_key(organization: str) -> str:
    return f"ALERTS#{organization}"


class RuleItem(AlertsTable):
    class Meta(_Meta):
        pass

    PREFIX: ClassVar[str] = "RULE#"

    revision = NumberAttribute()
    document: JSONAttribute = JSONAttribute()
    updated_at = UTCDateTimeAttribute()
    updated_by = UnicodeAttribute()
    address = UnicodeAttribute(null=True)

    @classmethod
    def key(cls, organization: str, project: str, name: str) -> tuple[str, str]:
        return organization_key(organization), f"{cls.PREFIX}{project}#{name}"

    @classmethod
    def of(cls, rule: Rule) -> "RuleItem":
        return cls(
            *cls.key(*rule.key),
            revision=rule.revision,
            document=dict(rule.document),
            updated_at=rule.updated_at,
            updated_by=rule.updated_by,
            address=rule.address or None,
        )

    def rule(self) -> Rule:
        organization = self.pk.partition("#")[2]
        project, _, name = self.sk.removeprefix(self.PREFIX).partition("#")
        return read_rule(
            organization,
            project,
            name,
            self.document,
            revision=int(self.revision),
            updated_at=self.updated_at,
            updated_by=self.updated_by,
            address=self.address or "",
        )


class ChannelItem(AlertsTable):
    class Meta(_Meta):
        pass

    PREFIX: ClassVar[str] = "CHANNEL#"

    kind = UnicodeAttribute()
    settings: JSONAttribute = JSONAttribute()
    updated_at = UTCDateTimeAttribute()
    updated_by = UnicodeAttribute()
    encrypted_secret = BinaryAttribute(null=True, legacy_encoding=False)

    @classmethod
    def key(cls, organization: str, project: str, name: str) -> tuple[str, str]:
        return organization_key(organization), f"{cls.PREFIX}{project}#{name}"

    @classmethod
    def of(cls, channel: Channel, encrypted_secret: bytes | None) -> "ChannelItem":
        return cls(
            *cls.key(*channel.key),
            kind=str(channel.kind),
            settings=dict(channel.settings),
            updated_at=channel.updated_at,
            updated_by=channel.updated_by,
            encrypted_secret=encrypted_secret,
        )

    def channel(self) -> Channel:
        organization = self.pk.partition("#")[2]
        project, _, name = self.sk.removeprefix(self.PREFIX).partition("#")
        return Channel(
            organization=organization,
            project=project,
            name=name,
            kind=ChannelKind(self.kind),
            settings=self.settings,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
        )


class SilenceItem(AlertsTable):
    class Meta(_Meta):
        pass

    PREFIX: ClassVar[str] = "SILENCE#"

    where: JSONAttribute = JSONAttribute()
    starts_at = UTCDateTimeAttribute()
    ends_at = UTCDateTimeAttribute()
    comment = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute()

    @classmethod
    def key(cls, organization: str, project: str, silence_id: str) -> tuple[str, str]:
        return organization_key(organization), f"{cls.PREFIX}{project}#{silence_id}"

    @classmethod
    def of(cls, silence: Silence) -> "SilenceItem":
        return cls(
            *cls.key(silence.organization, silence.project, silence.silence_id),
            where=dict(silence.where),
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            comment=silence.comment or None,
            created_by=silence.created_by,
            expires_at=silence.ends_at,
        )

    def silence(self) -> Silence:
        organization = self.pk.partition("#")[2]
        project, _, silence_id = self.sk.removeprefix(self.PREFIX).partition("#")
        return Silence(
            silence_id=silence_id,
            organization=organization,
            project=project,
            where=self.where,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            comment=self.comment or "",
            created_by=self.created_by,
        )


_MOMENTS = (
    "opened_at",
    "closed_at",
    "told_at",
    "told_through",
    "counts_after",
    "closed_through",
    "look_at",
    "silenced_until",
)


class AlertItem(AlertsTable):
    """One group of a rule.

    Its content is in `values`; `open` and `version` are attributes of their own, for conditions.
    """

    class Meta(_Meta):
        pass

    values: JSONAttribute = JSONAttribute()
    version = NumberAttribute()

    @classmethod
    def partition(cls, organization: str, project: str, rule: str) -> str:
        return f"ALERT#{organization}#{project}#{rule}"

    @classmethod
    def of(cls, alert: Alert, expires_at: datetime | None) -> "AlertItem":
        values: dict[str, Any] = {
            "labels": dict(alert.group.labels),
            "revision": alert.revision,
            "open": alert.open,
            "number": alert.number,
            "count": alert.count,
            "messages": alert.messages,
            "sample": asdict(alert.sample) if alert.sample else None,
        }
        for name in _MOMENTS:
            moment = getattr(alert, name)
            values[name] = moment.isoformat() if moment else None
        return cls(
            cls.partition(alert.organization, alert.project, alert.rule),
            alert.group.digest,
            values=values,
            version=alert.version + 1,
            expires_at=expires_at,
        )

    def alert(self) -> Alert:
        _, organization, project, rule = self.pk.split("#", 3)
        values: Mapping[str, Any] = self.values
        moments: dict[str, Any] = {
            name: datetime.fromisoformat(values[name]) if values[name] else None for name in _MOMENTS
        }
        return Alert(
            rule=rule,
            project=project,
            organization=organization,
            group=AlertGroup(values["labels"]),
            revision=values["revision"],
            open=values["open"],
            number=values["number"],
            count=values["count"],
            messages=values["messages"],
            sample=OccurrenceSample(**values["sample"]) if values["sample"] else None,
            version=int(self.version),
            **moments,
        )


class OccurrenceItem(AlertsTable):
    """How many occurrences one event has within one second."""

    class Meta(_Meta):
        pass

    times = NumberAttribute()
    sample: JSONAttribute = JSONAttribute()

    @classmethod
    def partition(cls, rule: Rule, group: AlertGroup) -> str:
        """Returns the partition. Occurrences found under an earlier form of a rule do not count for the new one."""
        return f"HAPPENED#{rule.organization}#{rule.project}#{rule.name}#{rule.revision}#{group.digest}"

    @classmethod
    def sort_key(cls, at: datetime, event_id: str = "") -> str:
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}#{event_id}"

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.sk.partition("#")[0]).replace(tzinfo=UTC)


class SeriesItem(AlertsTable):
    class Meta(_Meta):
        pass

    values: JSONAttribute = JSONAttribute()  # [run id, time, value]
    version = NumberAttribute()
