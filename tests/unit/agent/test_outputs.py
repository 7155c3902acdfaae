"""How often an output asks for leave to send more."""

from typing import Any

import pytest

from runner_bootstrap.agent.chunks import Store
from runner_bootstrap.agent.credits import Credits, Requests
from runner_bootstrap.agent.ending import Ending
from runner_bootstrap.agent.errors import Stopped
from runner_bootstrap.agent.masking import Masker
from runner_bootstrap.agent.outputs import Output


class HourPassing(Ending):
    """Each wait passes at once; the assignment is stopped after an hour of them."""

    now = 1000.0

    def check(self) -> None:
        if self.now > 4600:
            raise Stopped


def test_a_producer_that_is_held_back_asks_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = HourPassing()
    asked: list[float] = []

    def deny(requests: Requests) -> Requests:
        asked.append(ending.now)
        return {name: {"uploads": [], "retry_after": 0.02} for name in requests}

    def wait(_: Any, seconds: float) -> bool:
        ending.now += 0.01
        return False

    monkeypatch.setattr("runner_bootstrap.agent.outputs.time.monotonic", lambda: ending.now)
    monkeypatch.setattr("runner_bootstrap.agent.credits.threading.Event.wait", wait)
    account = Credits(deny, ending)
    output = Output("data", account, Store(ending), ending, Masker([]), lambda error: None)
    with pytest.raises(Stopped):
        account.keep([output])

    pauses = [after - before for before, after in zip(asked, asked[1:])]
    assert pauses[0] == pytest.approx(0.02, abs=0.011)
    assert pauses[-1] == pytest.approx(1.0, abs=0.011)
    assert len(asked) < 3700
