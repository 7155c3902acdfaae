"""How often an output asks for leave to send more."""

from typing import Any

import pytest

from runner_bootstrap.agent import outputs
from runner_bootstrap.agent.chunks import Store
from runner_bootstrap.agent.ending import Ending
from runner_bootstrap.agent.errors import Stopped
from runner_bootstrap.agent.masking import Masker


class HourPassing(Ending):
    """Each sleep passes at once; the assignment is stopped after an hour of them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if sum(self.slept) > 3600:
            raise Stopped


def test_a_producer_that_is_held_back_asks_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = HourPassing()
    monkeypatch.setattr("runner_bootstrap.agent.outputs.time.monotonic", lambda: ending.now)

    def deny(request: dict[str, Any]) -> dict[str, Any]:
        return {"uploads": [], "retry_after": 0.02}

    output = outputs.Output("data", deny, Store(ending), ending, Masker([]), lambda error: None)
    with pytest.raises(Stopped):
        output._keep_credits()

    assert ending.slept[0] == 0.02
    assert ending.slept[-1] == 1.0
    assert len(ending.slept) < 3700
