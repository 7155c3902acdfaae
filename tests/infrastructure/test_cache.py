"""Directories that are made once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
