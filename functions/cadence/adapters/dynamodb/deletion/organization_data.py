"""`ProjectData` for organizations: everything that is stored of one and belongs to no project."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from cadence.adapters.dynamodb.access.access_items import OrganizationItem, ProjectItem, organization_key
from cadence.adapters.dynamodb.deletion.deletion_notes import DynamoDeletionNotes
from cadence.adapters.dynamodb.deletion.kinds import Found, counted_as, fixed_part, partitions
from cadence.adapters.dynamodb.deletion.project_data import STORED_BELOW, STORED_ELSEWHERE, rendered
from cadence.adapters.dynamodb.deletion.run_data import StoredObjects, key_of, objects_counted
from cadence.adapters.dynamodb.deletion.stored_keys import delete_items, query_items, scan_items
from cadence.adapters.dynamodb.shared.plain_items import Item
from cadence.application.deletion.ports import POOL, TOKEN, Deadline, ProjectData
from cadence.application.search.live_ports import LANES
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.deletion.project_deletion import DataCounts, added
from cadence.domain.limits.concurrency_limit import pool_runners, runners, running_runs
from cadence.domain.shared.ids import in_bucket

Items = tuple[str, Callable[[], Iterator[Item]]]


class DynamoOrganizationData(ProjectData):
    """`tables` maps our names of tables to those of AWS; `projects` counts the data of the organization's projects."""

    def __init__(self, tables: Mapping[str, str], objects: StoredObjects, projects: ProjectData) -> None:
        self._tables, self._objects, self._projects = tables, objects, projects
        self._notes = DynamoDeletionNotes(tables["access"])

    def count(self, organization: str, project: str, over: Deadline) -> DataCounts:
        counts: Mapping[str, int] = {}
        complete = True
        names = sorted(self._names(organization, ProjectItem.PREFIX))
        for name in names:
            found = self._projects.count(organization, name, over)
            counts, complete = added(counts, {**found.counts, "projects": 1}), complete and found.complete
        for table, items in (*self._items(organization), *(() if names else self._leftovers(organization))):
            if over():
                return DataCounts(counts, complete=False)
            counts = added(counts, _counted(table, items()))
        for prefix in () if names else self._prefixes(organization):
            if over():
                return DataCounts(counts, complete=False)
            counts = added(counts, objects_counted(*self._objects.measure(prefix)))
        return DataCounts(counts, complete)

    def remove(
        self, organization: str, project: str, removed: Callable[[Mapping[str, int]], None], over: Deadline
    ) -> bool:
        for prefix in self._prefixes(organization):
            if over():
                return False
            removed(objects_counted(*self._objects.remove_all(prefix)))
        for table, items in (*self._leftovers(organization), *self._items(organization)):
            if over():
                return False
            removed(self._remove(table, list(items())))
        for kind in (TOKEN, POOL):
            self._notes.forget(organization, ALL_PROJECTS, kind)
        return True

    def _remove(self, table: str, items: list[Item]) -> Counter[str]:
        counts = _counted(table, iter(items))
        for item in items:
            if "object_key" in item:
                counts += objects_counted(*self._objects.remove_all(str(item["object_key"])))
        delete_items(self._tables[table], map(key_of, items))
        return counts

    def _items(self, organization: str) -> Iterator[Items]:
        """Returns tables and readers of items, those that lead to others after them."""
        for token in sorted(self._notes.noted(organization, ALL_PROJECTS, TOKEN)):
            yield self._partition("access", f"TOKEN#{token}")
            yield self._partition("access", f"TOKENUSE#{token}")
        for pool in sorted(self._names(organization, "POOL#") | self._noted_pools(organization)):
            yield self._partition("runners", f"POOL#{organization}#{pool}")
            yield self._partition("runs", f"LIMIT#{pool_runners(organization, pool)}")
        for scope in (running_runs(organization), runners(organization)):
            yield self._partition("runs", f"LIMIT#{scope}")
        for export in sorted(self._names(organization, "EXPORT#")):
            yield self._partition("telemetry", f"EXPORT#{organization}#{export}")
        for lane in range(LANES):
            yield self._partition("logs", f"ARRIVALS#{organization}#{lane}")
        yield "logs", lambda: self._connections(organization)
        yield self._partition("logs", f"LIVE#{organization}")
        yield self._partition("logs", f"WATCHED#LIST#{organization}")
        yield self._partition("logs", f"DEAD_LETTER#{organization}")
        yield "alerts", lambda: self._listener(organization)
        for table, template in sorted(partitions(Found.BY_PROJECT)):
            yield self._partition(table, rendered(template, organization, ALL_PROJECTS))
        yield self._partition("access", f"SHAREDSECRETS#{organization}")
        yield self._partition("access", "DIRECTORIES", f"{organization}#")
        yield self._partition("access", "SWEPT", f"{organization}#")
        yield "access", lambda: self._own(organization)

    def _leftovers(self, organization: str) -> Iterator[Items]:
        """Returns tables and readers of what is counted with projects as long as there are any."""
        yield self._partition("logs", "INDEXES", f"{organization}#")
        yield self._partition("alerts", f"ALERTS#{organization}")
        for table, template in sorted(partitions(Found.BY_PREFIX)):
            yield self._scan(table, fixed_part(template) + f"{organization}#")

    def _noted_pools(self, organization: str) -> frozenset[str]:
        return self._notes.noted(organization, ALL_PROJECTS, POOL)

    def _names(self, organization: str, prefix: str) -> frozenset[str]:
        items = query_items(self._tables["access"], organization_key(organization), prefix)
        return frozenset(str(item["sk"]).removeprefix(prefix) for item in items)

    def _partition(self, table: str, partition: str, prefix: str = "") -> Items:
        return table, lambda: query_items(self._tables[table], partition, prefix, ("object_key",))

    def _scan(self, table: str, prefix: str) -> Items:
        condition = "begins_with(#pk, :prefix)"
        return table, lambda: scan_items(self._tables[table], condition, {"#pk": "pk"}, {":prefix": prefix})

    def _connections(self, organization: str) -> Iterator[Item]:
        for item in query_items(self._tables["logs"], f"LIVE#{organization}"):
            yield from query_items(self._tables["logs"], str(item["sk"]))

    def _listener(self, organization: str) -> Iterator[Item]:
        items = query_items(self._tables["alerts"], "LISTENERS", organization)
        return (item for item in items if item["sk"] == organization)

    def _own(self, organization: str) -> Iterator[Item]:
        """Returns what is in the organization's partition, but not its projects, and not its name, which stays."""
        for item in query_items(self._tables["access"], organization_key(organization)):
            if item["sk"] != OrganizationItem.SK and not str(item["sk"]).startswith(ProjectItem.PREFIX):
                yield item

    def _prefixes(self, organization: str) -> Iterator[str]:
        for folder in STORED_BELOW:
            yield f"{folder}/{organization}/"
        for bucket in self._objects.buckets:
            for folder in STORED_ELSEWHERE:
                yield in_bucket(bucket, f"{folder}/{organization}/")


def _counted(table: str, items: Iterator[Item]) -> Counter[str]:
    return Counter(_name(counted_as(table, *key_of(item))) for item in items)


def _name(kind: str) -> str:
    # With a project, a pool only loses its mention of the project.
    return "pools" if kind.startswith("pools") else kind
