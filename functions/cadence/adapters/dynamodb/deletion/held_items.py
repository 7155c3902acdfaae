"""`HeldItems`: items of held runs, found as those of a project that is deleted are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from cadence.adapters.dynamodb.deletion.kinds import Found, partitions
from cadence.adapters.dynamodb.deletion.run_data import key_of, runners_of
from cadence.adapters.dynamodb.deletion.stored_keys import expire_later, list_runs, query_items
from cadence.adapters.dynamodb.shared.plain_items import Item
from cadence.application.deletion.hold_ports import HeldItems
from cadence.domain.shared.ids import in_bucket
from cadence.domain.shared.retention import KEPT

# Whatever expires within this time is given KEPT from now.
_SOON = KEPT / 2
# What connects somebody for some hours, and secrets of workers: no record of what was done.
_PASSING = frozenset({"FOLLOW", "TUNNEL", "SHELL", "WORKERSECRETS", "CONSUMER", "TURN"})


class DynamoHeldItems(HeldItems):
    """`tables` maps our names of tables to those of AWS; `buckets` are those of pools."""

    def __init__(self, tables: Mapping[str, str], buckets: Iterable[str]) -> None:
        self._tables, self._buckets = tables, tuple(sorted(buckets))
        self._of_run = sorted({table for table, _ in partitions(Found.BY_RUN)} - {"runs"})
        self._of_runner = sorted({table for table, _ in partitions(Found.BY_RUNNER)})

    def runs(self, organization: str, project: str, after: str | None) -> Iterable[tuple[str, str]]:
        for run in list_runs(self._tables["runs"], organization, project, ("uuid", "run_id"), after=after):
            yield str(run["run_id"]), str(run.get("uuid") or run["run_id"])

    def renew_run(self, run_id: str, now: datetime) -> int:
        soon, later = int((now + _SOON).timestamp()), int((now + KEPT).timestamp())
        items = list(query_items(self._tables["runs"], f"RUN#{run_id}", attributes=("name", "attempt", "expires_at")))
        renewed = self._renew("runs", items, soon, later)
        for table in self._of_run:
            renewed += self._renew(table, self._expiring(table, f"RUN#{run_id}"), soon, later)
        for runner in runners_of(run_id, items):
            for table in self._of_runner:
                renewed += self._renew(table, self._expiring(table, f"RUNNER#{runner}"), soon, later)
        return renewed

    def prefixes(self, run_id: str) -> Sequence[str]:
        return [in_bucket(bucket, f"runs/{run_id}/") for bucket in (None, *self._buckets)]

    def _expiring(self, table: str, partition: str) -> Iterator[Item]:
        return query_items(self._tables[table], partition, attributes=("expires_at",))

    def _renew(self, table: str, items: Iterable[Item], soon: int, later: int) -> int:
        keys = [key_of(item) for item in items if _expires_before(item, soon)]
        return sum(expire_later(self._tables[table], key, soon, later) for key in keys)


def _expires_before(item: Item, soon: int) -> bool:
    kind = str(item["sk"]).partition("#")[0]
    return "expires_at" in item and int(item["expires_at"]) < soon and kind not in _PASSING
