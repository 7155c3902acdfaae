"""Whatever a killed agent leaves of a directory for one assignment is removed by a later sweep."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.execution.workspace import ABANDONED_SECONDS, LockedDirectory, sweep


def used(parent: Path) -> LockedDirectory:
    directory = LockedDirectory(parent, "one")
    for name in ("a", "b", "c"):
        (directory.path / name).mkdir()
        (directory.path / name / "file").write_text("content")
    return directory


def test_an_agent_killed_while_it_removes_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = used(tmp_path)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", killed)
        with pytest.raises(SystemExit):
            directory.remove()
    assert list(sweep(tmp_path)) == []  # its agent is still there
    os.close(directory._lock)  # as the end of its process does
    assert list(sweep(tmp_path)) == [directory.path]
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_deleted_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = used(tmp_path)
    unlink = os.unlink

    def of_another_user(name: str, *, dir_fd: int) -> None:
        if name == "file":
            raise PermissionError
        unlink(name, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", of_another_user)
        directory.remove()
    assert directory.path.exists()
    assert list(sweep(tmp_path)) == [directory.path]
    assert list(tmp_path.iterdir()) == []


def test_an_agent_killed_before_it_locks_a_directory(tmp_path: Path) -> None:
    new, others = tmp_path / "cadence-new", tmp_path / "cadence-others"
    new.mkdir()
    others.mkdir()
    (others / "file").write_text("content")
    assert list(sweep(tmp_path)) == []
    long_ago = time.time() - ABANDONED_SECONDS - 1
    for directory in (new, others):
        os.utime(directory, (long_ago, long_ago))
    assert list(sweep(tmp_path)) == [new]
    assert list(tmp_path.iterdir()) == [others]
