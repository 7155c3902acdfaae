"""MiniStack's state is saved while it runs, and never before it is loaded."""

import logging
import os
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from ministack import app

from cadence.local.ministack.main import one_at_a_time, save_regularly, signalling
from cadence.local.ministack.saved_mark import marking
from cadence.local.shared.paths import StackPaths
from cadence.local.supervision import saves
from cadence.local.supervision.saves import late_save, missing, unsaved_end
from tests.integration.local_stack.conftest import EchoStack
from tests.waiting import eventually


def test_nothing_is_saved_before_the_stored_state_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    loaded = threading.Event()
    rests = iter([False, True])
    monkeypatch.setattr(app, "save_all", lambda services: order.append("saved"))
    saving = threading.Thread(target=save_regularly, args=(loaded, lambda _: next(rests)))
    saving.start()
    signalling(lambda: order.append("loaded"), loaded)()
    saving.join(180)
    assert order == ["loaded", "saved"]


def test_saves_take_turns() -> None:
    inside: list[int] = []
    most: list[int] = []

    def save(_: dict[str, object]) -> None:
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.pop()

    careful = one_at_a_time(save)
    threads = [threading.Thread(target=careful, args=({},)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(180)
    assert most == [1, 1, 1, 1]


def test_what_was_saved_while_running_survives_the_kill_of_everything(echo: EchoStack) -> None:
    connection = echo.up()
    stored = echo.paths.state / "dynamodb.json"
    requests.put(f"{connection.url}/v1/keep", data="saved-while-running", timeout=120).raise_for_status()
    assert eventually(lambda: stored.exists() and "saved-while-running" in stored.read_text())
    for name in ("ministack", "supervisor"):
        os.kill(echo.process(name).pid, signal.SIGKILL)
    assert eventually(lambda: echo.alive() == []), echo.alive()
    now = time.time()
    for file in echo.paths.state.iterdir():
        os.utime(file, (now - 600, now - 600))
    os.utime(echo.paths.log("ministack"), (now - 350, now - 350))
    os.utime(echo.paths.log("host-agent"), (now - 400, now - 400))
    again = echo.up()
    assert "continuing from the state saved at" in echo.words
    assert "; 5 minutes may be missing" in echo.words
    assert requests.get(f"{again.url}/v1/last", timeout=120).json() == "saved-while-running"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "less than a minute"), (59, "less than a minute"), (60, "a minute"), (61, "2 minutes"), (3600, "60 minutes")],
)
def test_what_a_killed_stack_may_have_lost(seconds: float, words: str) -> None:
    assert missing(seconds) == words


def test_a_save_is_marked_unless_something_could_not_be_saved(tmp_path: Path) -> None:
    mark, logger = tmp_path / "saved", logging.getLogger("cadence.tests.saves")
    failing = [True, False]

    def save_all(_: dict[str, object]) -> None:
        if failing.pop(0):
            logger.error("Persistence: failed to save dynamodb: No space left on device")

    save = marking(save_all, mark, logger)
    save({})
    assert not mark.exists()
    save({})
    assert mark.exists()


@pytest.mark.parametrize(
    ("age", "full", "warning"),
    [
        (119, False, None),
        (121, False, "see "),
        (29, True, None),
        (31, True, "is full. If the stack ended now, less than a minute would be missing."),
        (600, True, "10 minutes would be missing"),
    ],
)
def test_a_stack_that_does_not_save_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, age: int, full: bool, warning: str | None
) -> None:
    paths = StackPaths.of(tmp_path)
    paths.make()
    assert late_save(paths) is None
    (paths.state / "saved").touch()
    os.utime(paths.state / "saved", (1000, 1000))
    free = SimpleNamespace(free=0 if full else 1 << 30)
    monkeypatch.setattr(saves, "shutil", SimpleNamespace(disk_usage=lambda _: free))
    found = late_save(paths, 1000.0 + age)
    assert (warning in found) if warning and found else found is warning
    ended = unsaved_end(paths, 1000.0 + age)
    assert ended and f"{missing(age)} may be missing" in ended
    assert unsaved_end(paths, 999.0) is None


def test_a_stack_that_cannot_save_at_its_end_says_so(echo: EchoStack) -> None:
    echo.up()
    # In the place of the file that a save writes first.
    obstacle, log = echo.paths.state / "dynamodb.json.tmp", echo.paths.log("ministack")
    assert eventually(lambda: _made(obstacle))
    assert eventually(lambda: "failed to save dynamodb" in log.read_text())
    assert echo.down()
    assert "warning: The state could not be saved at the end: see " in echo.words


def _made(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return folder.is_dir()
    return True
