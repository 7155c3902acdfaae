"""Everything that is stored of one run: its items in four tables, its runners', its values' digests, its objects."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from cadence.adapters.dynamodb.deletion.kinds import Found, counted_as, fixed_part, partitions
from cadence.adapters.dynamodb.deletion.stored_keys import Key, delete_items, query_items
from cadence.adapters.dynamodb.runs.provenance_items import SHARDS, DigestItem
from cadence.adapters.dynamodb.shared.plain_items import Item
from cadence.domain.limits.concurrency_limit import concurrency_group
from cadence.domain.shared.ids import in_bucket, runner_id

RUN = "RUN"
RUN_ATTRIBUTES = (
    "uuid",
    "run_id",
    "pipeline",
    "concurrency_group",
    "document_sha256",
    "plan_sha256",
    "kept_sha256",
    "pins",
)
_ATTRIBUTES = ("name", "attempt", "sha256", "treatment", "port", "spec", "lines", *RUN_ATTRIBUTES)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class StoredObjects(Protocol):
    """Objects of all buckets, by the beginning of their addresses."""

    buckets: Sequence[str]

    def measure(self, prefix: str) -> tuple[int, int]:
        """Returns the number of objects, with all versions, and their bytes."""

    def remove_all(self, prefix: str) -> tuple[int, int]:
        """Removes them with all versions; returns their number and bytes. Raises Transient; safe to repeat."""

    def remove_old(self, key: str) -> tuple[int, int]:
        """Removes one object, unless it was written a short time ago; returns its number and bytes."""


class RunData:
    """Counts and removes what is stored of single runs of one project. `tables` maps our names of tables to AWS's."""

    def __init__(self, tables: Mapping[str, str], objects: StoredObjects) -> None:
        self._tables, self._objects = tables, objects
        self._of_run = sorted(table for table, _ in partitions(Found.BY_RUN) if table != "runs")
        self._of_runner = sorted({table for table, _ in partitions(Found.BY_RUNNER)})
        self._pipelines_done: set[str] = set()

    def count(self, run_id: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        for table in ("runs", *self._of_run):
            for item in self._items(table, f"RUN#{run_id}"):
                counts += _counted(table, item)
                counts["runners"] += _attempts(item)
        for prefix in self._prefixes(run_id):
            counts += objects_counted(*self._objects.measure(prefix))
        return +counts

    def remove(
        self, organization: str, project: str, run_id: str, keep_digests: Callable[[frozenset[str]], None]
    ) -> Counter[str]:
        """Removes everything of a run; returns counts.

        What leads to other items goes after them, the item that lists the run last, so that a repetition finds the
        rest. `keep_digests` notes the digests that its items name before they go. Raises Transient.
        """
        counts: Counter[str] = Counter()
        for prefix in self._prefixes(run_id):
            counts += objects_counted(*self._objects.remove_all(prefix))
        items = list(self._items("runs", f"RUN#{run_id}"))
        for runner in runners_of(run_id, items):
            counts += self._remove_runner(organization, project, runner)
        for table in self._of_run:
            counts += self._remove(table, list(self._items(table, f"RUN#{run_id}")))
        delete_items(self._tables["runs"], self._led_to(organization, project, items))
        keep_digests(digests_in(items))
        counts += self._remove("runs", [item for item in items if item["sk"] != RUN])
        return counts + self._remove("runs", [item for item in items if item["sk"] == RUN])

    def _items(self, table: str, partition: str) -> Iterator[Item]:
        return query_items(self._tables[table], partition, attributes=_ATTRIBUTES)

    def _remove(self, table: str, items: Sequence[Item]) -> Counter[str]:
        delete_items(self._tables[table], map(key_of, items))
        return sum((_counted(table, item) for item in items), Counter())

    def _remove_runner(self, organization: str, project: str, runner: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        for table in self._of_runner:
            items = list(self._items(table, f"RUNNER#{runner}"))
            for item in items:
                kind, _, entry = str(item["sk"]).partition("#")
                if kind == "RESTORED":
                    uses = query_items(self._tables["runners"], f"CACHEUSE#{organization}#{project}#{entry}")
                    delete_items(self._tables["runners"], map(key_of, uses))
            counts += self._remove(table, items)
        return counts

    def _led_to(self, organization: str, project: str, items: Iterable[Item]) -> Iterator[Key]:
        """Returns the keys of items of the table `runs` that are found through the run's."""
        for item in items:
            if str(item["sk"]).startswith("VALUE#") and "sha256" in item:
                position = DigestItem.sort_key(
                    str(item["pk"]).removeprefix("RUN#"), str(item["treatment"]), str(item["port"])
                )
                shard = hashlib.sha256(position.encode()).digest()[0] % SHARDS
                yield DigestItem.partition(organization, project, str(item["sha256"]), shard), position
            if item["sk"] == RUN:
                yield from self._of_pipeline(organization, project, str(item["pipeline"]))
            if item["sk"] == RUN and "concurrency_group" in item:
                scope = concurrency_group(organization, project, str(item["concurrency_group"]))
                yield from map(key_of, query_items(self._tables["runs"], f"LIMIT#{scope}"))

    def _of_pipeline(self, organization: str, project: str, pipeline: str) -> Iterator[Key]:
        """Returns the keys of what is kept of the tests of a pipeline's runs, once for all runs."""
        if pipeline not in self._pipelines_done:
            self._pipelines_done.add(pipeline)
            for kind in ("BRANCHTESTS", "FLAKYTESTS", "TESTDURATIONS"):
                partition = f"{kind}#{organization}#{project}#{pipeline}"
                yield from map(key_of, query_items(self._tables["runs"], partition))

    def _prefixes(self, run_id: str) -> Iterator[str]:
        yield f"uploads/{run_id}/"
        for bucket in (None, *self._objects.buckets):
            yield in_bucket(bucket, f"runs/{run_id}/")


def digests_in(items: Iterable[Item]) -> frozenset[str]:
    """Returns the digests of documents that items name: in attributes, pins, and specifications of treatments."""
    found: set[str] = set()
    for item in items:
        for name in ("document_sha256", "plan_sha256", "kept_sha256", "pins", "spec"):
            found.update(_SHA256.findall(text_of(item.get(name, ""))))
        # The digest of a program is an attribute of its own; that of a value is no document's.
        if str(item["sk"]).startswith("PROGRAM#"):
            found.add(str(item["sha256"]))
    return frozenset(found)


def text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def key_of(item: Item) -> Key:
    return str(item["pk"]), str(item["sk"])


def objects_counted(number: int, size: int) -> Counter[str]:
    return +Counter({"objects": number, "bytes": size})


def _counted(table: str, item: Item) -> Counter[str]:
    counts = Counter({counted_as(table, *key_of(item)): 1})
    if "lines" in item:
        counts["log lines"] += int(item["lines"])
    return counts


def runners_of(run_id: str, items: Iterable[Item]) -> Iterator[str]:
    """Returns the ids of the runners that a run had, one for each attempt of its treatments, from its items."""
    for item in items:
        for attempt in range(1, _attempts(item) + 1):
            yield runner_id(run_id, str(item["name"]), attempt)


def _attempts(item: Item) -> int:
    is_treatment = str(item["sk"]).startswith(fixed_part("TREATMENT#{name}"))
    return int(item.get("attempt", 0)) if is_treatment else 0
