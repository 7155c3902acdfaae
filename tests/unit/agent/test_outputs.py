"""How often an output asks for leave to send more, and what it does when that has expired."""

import contextlib
import io
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Optional

import pytest

from runner_bootstrap.agent.logs.masking import Masker
from runner_bootstrap.agent.shared.errors import Stopped
from runner_bootstrap.agent.shared.termination import Termination
from runner_bootstrap.agent.values.chunks import FIRST_BYTES, ChunkStore, UrlExpired
from runner_bootstrap.agent.values.outputs import UPLOADERS, OutputUpload
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


class ExpiringStore(ChunkStore):
    """Refuses the first URL of each of so many chunks, all at the same moment."""

    def __init__(self, termination: Termination, chunks: int) -> None:
        super().__init__(termination)
        self.together = threading.Barrier(chunks, timeout=30)
        self.refused: set[str] = set()
        self.stored: dict[str, int] = {}

    def put(self, url: str, headers: Mapping[str, str], content: memoryview) -> None:
        if len(content) and url not in self.refused:
            self.refused.add(url)
            self.together.wait()
            raise UrlExpired
        self.stored[url] = len(content)


def test_all_uploads_at_a_time_may_find_their_urls_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner_bootstrap.agent.values.chunks.CHUNK_BYTES", FIRST_BYTES)
    termination, failures = Termination(), list[Exception]()
    store = ExpiringStore(termination, UPLOADERS)
    (tmp_path / "value").write_bytes(bytes(UPLOADERS * FIRST_BYTES))

    def grant(requests: Requests) -> Requests:
        return {
            name: {
                "uploads": [
                    {"seq": request["next_seq"] + index, "url": str(request["next_seq"] + index)}
                    for index in range(len(request["wanted"]))
                ]
            }
            for name, request in requests.items()
        }

    upload_credits = UploadCredits(grant, termination)

    def failed(error: Exception) -> None:
        failures.append(error)
        termination.decide("failed", str(error))

    output = OutputUpload("data", upload_credits, store, termination, Masker([]), failed)
    output.follow_file(io.FileIO(tmp_path / "value"))
    with contextlib.suppress(Stopped):
        upload_credits.serve([output])

    assert failures == []
    assert store.stored == {**{str(seq): FIRST_BYTES for seq in range(UPLOADERS)}, str(UPLOADERS): 0}
