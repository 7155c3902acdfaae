import io
import json
from pathlib import Path
from typing import Any

import pytest
from ministack.core import persistence
from ministack.services import lambda_svc

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


def test_what_is_saved_is_what_ministack_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    persistence_module: Any = persistence
    lambdas: Any = lambda_svc
    monkeypatch.setattr(persistence_module, "json", json)
    monkeypatch.setattr(lambdas, "_write_code_blob", lambdas._write_code_blob)
    monkeypatch.setattr(lambdas, "CODE_BLOB_DIR", str(tmp_path / "blobs"))
    monkeypatch.setattr(persistence_module, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(persistence_module, "PERSIST_STATE", True)
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
