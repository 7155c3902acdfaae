"""An input whose data is gone."""

from typing import Any

import pytest

from runner_bootstrap.agent.shared.errors import AgentError
from runner_bootstrap.agent.shared.termination import Termination
from runner_bootstrap.agent.values import inputs
from runner_bootstrap.agent.values.chunks import ChunkBuffer, ChunkStore


class EmptyStore(ChunkStore):
    def get(self, url: str, chunk: ChunkBuffer) -> bool:
        return False


def test_a_chunk_that_is_not_there_although_its_stream_has_ended_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inputs, "LONGEST_MISSING", 0.0)
    end = {"size": 3, "sha256": "0" * 64, "chunks": 1}

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        downloads = [{"seq": 0, "url": "http://store/0"}]
        return {"epoch": 1, "state": "ended", "end": end, "downloads": downloads, "retry_after": 0}

    termination = Termination()
    download = inputs.InputDownload("source", answer, EmptyStore(termination), termination)
    with pytest.raises(AgentError, match="input source cannot be read: its stream has ended, but chunk 0"):
        download.read(lambda content: True)
