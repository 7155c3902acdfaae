"""`ProjectData`: everything that is stored of a project, found by the keys that `kinds` lists."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from cadence.adapters.dynamodb.deletion.deletion_notes import DynamoDeletionNotes
from cadence.adapters.dynamodb.deletion.document_owners import SharedDocuments
from cadence.adapters.dynamodb.deletion.kinds import Found, counted_as, fixed_part, partitions
from cadence.adapters.dynamodb.deletion.organization_lists import OrganizationLists
from cadence.adapters.dynamodb.deletion.run_data import (
    RUN_ATTRIBUTES,
    RunData,
    StoredObjects,
    digests_in,
    key_of,
    objects_counted,
)
from cadence.adapters.dynamodb.deletion.stored_keys import (
    delete_items,
    list_runs,
    query_items,
    scan_items,
)
from cadence.adapters.dynamodb.shared.plain_items import Item
from cadence.application.deletion.ports import Deadline, ProjectData
from cadence.application.search.line_store_ports import LineStore
from cadence.application.shared.ports import Clock
from cadence.domain.deletion.project_deletion import DataCounts
from cadence.domain.shared.ids import in_bucket

STORED_BELOW = ("splits", "sources", "caches", "documents/library")
# In the buckets of pools.
STORED_ELSEWHERE = ("splits", "caches")


class DynamoProjectData(ProjectData):
    """`tables` maps our names of tables to those of AWS; `lines` is the search service, if the deployment has one."""

    def __init__(
        self, tables: Mapping[str, str], objects: StoredObjects, lines: LineStore | None, clock: Clock
    ) -> None:
        self._tables, self._objects, self._lines, self._clock = tables, objects, lines, clock
        notes = DynamoDeletionNotes(tables["access"])
        self._lists = OrganizationLists(tables, objects, notes)
        self._documents = SharedDocuments(tables, objects, notes)

    def count(self, organization: str, project: str, over: Deadline) -> DataCounts:
        counts: Counter[str] = Counter()
        for part in self._counted_parts(organization, project):
            if over():
                return DataCounts(dict(counts), complete=False)
            counts += part()
        return DataCounts(dict(+counts))

    def remove(
        self, organization: str, project: str, removed: Callable[[Mapping[str, int]], None], over: Deadline
    ) -> bool:
        for part in self._removed_parts(organization, project):
            if over():
                return False
            removed(part())
        return True

    def _counted_parts(self, organization: str, project: str) -> Iterator[Callable[[], Counter[str]]]:
        for table, items in self._items(organization, project):
            yield lambda table=table, items=items: _counted(table, items())  # type: ignore[misc]
        for prefix in self._prefixes(organization, project):
            yield lambda prefix=prefix: objects_counted(*self._objects.measure(prefix))  # type: ignore[misc]
        yield lambda: self._lists.count_references(organization, project)
        runs = RunData(self._tables, self._objects)
        for run in list_runs(self._tables["runs"], organization, project, RUN_ATTRIBUTES):
            yield lambda run=run: runs.count(_run_id(run))  # type: ignore[misc]

    def _removed_parts(self, organization: str, project: str) -> Iterator[Callable[[], Counter[str]]]:
        def keep(digests: frozenset[str]) -> None:
            self._documents.note(organization, project, digests)

        runs = RunData(self._tables, self._objects)
        for run in list_runs(self._tables["runs"], organization, project, RUN_ATTRIBUTES):
            yield lambda run=run: runs.remove(organization, project, _run_id(run), keep)  # type: ignore[misc]
        yield lambda: self._lists.remove_references(organization, project)
        for prefix in self._prefixes(organization, project):
            yield lambda prefix=prefix: objects_counted(*self._objects.remove_all(prefix))  # type: ignore[misc]
        if self._lines is not None:
            yield self._remove_lines(self._lines, organization, project)
        for table, items in self._items(organization, project):
            yield lambda table=table, items=items: self._remove(table, items(), keep)  # type: ignore[misc]
        yield lambda: self._documents.remove(organization, project)
        yield lambda: self._lists.forget(organization, project)

    def _items(self, organization: str, project: str) -> Iterator[tuple[str, Callable[[], Iterator[Item]]]]:
        """Returns tables and readers of items, those that lead to others after them."""
        for table, template in sorted(partitions(Found.BY_PREFIX)):
            prefix = fixed_part(rendered(template, organization, project))
            yield table, lambda table=table, prefix=prefix: self._scan_prefix(table, prefix)  # type: ignore[misc]
        yield from self._lists.items(organization, project)
        for table, template in sorted(partitions(Found.BY_PROJECT)):
            names = [rendered(template, organization, project)]
            if template.startswith("CACHE#"):
                names += [f"{names[0]}#{bucket}" for bucket in self._objects.buckets]
            for name in names:
                yield table, lambda table=table, name=name: self._of_partition(table, name)  # type: ignore[misc]

    def _of_partition(self, table: str, partition: str) -> Iterator[Item]:
        attributes = ("document_sha256", "plan_sha256", "pins", "sha256")
        return query_items(self._tables[table], partition, attributes=attributes)

    def _scan_prefix(self, table: str, prefix: str) -> Iterator[Item]:
        return scan_items(
            self._tables[table],
            "begins_with(#pk, :prefix)",
            {"#pk": "pk"},
            {":prefix": prefix},
            ("document_sha256", "plan_sha256", "pins"),
        )

    def _remove(self, table: str, items: Iterator[Item], keep: Callable[[frozenset[str]], None]) -> Counter[str]:
        listed = list(items)
        keep(digests_in(listed))
        delete_items(self._tables[table], map(key_of, listed))
        return _counted(table, iter(listed))

    def _prefixes(self, organization: str, project: str) -> Iterator[str]:
        for folder in STORED_BELOW:
            yield f"{folder}/{organization}/{project}/"
        for bucket in self._objects.buckets:
            for folder in STORED_ELSEWHERE:
                yield in_bucket(bucket, f"{folder}/{organization}/{project}/")

    def _remove_lines(self, lines: LineStore, organization: str, project: str) -> Callable[[], Counter[str]]:
        def remove() -> Counter[str]:
            # Lines carry the times of runners, whose clocks may be ahead.
            lines.remove(organization, project, self._clock().replace(year=9999))
            return Counter()

        return remove


def rendered(template: str, organization: str, project: str) -> str:
    """Returns a template of a key with the names of a project."""
    return template.replace("{org}", organization).replace("{project}", project)


def _counted(table: str, items: Iterator[Item]) -> Counter[str]:
    return Counter(counted_as(table, *key_of(item)) for item in items)


def _run_id(run: Item) -> str:
    return str(run.get("uuid") or run["run_id"])
