"""Inputs: what is asked of the gateway, and data that is gone."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.shared.errors import AgentError
from runner_bootstrap.agent.shared.termination import Termination
from runner_bootstrap.agent.values import inputs
from runner_bootstrap.agent.values.chunks import ChunkBuffer, ChunkStore
from runner_bootstrap.agent.values.local_chunks import LocalChunkStore


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


class OneStore(ChunkStore):
    """Each URL is a chunk that holds the URL's own text."""

    def get(self, url: str, chunk: ChunkBuffer) -> bool:
        chunk.put(url.encode())
        return True


def ended_input(chunks: int, first: int = 0, given: int = 8) -> dict[str, Any]:
    content = "".join(f"http://store/{seq}" for seq in range(chunks)).encode()
    return {
        "epoch": 1,
        "state": "ended",
        "end": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "chunks": chunks},
        "downloads": [{"seq": seq, "url": f"http://store/{seq}"} for seq in range(first, min(chunks, first + given))],
        "retry_after": 0,
    }


@pytest.mark.parametrize(("chunks", "most_asked"), [(0, 0), (1, 0), (8, 0), (20, 4)])
def test_what_came_with_the_assignment_is_not_asked_for(chunks: int, most_asked: int) -> None:
    positions = []

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        positions.append(request["next_seq"])
        return ended_input(chunks, request["next_seq"], 8)

    termination = Termination()
    received = bytearray()
    download = inputs.InputDownload("source", answer, OneStore(termination), termination, ended_input(chunks))

    def sink(content: memoryview) -> bool:
        received.extend(content)
        return True

    download.read(sink)
    assert received.decode() == "".join(f"http://store/{seq}" for seq in range(chunks))
    assert len(positions) <= most_asked
    assert 0 not in positions


def test_kept_content_that_differs_from_its_digest_fails_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, sent = b"the files of a commit", [b"the files of a c0mmit", b"the files of a commit"]
    digest = hashlib.sha256(content).hexdigest()
    end = {"size": len(content), "sha256": digest, "chunks": 1}
    answer = {
        "epoch": 1,
        "state": "ended",
        "end": end,
        "downloads": [{"seq": 0, "url": f"http://store/sources/acme/web/{digest}/0"}],
        "retry_after": 0,
    }

    def get(_: ChunkStore, url: str, chunk: ChunkBuffer) -> bool:
        chunk.put(sent.pop(0))
        return True

    monkeypatch.setattr(ChunkStore, "get", get)
    received = bytearray()

    def sink(given: memoryview) -> bool:
        received.extend(given)
        return True

    def read(runner: str) -> None:
        termination = Termination()
        store = LocalChunkStore(tmp_path, runner, termination)
        inputs.InputDownload("source", lambda _: answer, store, termination, answer).read(sink)

    with pytest.raises(AgentError, match="input source is damaged"):
        read("one")
    for runner in ("two", "three"):
        received.clear()
        read(runner)
        assert received == content
    assert sent == []
