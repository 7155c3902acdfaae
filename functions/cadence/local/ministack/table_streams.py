"""Delivers the changes of tables to Lambdas as AWS does, for MiniStack.

MiniStack keeps the records of a stream in memory for a day, and delivers each change at once, whatever the batching
window
of the mapping. Here records are removed once all mappings of their table have read them, and windows are honoured,
since
treatments wait for the time that further invocations take.
"""

import time
from typing import Any

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

_WINDOW = "MaximumBatchingWindowInSeconds"

_create = provisioners._lambda_esm_create  # noqa: SLF001 (no public way, here and below)
_poll = lambda_svc._poll_dynamodb_streams  # noqa: SLF001


def install() -> None:
    """Lets MiniStack store and honour batching windows, and remove records that have been read."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]  # noqa: SLF001
    handlers["create"] = create
    lambda_svc._poll_dynamodb_streams = poll  # noqa: SLF001


def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
    """Creates a mapping with its window, which MiniStack leaves out."""
    created = _create(logical_id, props, stack_name)
    if _WINDOW in props:
        lambda_svc._esms[created[0]][_WINDOW] = int(props[_WINDOW])  # noqa: SLF001
    return created


def poll() -> bool:
    """Polls all streams once. A mapping that has read everything pauses for its window."""
    before = dict(lambda_svc._dynamodb_stream_positions._data)  # noqa: SLF001
    processed = bool(_poll())
    account, region = get_account_id(), get_region()
    try:
        for owner, place, mapping in lambda_svc._iter_all_esms():  # noqa: SLF001
            if ":dynamodb:" in mapping.get("EventSourceArn", ""):
                set_request_account_id(owner)
                set_request_region(place)
                _pause(mapping, before)
        for key in list(dynamodb._stream_records._data):  # noqa: SLF001
            set_request_account_id(key[0])
            set_request_region(key[1])
            _trim(key[-1])
    finally:
        set_request_account_id(account)
        set_request_region(region)
    return processed


def _pause(mapping: dict[str, Any], before: dict[Any, int]) -> None:
    positions = lambda_svc._dynamodb_stream_positions  # noqa: SLF001
    identifier = mapping["UUID"]
    now_at = positions.get(identifier)
    was_at = next((position for key, position in before.items() if key[-1] == identifier), now_at)
    if now_at is not None and was_at is not None and 0 < now_at - was_at < mapping.get("BatchSize", 100):
        lambda_svc._esm_backoff_until[identifier] = time.time() + mapping.get(_WINDOW, 0)  # noqa: SLF001


def _trim(table: str) -> None:
    """Removes the records that every mapping of the table has read."""
    arn = (dynamodb._tables.get(table) or {}).get("LatestStreamArn")  # noqa: SLF001
    seen = [
        lambda_svc._dynamodb_stream_positions.get(mapping["UUID"], 0)  # noqa: SLF001
        for _, _, mapping in lambda_svc._iter_all_esms()  # noqa: SLF001
        if mapping.get("EventSourceArn") == arn
    ]
    if not seen:
        return
    records = dynamodb._stream_records.get(table) or []  # noqa: SLF001
    trimmed = dynamodb._stream_trimmed  # noqa: SLF001
    done = min(min(seen) - trimmed.get(table, 0), len(records))
    if done > 0:
        del records[:done]
        trimmed[table] = trimmed.get(table, 0) + done
