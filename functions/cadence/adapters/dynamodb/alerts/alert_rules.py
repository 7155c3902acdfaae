"""Rules, channels and silences in the `alerts` table."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.alerts.alert_items import (
    AlertsTable,
    ChannelItem,
    RuleItem,
    SilenceItem,
    organization_key,
)
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.alerts.ports import ChannelKey, ChannelStore, RuleStore, SilenceStore
from cadence.domain.alerts.channel import Channel
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import Silence
from cadence.domain.shared.errors import Conflict, NotFound

M = TypeVar("M", bound=AlertsTable)


class DynamoRuleStore(RuleStore):
    def __init__(self, table_name: str) -> None:
        for item in (AlertsTable, RuleItem):
            bind(item, table_name)

    def list_rules(self, organization: str) -> Sequence[Rule]:
        return [item.rule() for item in _under(RuleItem, organization, RuleItem.PREFIX)]

    def get_rule(self, organization: str, project: str, name: str) -> Rule:
        key = RuleItem.key(organization, project, name)
        return _get(RuleItem, key, f"There is no alert rule {name!r} in {project!r}.").rule()

    def put_rule(self, rule: Rule, expected: int | None) -> None:
        unchanged = RuleItem.pk.does_not_exist() if expected is None else RuleItem.revision == expected
        with translated(f"alert rule {rule.name}"):
            RuleItem.of(rule).save(unchanged)

    def delete_rule(self, organization: str, project: str, name: str) -> None:
        key = RuleItem.key(organization, project, name)
        _delete(RuleItem, key, f"There is no alert rule {name!r} in {project!r}.")


class DynamoChannelStore(ChannelStore):
    def __init__(self, table_name: str) -> None:
        for item in (AlertsTable, ChannelItem):
            bind(item, table_name)

    def list_channels(self, organization: str) -> Sequence[Channel]:
        return [item.channel() for item in _under(ChannelItem, organization, ChannelItem.PREFIX)]

    def get_channel(self, organization: str, project: str, name: str) -> Channel:
        return self._item((organization, project, name)).channel()

    def channel_secret(self, key: ChannelKey) -> bytes | None:
        return self._item(key).encrypted_secret

    def put_channel(self, channel: Channel, encrypted_secret: bytes | None) -> bool:
        item = ChannelItem.of(channel, encrypted_secret)
        try:
            with translated(f"channel {channel.name}"):
                item.save(ChannelItem.pk.does_not_exist())
        except Conflict:
            with translated(f"channel {channel.name}"):
                item.save()
            return False
        return True

    def delete_channel(self, organization: str, project: str, name: str) -> None:
        key = ChannelItem.key(organization, project, name)
        _delete(ChannelItem, key, f"There is no channel {name!r} in {project!r}.")

    @staticmethod
    def _item(key: ChannelKey) -> ChannelItem:
        return _get(ChannelItem, ChannelItem.key(*key), f"There is no channel {key[2]!r} in {key[1]!r}.")


class DynamoSilenceStore(SilenceStore):
    def __init__(self, table_name: str) -> None:
        for item in (AlertsTable, SilenceItem):
            bind(item, table_name)

    def list_silences(self, organization: str) -> Sequence[Silence]:
        return [item.silence() for item in _under(SilenceItem, organization, SilenceItem.PREFIX)]

    def add_silence(self, silence: Silence) -> None:
        with translated("silence"):
            SilenceItem.of(silence).save(SilenceItem.pk.does_not_exist())

    def delete_silence(self, organization: str, project: str, silence_id: str) -> None:
        key = SilenceItem.key(organization, project, silence_id)
        _delete(SilenceItem, key, f"There is no silence {silence_id!r} in {project!r}.")


def _get(model: type[M], key: tuple[str, str], missing: str) -> M:
    try:
        with translated(key[1]):
            return model.get(*key, consistent_read=True)
    except DoesNotExist:
        raise NotFound(missing) from None


def _under(model: type[M], organization: str, prefix: str) -> Iterator[M]:
    with translated(prefix):
        yield from model.query(organization_key(organization), model.sk.startswith(prefix), consistent_read=True)


def _delete(model: type[M], key: tuple[str, str], missing: str) -> None:
    try:
        with translated(key[1]):
            model(*key).delete(AlertsTable.pk.exists())
    except Conflict:
        raise NotFound(missing) from None
