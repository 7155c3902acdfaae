"""`Connections` on the `logs` table: each under its organization, and by its id."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.policy_json import right_json, right_of
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.logs_table import LogsTable, live_partition
from cadence.application.search.live_ports import LiveConnection, LiveConnections, LivePosition
from cadence.domain.access.access import Principal
from cadence.domain.shared.errors import NotFound


class ConnectionItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "CONNECTION#"

    token_id = UnicodeAttribute()
    name = UnicodeAttribute()
    token_project = UnicodeAttribute()
    permissions = JSONAttribute()
    subject = UnicodeAttribute(null=True)
    rights: JSONAttribute = JSONAttribute(null=True)
    asked = UnicodeAttribute(null=True)
    query_text = UnicodeAttribute()
    project = UnicodeAttribute(null=True)
    looked = UnicodeAttribute()
    told = UnicodeAttribute()

    def connection(self) -> LiveConnection:
        organization = self.pk.removeprefix(live_partition(""))
        return LiveConnection(
            connection_id=self.sk.removeprefix(self.PREFIX),
            principal=Principal(
                token_id=self.token_id,
                name=self.name,
                organization=organization,
                project=self.token_project,
                permissions=frozenset(self.permissions),
                subject=self.subject,
                rights=None if self.rights is None else tuple(map(right_of, self.rights)),
                asked=self.asked,
            ),
            query=self.query_text,
            project=self.project,
            looked=LivePosition.of(self.looked),
            told=LivePosition.of(self.told),
            alive_until=self.expires_at,
        )


class OwnerItem(LogsTable):
    """The organization of a connection: when a connection closes, only its id is known."""

    class Meta:
        table_name: ClassVar[str] = "logs"

    SK: ClassVar[str] = "CONNECTION"

    organization = UnicodeAttribute()


class ClientItem(LogsTable):
    """Any client of an organization: one that follows a query, or that watches a run or the list of runs."""

    class Meta:
        table_name: ClassVar[str] = "logs"


class DynamoConnections(LiveConnections):
    def __init__(self, table_name: str) -> None:
        for model in (ConnectionItem, OwnerItem, ClientItem):
            bind(model, table_name)

    def save(self, connection: LiveConnection) -> None:
        principal = connection.principal
        with translated("connection"):
            OwnerItem(
                _own_key(connection.connection_id),
                OwnerItem.SK,
                expires_at=connection.alive_until,
                organization=principal.organization,
            ).save()
            ConnectionItem(
                *_key(principal.organization, connection.connection_id),
                expires_at=connection.alive_until,
                token_id=principal.token_id,
                name=principal.name,
                token_project=principal.project,
                permissions=sorted(principal.permissions),
                subject=principal.subject,
                rights=None if principal.rights is None else [right_json(right) for right in principal.rights],
                asked=principal.asked,
                query_text=connection.query,
                project=connection.project,
                looked=str(connection.looked),
                told=str(connection.told),
            ).save()

    def get(self, connection_id: str) -> LiveConnection:
        missing = NotFound("This connection follows nothing. Send a subscribe first.")
        organization = self._organization(connection_id)
        if organization is None:
            raise missing
        try:
            with translated("connection"):
                return ConnectionItem.get(*_key(organization, connection_id), consistent_read=True).connection()
        except DoesNotExist:
            raise missing from None

    def advance(self, seen: LiveConnection, looked: LivePosition, told: LivePosition) -> LiveConnection:
        item = ConnectionItem(*_key(seen.principal.organization, seen.connection_id))
        with translated("connection"):
            item.update(
                actions=[ConnectionItem.looked.set(str(looked)), ConnectionItem.told.set(str(told))],
                condition=(ConnectionItem.looked == str(seen.looked)) & (ConnectionItem.told == str(seen.told)),
            )
        return replace(seen, looked=looked, told=told)

    def remove(self, connection_id: str) -> None:
        organization = self._organization(connection_id)
        with translated("connection"):
            if organization is not None:
                ConnectionItem(*_key(organization, connection_id)).delete()
            OwnerItem(_own_key(connection_id), OwnerItem.SK).delete()

    def of_organization(self, organization: str, now: datetime) -> Sequence[LiveConnection]:
        with translated(f"connections of {organization}"):
            items = ConnectionItem.query(
                live_partition(organization), ConnectionItem.sk.startswith(ConnectionItem.PREFIX), consistent_read=True
            )
            connections = [item.connection() for item in items]
        # Items are removed some time after they have expired.
        return [connection for connection in connections if connection.alive_until > now]

    def are_there(self, organization: str, now: datetime) -> bool:
        with translated(f"clients of {organization}"):
            items = ClientItem.query(live_partition(organization), consistent_read=True)
            return any(item.expires_at > now for item in items)

    def _organization(self, connection_id: str) -> str | None:
        try:
            with translated("connection"):
                return OwnerItem.get(_own_key(connection_id), OwnerItem.SK, consistent_read=True).organization
        except DoesNotExist:
            return None


def _key(organization: str, connection_id: str) -> tuple[str, str]:
    return live_partition(organization), f"{ConnectionItem.PREFIX}{connection_id}"


def _own_key(connection_id: str) -> str:
    return f"CONNECTION#{connection_id}"
