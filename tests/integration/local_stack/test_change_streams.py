"""Streams of tables' changes on MiniStack: batches wait for their window, and what all have seen is forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core import persistence
from ministack.services import dynamodb, lambda_svc

from cadence.local.ministack import table_streams

TABLE = "changes-test"
STREAM = f"arn:aws:dynamodb:{lambda_svc.get_region()}:{lambda_svc.get_account_id()}:table/{TABLE}/stream/now"


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A table with a stream and one mapping with a window of a minute; how many records each call of its Lambda got."""
    calls: list[int] = []

    def execute(function: Any, event: dict[str, Any]) -> dict[str, Any]:
        calls.append(len(event["Records"]))
        return {}

    monkeypatch.setattr(lambda_svc, "_execute_function", execute)
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_qualifier", lambda *_: ({}, {}))
    dynamodb._tables[TABLE] = {"LatestStreamArn": STREAM}
    lambda_svc._esms["mapping"] = {
        "UUID": "mapping",
        "EventSourceArn": STREAM,
        "FunctionName": "observe",
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 3,
        "MaximumBatchingWindowInSeconds": 60,
    }
    yield calls
    for store in (dynamodb._tables, dynamodb._stream_records, dynamodb._stream_trimmed):
        store.pop(TABLE, None)
    for store in (lambda_svc._esms, lambda_svc._dynamodb_stream_positions, lambda_svc._esm_backoff_until):
        store.pop("mapping", None)


def write(count: int) -> None:
    records = dynamodb._stream_records.get(TABLE) or []
    dynamodb._stream_records[TABLE] = [*records, *({"eventName": "INSERT", "dynamodb": {}} for _ in range(count))]


def test_a_full_batch_is_followed_at_once_and_another_rests_for_the_window(invoked: list[int]) -> None:
    write(4)
    assert table_streams.poll()
    assert table_streams.poll()
    write(1)
    assert not table_streams.poll()
    assert invoked == [3, 1]
    lambda_svc._esm_backoff_until.pop("mapping", None)  # the window is over
    assert table_streams.poll()
    assert invoked == [3, 1, 1]


def test_what_all_have_seen_is_forgotten_and_nothing_else(invoked: list[int]) -> None:
    write(4)
    table_streams.poll()
    assert len(dynamodb._stream_records[TABLE]) == 1
    table_streams.poll()
    assert dynamodb._stream_records[TABLE] == []
    assert dynamodb._stream_trimmed[TABLE] == 4


def test_what_failed_is_kept_for_the_next_round(invoked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_svc, "_execute_function", lambda *_: {"error": True, "body": {}})
    write(2)
    assert not table_streams.poll()
    assert len(dynamodb._stream_records[TABLE]) == 2


def restart(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Saves the tables and how far mappings have read, forgets both as the end of the process does, and loads them."""
    monkeypatch.setattr(persistence, "STATE_DIR", str(folder))
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    persistence.save_state("dynamodb", table_streams.saving(dynamodb.get_state)())
    persistence.save_state("lambda", {"positions": lambda_svc._dynamodb_stream_positions})
    for store in (dynamodb._stream_records, dynamodb._stream_trimmed, lambda_svc._dynamodb_stream_positions):
        store.clear()
    table_streams.loading(dynamodb.load_persisted_state)(persistence.load_state("dynamodb"))
    lambda_svc._dynamodb_stream_positions.update(persistence.load_state("lambda")["positions"])


def test_after_a_restart_every_change_is_delivered_that_was_not_before(
    invoked: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(4)
    table_streams.poll()
    restart(monkeypatch, tmp_path)
    write(1)
    assert table_streams.poll()
    assert invoked == [3, 2]


def test_after_a_kill_the_next_change_is_delivered_though_more_was_read_than_saved(
    invoked: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(3)
    table_streams.poll()
    lambda_svc._dynamodb_stream_positions["mapping"] += 5
    restart(monkeypatch, tmp_path)
    assert not table_streams.poll()
    write(2)
    lambda_svc._esm_backoff_until.pop("mapping", None)
    assert table_streams.poll()
    assert invoked == [3, 2]
