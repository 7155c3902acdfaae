"""MiniStack's state is saved while it runs, and never before it is loaded."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import requests
from ministack import app

from cadence.local.ministack.main import one_at_a_time, save_regularly, signalling
from cadence.local.supervision.supervisor import missing
from tests.integration.local_stack.conftest import EchoStack
from tests.waiting import eventually


def test_nothing_is_saved_before_the_stored_state_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    order: list[str] = []
    loaded = threading.Event()
    rests = iter([False, True])
    monkeypatch.setattr(app, "save_all", lambda services: order.append("saved"))
    saving = threading.Thread(target=save_regularly, args=(loaded, lambda _: next(rests), tmp_path / "saved"))
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
