"""Directories that are made once."""

import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.cache import cached


def test_of_many_that_need_the_same_at_once_one_makes_it(tmp_path: Path) -> None:
    together, made = threading.Barrier(4), list[Path]()

    def fill(target: Path) -> None:
        made.append(target)
        (target / "content").write_text("once")

    def need(_: int) -> str:
        together.wait()
        return (cached(tmp_path, "name", fill) / "content").read_text()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(need, range(4))) == ["once"] * 4
    assert len(made) == 1


def test_what_was_not_finished_is_made_again(tmp_path: Path) -> None:
    def interrupted(target: Path) -> None:
        (target / "half").touch()
        raise KeyboardInterrupt

    try:
        cached(tmp_path, "name", interrupted)
    except KeyboardInterrupt:
        assert not (tmp_path / "name").exists()
    assert not list(cached(tmp_path, "name", lambda target: None).iterdir())


def test_what_another_process_finishes_during_the_cleaning_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = tmp_path / ".unfinished-of-another"
    unfinished.mkdir()
    listing = Path.iterdir

    def listed_then_finished(directory: Path) -> Iterator[Path]:
        found = list(listing(directory))
        shutil.rmtree(unfinished, ignore_errors=True)  # as another process does once it has renamed its content
        return iter(found)

    monkeypatch.setattr(Path, "iterdir", listed_then_finished)
    assert cached(tmp_path, "name", lambda target: None).is_dir()


def test_what_another_process_removes_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[Path]()
    cached(tmp_path, "name", made.append)
    marking = os.utime

    def removed_just_before(path: Path) -> None:
        monkeypatch.setattr(os, "utime", marking)
        shutil.rmtree(path)
        marking(path)

    monkeypatch.setattr(os, "utime", removed_just_before)
    assert cached(tmp_path, "name", made.append).is_dir()
    assert len(made) == 2
