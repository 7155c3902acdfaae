"""MiniStack's rest before each execution is left out, and nothing else that Step Functions sleeps for; so is the client
of a container daemon.
"""

import importlib
import inspect
import re
import resource
import sys
import time
from types import SimpleNamespace

import pytest
from ministack.services import stepfunctions

from cadence.local.ministack import __main__ as program
from cadence.local.ministack import main


def test_the_rest_is_left_out_and_other_sleeps_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for seconds in (main.EXECUTION_DELAY, 1, 0.5):
        main.sleep_unless_delaying(seconds)
    assert slept == [1, 0.5]


def test_ministack_still_rests_exactly_so_long_before_an_execution() -> None:
    """Fails when a new MiniStack changes it: then the replacement is adapted or goes."""
    sleeps = re.findall(r"time\.sleep\(([0-9.]+)\)", inspect.getsource(stepfunctions._run_execution))
    assert [float(seconds) for seconds in sleeps] == [main.EXECUTION_DELAY]


@pytest.mark.parametrize(
    ("limits", "set_to"),
    [
        ((1_024, resource.RLIM_INFINITY), [(10_000, resource.RLIM_INFINITY)]),
        ((1_024, 4_096), [(4_096, 4_096)]),
        ((20_000, 20_000), []),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), []),
    ],
    ids=["raised", "as-far-as-allowed", "enough", "unlimited"],
)
def test_many_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], set_to: list[tuple[int, int]]
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: given.append(wanted))

    main.allow_open_files()

    assert given == set_to


def test_the_client_of_a_container_daemon_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def imported(name: str) -> SimpleNamespace:
        with pytest.raises(ImportError):
            __import__("docker")
        return SimpleNamespace(main=lambda: started.append(name))

    monkeypatch.setitem(sys.modules, "docker", SimpleNamespace())
    monkeypatch.setattr(importlib, "import_module", imported)

    program.main()

    assert started == ["cadence.local.ministack.main"]
