"""How often an output asks for leave to send more."""

import threading
from types import SimpleNamespace
from typing import Optional

import pytest

from runner_bootstrap.agent.logs.masking import Masker
from runner_bootstrap.agent.shared.errors import Stopped
from runner_bootstrap.agent.shared.termination import Termination
from runner_bootstrap.agent.values.chunks import ChunkStore
from runner_bootstrap.agent.values.outputs import OutputUpload
from runner_bootstrap.agent.values.upload_credits import Requests, UploadCredits


class HourPassing(Termination):
    """Each wait passes at once; the assignment is stopped after an hour of them."""

    now = 1000.0

    def check(self) -> None:
        if self.now > 4600:
            raise Stopped


def test_a_producer_that_is_held_back_asks_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    termination = HourPassing()
    asked: list[float] = []

    def deny(requests: Requests) -> Requests:
        asked.append(termination.now)
        return {name: {"uploads": [], "retry_after": 0.02} for name in requests}

    class PassingEvent(threading.Event):
        def wait(self, timeout: Optional[float] = None) -> bool:
            termination.now += 0.01
            return False

    # Only what these two modules see is replaced: threads that other tests left behind wait by the real clock.
    monkeypatch.setattr(
        "runner_bootstrap.agent.values.outputs.time", SimpleNamespace(monotonic=lambda: termination.now)
    )
    monkeypatch.setattr("runner_bootstrap.agent.values.upload_credits.threading", SimpleNamespace(Event=PassingEvent))
    upload_credits = UploadCredits(deny, termination)
    output = OutputUpload(
        name="data",
        upload_credits=upload_credits,
        store=ChunkStore(termination),
        termination=termination,
        masker=Masker([]),
        failed=lambda error: None,
    )
    output._waiting[0] = {"size": 10, "sha256": "0" * 64}  # a chunk that was read, and has no URL yet
    with pytest.raises(Stopped):
        upload_credits.serve([output])

    pauses = [after - before for before, after in zip(asked, asked[1:])]
    assert pauses[0] == pytest.approx(0.02, abs=0.011)
    assert pauses[-1] == pytest.approx(1.0, abs=0.011)
    assert len(asked) < 3700
