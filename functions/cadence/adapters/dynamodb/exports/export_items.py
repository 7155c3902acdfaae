"""Items that exports have in the `telemetry` table, and their translation. Keys are in docs/architecture/storage.md."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from cadence.adapters.dynamodb.shared.plain_items import Item
from cadence.domain.exports.export import (
    Backfill,
    BackfillState,
    Export,
    ExportBatch,
    ExportStatus,
    Signal,
    StoredRequest,
)

HEAD = "HEAD"
SENT = "SENT"
PENDING = "PENDING#"
DEAD = "DEAD#"
_BACKFILL = "BACKFILL#"
_TIMES = ("refused_since", "retry_at", "delivered_at", "next_push")


def partition(export: Export) -> str:
    return f"EXPORT#{export.organization}#{export.name}"


def sort_key(where: str, parcel: ExportBatch) -> str:
    """Sorts in the order in which they arose; revived ones keep their key but count from their revival."""
    return f"{where}{parcel.since.astimezone(UTC).isoformat(timespec='milliseconds')}#{parcel.key}"


def standing_of(item: Item) -> ExportStatus:
    values: dict[str, Any] = {name: _time(item.get(name)) for name in _TIMES}
    values |= {name: max(0, int(item.get(name, 0))) for name in ("pending", "dead", "failures")}
    return ExportStatus(
        **values, retrying_since=_time(item.get("failing_since")), error=item.get("error") or item.get("refusal")
    )


def parcel_item(export: Export, where: str, parcel: ExportBatch) -> dict[str, Any]:
    item: dict[str, Any] = {
        "pk": partition(export),
        "sk": sort_key(where, parcel),
        "key": parcel.key,
        "since": parcel.since.isoformat(),
        "error": parcel.error,
    }
    if parcel.event is not None:
        item["event"] = json.dumps(parcel.event, separators=(",", ":"))
    if parcel.request is not None:
        request = parcel.request
        item |= {
            "path": request.path,
            "content_type": request.content_type,
            "encoding": request.encoding,
            "headers": json.dumps(dict(request.headers)),
            "body": request.body,
        }
    return item


def parcel_of(item: Item) -> ExportBatch:
    request = None
    if "body" in item:
        headers = json.loads(item["headers"])
        request = StoredRequest(
            path=item["path"],
            content_type=item["content_type"],
            body=item["body"],
            encoding=item.get("encoding"),
            headers=headers,
        )
    event = json.loads(item["event"]) if "event" in item else None
    return ExportBatch(
        key=item["key"],
        since=datetime.fromisoformat(item["since"]),
        event=event,
        request=request,
        error=item.get("error"),
    )


def backfill_prefix(organization: str, export: str) -> tuple[str, str]:
    return f"EXPORT#{organization}#{export}", _BACKFILL


def backfill_item(backfill: Backfill) -> dict[str, Any]:
    pk, prefix = backfill_prefix(backfill.organization, backfill.export)
    values = {field.name: getattr(backfill, field.name) for field in fields(backfill)}
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = value.isoformat()
    values |= {"signals": " ".join(sorted(backfill.signals)), "projects": " ".join(backfill.projects)}
    values["state"] = str(backfill.state)
    return {"pk": pk, "sk": prefix + backfill.backfill_id, **values}


def backfill_of(item: Item) -> Backfill:
    values: dict[str, Any] = {field.name: item[field.name] for field in fields(Backfill) if field.name in item}
    for name in ("since", "until", "requested_at", "finished_at"):
        values[name] = _time(values.get(name))
    values["signals"] = frozenset(map(Signal, values["signals"].split()))
    values["projects"] = tuple(values["projects"].split())
    values["state"] = BackfillState(values["state"])
    return Backfill(**values)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
