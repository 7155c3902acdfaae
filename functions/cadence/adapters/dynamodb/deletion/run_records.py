"""`RunRecords`: the items of a run, measured by table and kind; found as those of a run that is deleted are."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from cadence.adapters.dynamodb.deletion.kinds import Found, partitions
from cadence.adapters.dynamodb.shared.plain_items import Item, query
from cadence.application.values.locate_run_data import FoundRecords, RunRecords

_MOST_ITEMS = 20_000
_MOST_RUNNERS = 300
_LABELS = {
    "SUMMARY": "summaries",
    "TESTS": "results of tests",
    "VALUE": "digests and previews of values",
    "SEGMENT": "list of log segments",
    "COST": "costs",
}


class DynamoRunRecords(RunRecords):
    """`tables` maps our names of tables to those of AWS."""

    def __init__(self, tables: Mapping[str, str]) -> None:
        self._tables = tables
        self._of_run = sorted({table for table, _ in partitions(Found.BY_RUN)})
        self._of_runner = sorted({table for table, _ in partitions(Found.BY_RUNNER)})

    def of_run(self, run_id: str, runners: Iterable[str]) -> tuple[list[FoundRecords], bool]:
        listed = list(runners)
        parts = [(table, f"RUN#{run_id}", "records of the run") for table in self._of_run]
        parts += [
            (table, f"RUNNER#{runner}", "records of runners")
            for table in self._of_runner
            for runner in listed[:_MOST_RUNNERS]
        ]
        found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        complete = len(listed) <= _MOST_RUNNERS
        for table, partition, other in parts:
            items = query(self._tables[table], partition, "")
            for item in islice(items, _MOST_ITEMS):
                group = found[self._tables[table], _LABELS.get(str(item["sk"]).partition("#")[0], other)]
                group[0] += 1
                group[1] += stored_size(item)
                group[2] = max(group[2], int(item.get("expires_at", 0)))
            complete = complete and next(items, None) is None
        measured = [
            FoundRecords(table, label, items, size, datetime.fromtimestamp(expiry, UTC) if expiry else None)
            for (table, label), (items, size, expiry) in sorted(found.items())
        ]
        return measured, complete


def stored_size(item: Item) -> int:
    """Returns about how many bytes an item takes in DynamoDB: of names and values, in UTF-8."""
    return sum(len(name.encode()) + sum(_sizes(value)) for name, value in item.items())


def _sizes(value: Any) -> Iterator[int]:
    if isinstance(value, str):
        yield len(value.encode())
    elif isinstance(value, bytes):
        yield len(value)
    elif isinstance(value, Mapping):
        yield 3 + stored_size(value)
    elif isinstance(value, list | tuple | set | frozenset):
        yield 3 + sum(size for one in value for size in _sizes(one))
    else:
        yield len(str(value)) // 2 + 1
