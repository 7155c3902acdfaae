import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import dynamodb, kinesis, lambda_svc, sqs, stepfunctions

from cadence.local.ministack import light_saves


def test_an_archive_is_hashed_again_only_if_its_file_is_gone(tmp_path: Path) -> None:
    calls: list[bytes] = []

    def write(content: bytes) -> str:
        calls.append(content)
        (tmp_path / str(len(content))).write_bytes(content)
        return str(len(content))

    once = light_saves.once(write, lambda digest: tmp_path / digest)
    one, other = b"one" * 100, b"other" * 100
    assert [once(one), once(other), once(one), once(other)] == ["300", "500", "300", "500"]
    assert calls == [one, other]
    (tmp_path / "300").unlink()
    assert [once(one), once(other)] == ["300", "500"]
    assert calls == [one, other, one]
    assert (tmp_path / "300").read_bytes() == one


@pytest.fixture
def _uninstalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `install` changes is as it was after the test."""
    for module, names in (
        (persistence, ("json", "_json_default")),
        (lambda_svc, ("_write_code_blob", "get_state")),
        *((service, ("get_state",)) for service in (dynamodb, kinesis, sqs, stepfunctions)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)


@pytest.mark.usefixtures("_uninstalled")
def test_what_is_saved_is_what_ministack_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    persistence_module: Any = persistence
    lambdas: Any = lambda_svc
    monkeypatch.setattr(persistence_module, "json", json)
    monkeypatch.setattr(lambdas, "CODE_BLOB_DIR", str(tmp_path / "blobs"))
    state = {"name": "é", "bytes": b"\x00\xff", "list": [1, 2.5, None, True], "nested": {"a": {}}}
    persistence_module.save_state("thing", state)
    before = (tmp_path / "thing.json").read_text()
    light_saves.install()
    persistence_module.save_state("thing", state)
    assert (tmp_path / "thing.json").read_text() == before
    assert persistence_module.load_state("thing") == state
    digest = lambdas._write_code_blob(b"archive")
    assert lambdas._write_code_blob(b"archive") == digest
    assert lambdas._read_code_blob(digest) == b"archive"


def test_dumped_is_what_json_dumps() -> None:
    ours, theirs = io.StringIO(), io.StringIO()
    value = {"a": [1, "ü", {"b": None}], "c": b"bytes"}
    light_saves.dump(value, ours, default=repr)
    json.dump(value, theirs, default=repr)
    assert ours.getvalue() == theirs.getvalue()


@pytest.mark.usefixtures("_uninstalled")
def test_services_are_saved_as_ministack_saves_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables: Any = AccountRegionScopedDict()
    tables.set_scoped("1", "eu-west-1", "runs", {"items": {"a": {"1": {"pk": {"S": "a"}}}}, "_index_members": {"x": 1}})
    queues: Any = AccountScopedDict()
    queues._data["1", "queue"] = {"messages": [{"body": b"x"}]}
    monkeypatch.setattr(dynamodb, "_tables", tables)
    monkeypatch.setattr(sqs, "_queues", queues)
    before = list(saved(tmp_path))
    light_saves.install()
    assert list(saved(tmp_path)) == before
    assert '"pk"' in before[0]


@pytest.mark.usefixtures("_uninstalled")
def test_lambdas_are_saved_as_ministack_saves_them_while_others_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lambdas: Any = lambda_svc
    functions: Any = AccountRegionScopedDict()
    positions: Any = AccountRegionScopedDict()
    for number in range(200):
        version = {"config": {"Version": "1"}, "code_zip": b"archive"}
        function = {"config": {"a": [number]}, "code_zip": b"archive", "versions": {"1": version}}
        functions.set_scoped("1", "eu-west-1", f"function-{number}", function)
    monkeypatch.setattr(lambda_svc, "CODE_BLOB_DIR", str(tmp_path / "blobs"))
    monkeypatch.setattr(lambda_svc, "_functions", functions)
    monkeypatch.setattr(lambda_svc, "_kinesis_positions", positions)
    persistence.save_state("lambda", lambdas.get_state())
    before = (tmp_path / "lambda.json").read_text()
    light_saves.install()
    persistence.save_state("lambda", lambdas.get_state())
    assert (tmp_path / "lambda.json").read_text() == before
    assert "code_blob_ref" in before
    assert next(iter(functions._data.values()))["code_zip"] == b"archive"

    ended = threading.Event()

    def add() -> None:
        number = 0
        while not ended.is_set():
            number = (number + 1) % 1_000
            if not number:
                for key in [key for key in functions._data if key[2].startswith("added")]:
                    del functions._data[key]
                positions._data.clear()
            functions.set_scoped("1", "eu-west-1", f"added-{number}", {"config": {}, "versions": {}})
            positions.set_scoped("1", "eu-west-1", f"added-{number}", "1")

    adding = threading.Thread(target=add)
    adding.start()
    try:
        for _ in range(20):
            (tmp_path / "lambda.json").unlink(missing_ok=True)
            persistence.save_state("lambda", lambdas.get_state())
            assert (tmp_path / "lambda.json").exists()
    finally:
        ended.set()
        adding.join()


def saved(folder: Path) -> Iterator[str]:
    for module in (dynamodb, kinesis, sqs, stepfunctions):
        service: Any = module
        persistence.save_state("service", service.get_state())
        yield (folder / "service.json").read_text()


@pytest.mark.usefixtures("_uninstalled")
def test_items_and_executions_are_saved_while_others_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items: dict[str, Any] = {str(number): {"1": {"pk": {"S": str(number)}}} for number in range(20_000)}
    tables: Any = AccountRegionScopedDict()
    tables.set_scoped("1", "eu-west-1", "runs", {"items": items})
    executions: Any = AccountRegionScopedDict()
    monkeypatch.setattr(dynamodb, "_tables", tables)
    monkeypatch.setattr(stepfunctions, "_executions", executions)
    light_saves.install()
    ended = threading.Event()

    def add() -> None:
        while not ended.is_set():
            items[f"added-{len(items)}"] = {"1": {"pk": {"S": "added"}}}
            executions.set_scoped("1", "eu-west-1", f"execution-{len(items)}", {"status": "RUNNING"})
            if len(items) > 40_000:
                items.clear()
                executions._data.clear()

    adding = threading.Thread(target=add)
    adding.start()
    try:
        for _ in range(5):
            for module in (dynamodb, stepfunctions):
                service: Any = module
                (tmp_path / "service.json").unlink(missing_ok=True)
                persistence.save_state("service", service.get_state())
                assert (tmp_path / "service.json").exists()
    finally:
        ended.set()
        adding.join()
