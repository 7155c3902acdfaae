"""`RunWatches` and `LiveTickets` on the `logs` table."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.logs_table import LogsTable, live_partition
from cadence.adapters.dynamodb.shared.single_use import take_item
from cadence.application.runs.watch_ports import LiveTicket, LiveTickets, RunWatch, RunWatches
from cadence.domain.shared.errors import Conflict


class WatchItem(LogsTable):
    """What a connection watches, under the connection."""

    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "WATCH#"

    token_id = UnicodeAttribute()
    organization = UnicodeAttribute()
    ends_at = UTCDateTimeAttribute()

    def watch(self) -> RunWatch:
        return RunWatch(
            connection_id=self.pk.removeprefix(_CONNECTION),
            subject=self.sk.removeprefix(self.PREFIX),
            token_id=self.token_id,
            organization=self.organization,
            alive_until=self.expires_at,
            ends_at=self.ends_at,
        )


class WatcherItem(LogsTable):
    """A connection that watches a subject, under the subject."""

    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "CONNECTION#"


class WatchingItem(LogsTable):
    """Says that anyone of an organization, or of any, watches anything."""

    class Meta:
        table_name: ClassVar[str] = "logs"

    SK: ClassVar[str] = "WATCHING"


class DeltaNumberItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    SK: ClassVar[str] = "NUMBER"

    number = NumberAttribute()


class TicketItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "TICKET#"
    SK: ClassVar[str] = "TICKET"

    token_id = UnicodeAttribute()
    organization = UnicodeAttribute()


_CONNECTION = "CONNECTION#"
_WATCHED = "WATCHED#"
_ANY = "*"  # no organization is called so


class DynamoRunWatches(RunWatches):
    def __init__(self, table_name: str) -> None:
        for model in (WatchItem, WatcherItem, WatchingItem, DeltaNumberItem):
            bind(model, table_name)

    def save(self, watch: RunWatch) -> None:
        with translated(f"watch of {watch.subject}"):
            # First under the connection, which removes them all when it closes.
            WatchItem(
                _CONNECTION + watch.connection_id,
                WatchItem.PREFIX + watch.subject,
                expires_at=watch.alive_until,
                token_id=watch.token_id,
                organization=watch.organization,
                ends_at=watch.ends_at,
            ).save()
            _watcher(watch.connection_id, watch.subject, watch.alive_until).save()
            for organization in (watch.organization, _ANY):
                _note_watching(organization, watch.alive_until)

    def of_connection(self, connection_id: str) -> Sequence[RunWatch]:
        with translated("watches of a connection"):
            found = WatchItem.query(
                _CONNECTION + connection_id, WatchItem.sk.startswith(WatchItem.PREFIX), consistent_read=True
            )
            return [item.watch() for item in found]

    def watchers(self, subject: str, now: datetime) -> Sequence[str]:
        with translated(f"watches of {subject}"):
            found = WatcherItem.query(
                _WATCHED + subject, WatcherItem.sk.startswith(WatcherItem.PREFIX), consistent_read=True
            )
            # Items are removed some time after they have expired.
            return [item.sk.removeprefix(WatcherItem.PREFIX) for item in found if item.expires_at > now]

    def are_watching(self, organization: str | None, now: datetime) -> bool:
        try:
            with translated(f"watches of {organization or 'any organization'}"):
                item = WatchingItem.get(live_partition(organization or _ANY), WatchingItem.SK, consistent_read=True)
        except DoesNotExist:
            return False
        return bool(item.expires_at > now)

    def remove(self, connection_id: str, subject: str) -> None:
        with translated(f"watch of {subject}"):
            _watcher(connection_id, subject).delete()
            WatchItem(_CONNECTION + connection_id, WatchItem.PREFIX + subject).delete()

    def last_number(self, run_id: str, until: datetime) -> int:
        return self._add(run_id, 0, until)

    def next_number(self, run_id: str, until: datetime) -> int:
        return self._add(run_id, 1, until)

    def _add(self, run_id: str, count: int, until: datetime) -> int:
        item = DeltaNumberItem(_WATCHED + run_id, DeltaNumberItem.SK)
        with translated(f"number of deltas of run {run_id}"):
            item.update(actions=[DeltaNumberItem.number.add(count), DeltaNumberItem.expires_at.set(until)])
        return int(item.number)


class DynamoLiveTickets(LiveTickets):
    def __init__(self, table_name: str) -> None:
        bind(TicketItem, table_name)

    def add(self, ticket: LiveTicket) -> None:
        with translated("ticket"):
            TicketItem(TicketItem.PREFIX + ticket.ticket_sha256, TicketItem.SK).update(
                actions=[
                    TicketItem.token_id.set(ticket.token_id),
                    TicketItem.organization.set(ticket.organization),
                    TicketItem.expires_at.set(ticket.expires_at),
                ]
            )

    def use(self, ticket_sha256: str) -> LiveTicket:
        item = take_item(TicketItem, TicketItem.PREFIX + ticket_sha256, TicketItem.SK, "ticket")
        return LiveTicket(ticket_sha256, item.token_id, item.organization, item.expires_at)


def _note_watching(organization: str, until: datetime) -> None:
    # It expires by itself, after the last connection that needs it: a watch that ends soon does not shorten it.
    expiry = WatchingItem.expires_at
    with suppress(Conflict), translated(f"watches of {organization}"):
        WatchingItem(live_partition(organization), WatchingItem.SK, expires_at=until).save(
            expiry.does_not_exist() | (expiry < until)
        )


def _watcher(connection_id: str, subject: str, expires_at: datetime | None = None) -> WatcherItem:
    return WatcherItem(_WATCHED + subject, WatcherItem.PREFIX + connection_id, expires_at=expires_at)
