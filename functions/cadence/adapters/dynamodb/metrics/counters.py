"""`Counters` on the `telemetry` table: one item for each series, and a mark for each event that was counted.

It uses the client directly: the attributes of a series are as many as it has counts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.shared.plain_items import Item, query, refusals, wired
from cadence.application.metrics.ports import Counted, TreatmentCost
from cadence.domain.metrics.counting import OTHER, CounterKey, CounterSeries
from cadence.domain.shared.errors import Conflict
from cadence.domain.shared.retention import KEPT

MOST_SERIES = 300
"""Names of a project. Further names are counted under the name `_other`."""

# Longer than a message can stay in its queue, and be delivered again.
_REMEMBERED = timedelta(days=20)
# Of the 100 items of a transaction, each event takes one, its cost one, and its series a few.
_MOST_EVENTS = 20
_COUNT = "n_"
_SERIES = "SERIES#"
_COST = "COST#"
_AMOUNTS = frozenset({"seconds", "per_hour", "amount"})


class DynamoCounters:
    def __init__(self, table_name: str, most_series: int = MOST_SERIES) -> None:
        self._table, self._most = table_name, most_series
        self._known: dict[str, set[str]] = {}
        self._full: set[str] = set()

    def add(self, counted: Sequence[Counted]) -> None:
        for start in range(0, len(counted), _MOST_EVENTS):
            some = [self._bounded(one) for one in counted[start : start + _MOST_EVENTS]]
            # The same event may be in a batch twice, and a transaction names an item once.
            remaining = list({one.event_id: one for one in some}.values())
            while remaining:
                remaining = insisting(partial(self._add, remaining))

    def read(self, organization: str, project: str) -> Sequence[CounterSeries]:
        items = query(self._table, _partition(organization, project), _SERIES)
        return [_series(organization, project, item) for item in items]

    def costs(self, run_id: str) -> Sequence[TreatmentCost]:
        return [_cost(item) for item in query(self._table, f"RUN#{run_id}", _COST)]

    def _add(self, counted: Sequence[Counted]) -> list[Counted]:
        """Adds all or nothing.

        Returns the events that are still to be added, since others of them had been counted before.
        """
        expires = _expiry(_REMEMBERED)
        marks = [self._put({"pk": f"SEEN#{one.event_id}", "sk": "SEEN", "expires_at": expires}) for one in counted]
        sums: dict[CounterKey, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for one in counted:
            for key, counts in one.counts.items():
                for name, amount in counts.items():
                    sums[key][name] += amount
        items = [*marks, *(self._increase(key, counts) for key, counts in sums.items())]
        items += [self._put(_cost_item(one.cost), new=False) for one in counted if one.cost]
        try:
            with refusals("the counts"):
                client("dynamodb").transact_write_items(TransactItems=items)
        except Conflict as conflict:
            counted_before = _refused(conflict.__cause__, len(marks))
            return [one for number, one in enumerate(counted) if number not in counted_before]
        return []

    def _put(self, item: Item, *, new: bool = True) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": wired(item)}
        if new:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        return {"Put": put}

    def _increase(self, key: CounterKey, counts: Mapping[str, float]) -> dict[str, Any]:
        labels = {name: getattr(key, name) for name in ("pipeline", "treatment", "pool", "provider")}
        present = {name: text for name, text in labels.items() if text is not None}
        added = dict(enumerate(sorted(counts.items())))
        update = {
            "TableName": self._table,
            "Key": wired({"pk": _partition(key.organization, key.project), "sk": _sort_key(key)}),
            "UpdateExpression": f"SET {', '.join(f'#{name} = :{name}' for name in present)} "
            f"ADD {', '.join(f'#{number} :{number}' for number in added)}",
            "ExpressionAttributeNames": {f"#{name}": name for name in present}
            | {f"#{number}": _COUNT + name for number, (name, _) in added.items()},
            "ExpressionAttributeValues": wired(
                {f":{name}": text for name, text in present.items()}
                | {f":{number}": amount for number, (_, amount) in added.items()}
            ),
        }
        return {"Update": update}

    def _bounded(self, counted: Counted) -> Counted:
        """Counts new names together once there are many, so that invented names do not make a scrape large."""
        bounded: dict[CounterKey, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for key, counts in counted.counts.items():
            for name, amount in counts.items():
                bounded[self._folded(key)][name] += amount
        return replace(counted, counts=bounded)

    def _folded(self, key: CounterKey) -> CounterKey:
        partition = _partition(key.organization, key.project)
        names = self._known.get(partition)
        # Series are never removed: once there are as many as allowed, an unknown name is never a new series.
        if names is None or (_sort_key(key) not in names and partition not in self._full):
            names = {item["sk"] for item in query(self._table, partition, _SERIES, ProjectionExpression="sk")}
            self._known[partition] = names
            if len(names) >= self._most:
                self._full.add(partition)
        treatment = OTHER if key.treatment is not None else None
        candidates = (key, replace(key, treatment=treatment), replace(key, pipeline=OTHER, treatment=treatment))
        for candidate in candidates:
            if _sort_key(candidate) in names or len(names) < self._most:
                break
        names.add(_sort_key(candidate))
        return candidate


def _partition(organization: str, project: str) -> str:
    return f"PROJECT#{organization}#{project}"


def _sort_key(key: CounterKey) -> str:
    if key.treatment is None:
        return f"{_SERIES}{key.pipeline}"
    return f"{_SERIES}{key.pipeline}#{key.treatment}#{key.pool}#{key.provider}"


def _series(organization: str, project: str, item: Item) -> CounterSeries:
    key = CounterKey(
        organization=organization,
        project=project,
        pipeline=item["pipeline"],
        treatment=item.get("treatment"),
        pool=item["pool"],
        provider=item["provider"],
    )
    counts = {name.removeprefix(_COUNT): float(value) for name, value in item.items() if name.startswith(_COUNT)}
    return CounterSeries(key, counts)


def _cost_item(cost: TreatmentCost) -> Item:
    key = {"pk": f"RUN#{cost.run_id}", "sk": _COST + cost.treatment, "expires_at": _expiry(KEPT)}
    return {**asdict(cost), **key}


def _cost(item: Item) -> TreatmentCost:
    values: dict[str, Any] = {field.name: item[field.name] for field in fields(TreatmentCost)}
    return TreatmentCost(**values | {name: float(values[name]) for name in _AMOUNTS})


def _expiry(after: timedelta) -> int:
    return int((datetime.now(UTC) + after).timestamp())


def _refused(error: BaseException | None, most: int) -> frozenset[int]:
    """Returns which of the first items of a transaction existed already."""
    reasons = error.response.get("CancellationReasons", []) if isinstance(error, ClientError) else []
    return frozenset(
        number for number, reason in enumerate(reasons[:most]) if reason.get("Code") == "ConditionalCheckFailed"
    )
