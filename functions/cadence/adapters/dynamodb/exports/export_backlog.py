"""`Backlog` on the `telemetry` table: each export's delivery status, what is pending, and what was given up."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.exports.export_items import (
    DEAD,
    HEAD,
    PENDING,
    SENT,
    backfill_item,
    backfill_of,
    backfill_prefix,
    parcel_item,
    parcel_of,
    partition,
    sort_key,
    standing_of,
)
from cadence.adapters.dynamodb.shared.plain_items import Item, plain, query, refusals, wired
from cadence.domain.exports.export import DEAD_LETTERS_KEPT, Backfill, Export, ExportBatch, ExportStatus
from cadence.domain.shared.errors import Conflict, NotFound

# Of the 100 items of a transaction, with two for each parcel that moves.
_MOST_PARCELS = 40
# The receiver took something.
_TAKEN = "SET delivered_at = :at REMOVE refusal, refused_since"


class DynamoBacklog:
    def __init__(self, table_name: str) -> None:
        self._table = table_name

    def standing(self, export: Export) -> ExportStatus:
        standing = standing_of(self._get(partition(export), HEAD) or {})
        # Dead letters expire by themselves, without being counted.
        return replace(standing, dead=0) if standing.dead and not self.dead_letters(export, 1) else standing

    def keep(
        self, export: Export, parcels: Sequence[ExportBatch], error: str | None, retry_at: datetime | None, at: datetime
    ) -> None:
        for start in range(0, len(parcels), _MOST_PARCELS):
            insisting(lambda some=parcels[start : start + _MOST_PARCELS]: self._keep(export, some, error, retry_at, at))  # type: ignore[misc]

    def _keep(
        self, export: Export, parcels: Sequence[ExportBatch], error: str | None, retry_at: datetime | None, at: datetime
    ) -> None:
        stored = {parcel.key for parcel in parcels if self._get(partition(export), sort_key(PENDING, parcel))}
        new = [parcel for parcel in parcels if parcel.key not in stored]
        puts = [self._put(export, PENDING, parcel) for parcel in new]
        if error is None:
            head = self._change(export, "ADD pending :new", {":new": len(new)}, "attribute_exists(failing_since)")
        else:
            head = self._change(
                export,
                "SET failing_since = if_not_exists(failing_since, :at), retry_at = :retry, #error = :error"
                " ADD pending :new, failures :one",
                {":at": _text(at), ":retry": _text(retry_at), ":error": error, ":new": len(new), ":one": 1},
            )
        self._transact([head, *puts])

    def next(self, export: Export, limit: int) -> Sequence[ExportBatch]:
        return [parcel_of(item) for item in query(self._table, partition(export), PENDING, limit=limit)]

    def delivered(self, export: Export, parcels: Sequence[ExportBatch], at: datetime) -> None:
        self._leave(export, parcels, _TAKEN, {":at": _text(at)}, bury=False)

    def bury(self, export: Export, parcels: Sequence[ExportBatch], error: str, at: datetime) -> None:
        dead = [replace(parcel, error=error) for parcel in parcels]
        change = "SET refusal = :error, refused_since = if_not_exists(refused_since, :at)"
        self._leave(export, dead, change, {":error": error, ":at": _text(at)}, bury=True, at=at)

    def _leave(
        self,
        export: Export,
        parcels: Sequence[ExportBatch],
        change: str,
        values: dict[str, Any],
        *,
        bury: bool,
        at: datetime | None = None,
    ) -> None:
        for start in range(0, len(parcels), _MOST_PARCELS):
            some = parcels[start : start + _MOST_PARCELS]
            pending = [one for one in some if self._get(partition(export), sort_key(PENDING, one))]
            moves = [self._delete(export, sort_key(PENDING, one)) for one in pending]
            added = 0
            if bury:
                new = [one for one in some if not self._get(partition(export), sort_key(DEAD, one))]
                moves += [self._put(export, DEAD, one, at) for one in new]
                added = len(new)
            counts = {":gone": -len(pending), ":dead": added}
            head = self._change(export, f"{change} ADD pending :gone, dead :dead", {**values, **counts})
            insisting(lambda items=(head, *moves): self._transact(items))  # type: ignore[misc]

    def failed(self, export: Export, error: str, retry_at: datetime) -> None:
        change = "SET retry_at = :retry, #error = :error ADD failures :one"
        self._update(export, change, {":retry": _text(retry_at), ":error": error, ":one": 1})

    def recovered(self, export: Export) -> None:
        change = "REMOVE failing_since, retry_at, #error, failures"
        self._update(export, change, {":none": 0}, "attribute_not_exists(pending) OR pending <= :none")

    def touch(self, export: Export, at: datetime) -> None:
        self._update(export, _TAKEN, {":at": _text(at)})

    def lease(self, export: Export, at: datetime, until: datetime) -> bool:
        free = "attribute_not_exists(leased_until) OR leased_until < :at"
        try:
            self._update(export, "SET leased_until = :until", {":at": _text(at), ":until": _text(until)}, free)
        except Conflict:
            return False
        return True

    def release(self, export: Export) -> None:
        self._update(export, "REMOVE leased_until", {})

    def dead_letters(self, export: Export, limit: int) -> Sequence[ExportBatch]:
        return [parcel_of(item) for item in query(self._table, partition(export), DEAD, limit=limit)]

    def revive(self, export: Export, at: datetime, parcels: Sequence[ExportBatch] | None = None) -> int:
        if parcels is not None:
            self._revive(export, parcels, at)
            return len(parcels)
        revived = 0
        while some := self.dead_letters(export, _MOST_PARCELS):
            self._revive(export, some, at)
            revived += len(some)
        return revived

    def _revive(self, export: Export, parcels: Sequence[ExportBatch], at: datetime) -> None:
        moves = [self._delete(export, sort_key(DEAD, one)) for one in parcels]
        # Pending from now on, so that they are tried for as long as any other.
        moves += [self._put(export, PENDING, replace(one, since=at, error=None)) for one in parcels]
        change = "SET failing_since = if_not_exists(failing_since, :at), retry_at = :at ADD pending :n, dead :gone"
        values = {":at": _text(at), ":n": len(parcels), ":gone": -len(parcels)}
        head = self._change(export, change, values)
        insisting(lambda: self._transact([head, *moves]))

    def drop(self, export: Export, parcels: Sequence[ExportBatch]) -> None:
        for parcel in parcels:
            if self._get(partition(export), sort_key(DEAD, parcel)):
                head = self._change(export, "ADD dead :gone", {":gone": -1})
                gone = self._delete(export, sort_key(DEAD, parcel))
                insisting(lambda items=(head, gone): self._transact(items))  # type: ignore[misc]

    def forget(self, export: Export) -> None:
        for item in list(query(self._table, partition(export), "", ProjectionExpression="pk, sk")):
            with refusals(f"export {export.name}"):
                client("dynamodb").delete_item(TableName=self._table, Key=wired({"pk": item["pk"], "sk": item["sk"]}))

    def claim_push(self, export: Export, due: datetime | None, following: datetime) -> bool:
        same = "attribute_not_exists(next_push)" if due is None else "next_push = :due"
        values = {":next": _text(following), **({":due": _text(due)} if due else {})}
        try:
            self._update(export, "SET next_push = :next", values, same)
        except Conflict:
            return False
        return True

    def sent(self, export: Export) -> Mapping[str, float]:
        item = self._get(partition(export), SENT)
        values: dict[str, float] = json.loads(gzip.decompress(item["values"])) if item else {}
        return values

    def keep_sent(self, export: Export, sent: Mapping[str, float]) -> None:
        values = gzip.compress(json.dumps(sent, separators=(",", ":")).encode(), mtime=0)
        self._save({"pk": partition(export), "sk": SENT, "values": values})

    def put_backfill(self, backfill: Backfill) -> None:
        self._save(backfill_item(backfill))

    def get_backfill(self, organization: str, export: str, backfill_id: str) -> Backfill:
        pk, sk = backfill_prefix(organization, export)
        item = self._get(pk, sk + backfill_id)
        if item is None:
            raise NotFound(f"There is no back-fill {backfill_id!r} of the export {export!r}.")
        return backfill_of(item)

    def list_backfills(self, organization: str, export: str) -> Sequence[Backfill]:
        items = query(self._table, *backfill_prefix(organization, export), limit=50, ScanIndexForward=False)
        return [backfill_of(item) for item in items]

    def _get(self, pk: str, sk: str) -> Item | None:
        with refusals(sk):
            answer = client("dynamodb").get_item(
                TableName=self._table, Key=wired({"pk": pk, "sk": sk}), ConsistentRead=True
            )
        return plain(answer["Item"]) if "Item" in answer else None

    def _save(self, item: Item) -> None:
        with refusals(item["sk"]):
            client("dynamodb").put_item(TableName=self._table, Item=wired(item))

    def _put(self, export: Export, where: str, parcel: ExportBatch, at: datetime | None = None) -> dict[str, Any]:
        item = parcel_item(export, where, parcel)
        if where == DEAD:
            item["expires_at"] = int(((at or datetime.now(UTC)) + DEAD_LETTERS_KEPT).timestamp())
        return {
            "Put": {"TableName": self._table, "Item": wired(item), "ConditionExpression": "attribute_not_exists(pk)"}
        }

    def _delete(self, export: Export, sk: str) -> dict[str, Any]:
        key = wired({"pk": partition(export), "sk": sk})
        return {"Delete": {"TableName": self._table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}}

    def _change(
        self, export: Export, change: str, values: Mapping[str, Any], condition: str | None = None
    ) -> dict[str, Any]:
        update: dict[str, Any] = {
            "TableName": self._table,
            "Key": wired({"pk": partition(export), "sk": HEAD}),
            "UpdateExpression": change,
        }
        if values:
            update["ExpressionAttributeValues"] = wired(values)
        if "#error" in change:
            update["ExpressionAttributeNames"] = {"#error": "error"}
        if condition:
            update["ConditionExpression"] = condition
        return {"Update": update}

    def _update(self, export: Export, change: str, values: Mapping[str, Any], condition: str | None = None) -> None:
        update = self._change(export, change, values, condition)["Update"]
        with refusals(f"export {export.name}"):
            client("dynamodb").update_item(**update)

    def _transact(self, items: Sequence[dict[str, Any]]) -> None:
        with refusals("an export's backlog"):
            client("dynamodb").transact_write_items(TransactItems=list(items))


def _text(moment: datetime | None) -> str:
    """Returns a text that sorts as the times do."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
