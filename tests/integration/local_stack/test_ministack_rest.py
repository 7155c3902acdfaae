"""MiniStack's rest before each execution is left out, and nothing else that Step Functions sleeps for."""

import inspect
import re
import time

import pytest
from ministack.services import stepfunctions

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
