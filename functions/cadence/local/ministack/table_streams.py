"""Delivers the changes of tables to Lambdas as AWS does, for MiniStack.

MiniStack keeps the records of a stream in memory for a day, and delivers each change at once, whatever the batching
window of the mapping. Here records are removed once all mappings of their table have read them, and windows are
honoured, since treatments wait for the time that further invocations take. Each mapping may be polled in a thread of
its own (`stream_threads`).

MiniStack saves how far each mapping has read, and not the records: after a start, it would skip as many new ones as
were read before. Here they are saved with the tables.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

_WINDOW = "MaximumBatchingWindowInSeconds"
_RECORDS, _REMOVED = "stream_records", "stream_trimmed"

P = ParamSpec("P")
R = TypeVar("R")
Mappings = Iterator[tuple[str, str, dict[str, Any]]]

_create = provisioners._lambda_esm_create  # noqa: SLF001 (no public way, here and below)
_poll = lambda_svc._poll_dynamodb_streams  # noqa: SLF001
_all_mappings = lambda_svc._iter_all_esms  # noqa: SLF001

_polled: ContextVar[str | None] = ContextVar("polled", default=None)
"""The one mapping that is polled in this thread; None for all."""

_removing = threading.RLock()
"""Held while records are removed or read: a position counts from the first record ever, those in memory from the first
one left."""


def install() -> None:
    """Lets MiniStack store and honour batching windows, poll one mapping, and remove records that have been read."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]  # noqa: SLF001
    handlers["create"] = create
    lambda_svc._iter_all_esms = _polled_mappings  # noqa: SLF001
    lambda_svc._poll_dynamodb_streams = poll  # noqa: SLF001
    for name in ("stream_records_since", "stream_start_position", "stream_end_position"):
        setattr(dynamodb, name, _while_none_are_removed(getattr(dynamodb, name)))
    dynamodb.get_state = saving(dynamodb.get_state)
    dynamodb.load_persisted_state = loading(dynamodb.load_persisted_state)


def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
    """Creates a mapping with its window, which MiniStack leaves out."""
    created = _create(logical_id, props, stack_name)
    if _WINDOW in props:
        lambda_svc._esms[created[0]][_WINDOW] = int(props[_WINDOW])  # noqa: SLF001
    return created


def saving(get_state: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Returns ``get_state`` of the tables with the records of their streams.

    They come after the tables, so that no change is saved without its record; and how many were removed after what is
    left, so that a position that was saved at any moment is never after the first record to be read.
    """

    def state() -> dict[str, Any]:
        return {**get_state(), _RECORDS: dynamodb._stream_records, _REMOVED: dynamodb._stream_trimmed}  # noqa: SLF001

    return state


def loading(load: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Returns what loads such a state."""

    def load_state(state: dict[str, Any]) -> None:
        load(state)
        dynamodb._stream_records.update(state.get(_RECORDS, {}))  # noqa: SLF001
        dynamodb._stream_trimmed.update(state.get(_REMOVED, {}))  # noqa: SLF001

    return load_state


def mappings() -> list[str]:
    """Returns the ids of the mappings that read changes of tables."""
    return [mapping["UUID"] for _, _, mapping in _all_mappings() if ":dynamodb:" in mapping.get("EventSourceArn", "")]


def poll() -> bool:
    """Polls all streams once, one after the other; returns whether changes were delivered."""
    processed = False
    for identifier in mappings():
        processed |= poll_one(identifier)
    return processed


def poll_one(identifier: str) -> bool:
    """Polls for one mapping, which pauses for its window if it has read everything."""
    found = next((each for each in _all_mappings() if each[2]["UUID"] == identifier), None)
    if found is None:
        return False
    account, region, mapping = found
    caller = get_account_id(), get_region()
    polled = _polled.set(identifier)
    set_request_account_id(account)
    set_request_region(region)
    try:
        _step_back(mapping)
        before = lambda_svc._dynamodb_stream_positions.get(identifier)  # noqa: SLF001
        processed = bool(_poll())
        _pause(mapping, before)
        _trim(mapping)
    finally:
        _polled.reset(polled)
        set_request_account_id(caller[0])
        set_request_region(caller[1])
    return processed


def _polled_mappings() -> Mappings:
    """Yields the mappings that MiniStack is to poll in this thread."""
    only = _polled.get()
    return (found for found in _all_mappings() if only in (None, found[2]["UUID"]))


def _while_none_are_removed(read: Callable[P, R]) -> Callable[P, R]:
    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        with _removing:
            return read(*args, **kwargs)

    return reading


def _step_back(mapping: dict[str, Any]) -> None:
    """Lets a mapping read from the end of the stream at most: what it has read beyond was not saved before a kill."""
    identifier, positions = mapping["UUID"], lambda_svc._dynamodb_stream_positions  # noqa: SLF001
    if identifier in positions:
        positions[identifier] = min(positions[identifier], dynamodb.stream_end_position(_table(mapping)))


def _table(mapping: dict[str, Any]) -> str:
    return str(mapping["EventSourceArn"]).partition(":table/")[2].partition("/")[0]


def _pause(mapping: dict[str, Any], was_at: int | None) -> None:
    identifier = mapping["UUID"]
    now_at = lambda_svc._dynamodb_stream_positions.get(identifier)  # noqa: SLF001
    if now_at is not None and was_at is not None and 0 < now_at - was_at < mapping.get("BatchSize", 100):
        lambda_svc._esm_backoff_until[identifier] = time.time() + mapping.get(_WINDOW, 0)  # noqa: SLF001


def _trim(mapping: dict[str, Any]) -> None:
    """Removes the records that every mapping of the stream has read."""
    arn, table = mapping["EventSourceArn"], _table(mapping)
    if (dynamodb._tables.get(table) or {}).get("LatestStreamArn") != arn:  # noqa: SLF001
        return
    with _removing:
        done = min(
            lambda_svc._dynamodb_stream_positions.get(other["UUID"], 0)  # noqa: SLF001
            for _, _, other in _all_mappings()
            if other.get("EventSourceArn") == arn
        )
        records = dynamodb._stream_records.get(table) or []  # noqa: SLF001
        trimmed = dynamodb._stream_trimmed  # noqa: SLF001
        removed = min(done - trimmed.get(table, 0), len(records))
        if removed > 0:
            del records[:removed]
            trimmed[table] = trimmed.get(table, 0) + removed
