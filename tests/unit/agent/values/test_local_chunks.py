"""Chunks that runners of one machine hand each other as files: each once, within bounds, none that is not stored."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.execution.workspace import sweep
from runner_bootstrap.agent.shared.errors import AgentError
from runner_bootstrap.agent.shared.termination import Termination
from runner_bootstrap.agent.values import local_chunks
from runner_bootstrap.agent.values.chunks import CHUNK_BYTES, FIRST_BYTES, ChunkBuffer, ChunkStore
from runner_bootstrap.agent.values.local_chunks import MOST_LEFT, LocalChunkStore

STREAM = "http://store.test/data/runs/run/t/1/x/{:012}?signature={}"


class Stored:
    """What the store has, and how often it was asked for a chunk."""

    def __init__(self) -> None:
        self.chunks: dict[str, bytes] = {}
        self.asked = 0
        self.refuses = False

    def put(self, _: ChunkStore, url: str, headers: Mapping[str, str], content: memoryview) -> None:
        if self.refuses:
            raise AgentError("an output cannot be uploaded")
        self.chunks[url.partition("?")[0]] = bytes(content)

    def get(self, _: ChunkStore, url: str, chunk: ChunkBuffer) -> bool:
        self.asked += 1
        content = self.chunks.get(url.partition("?")[0])
        if content is not None:
            chunk.put(content)
        return content is not None


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    stored = Stored()
    monkeypatch.setattr(ChunkStore, "put", lambda *arguments: stored.put(*arguments))
    monkeypatch.setattr(ChunkStore, "get", lambda *arguments: stored.get(*arguments))
    return stored


def runner(folder: Path, name: str) -> LocalChunkStore:
    return LocalChunkStore(folder, name, Termination())


def put(producer: LocalChunkStore, number: int, content: bytes) -> None:
    producer.put(STREAM.format(number, "put"), {}, memoryview(content))


def read(consumer: LocalChunkStore, number: int) -> bytes | None:
    chunk = ChunkBuffer()
    return bytes(chunk.content) if consumer.get_live(STREAM.format(number, "get"), chunk) else None


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != "lock")


@pytest.mark.parametrize("content", [b"", b"a line\n", bytes(range(256)) * 256, bytes(CHUNK_BYTES)])
def test_a_chunk_comes_from_the_producer_beside_it(stored: Stored, tmp_path: Path, content: bytes) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    assert read(consumer, 0) is None
    asked = stored.asked
    put(producer, 0, content)
    assert read(consumer, 0) == content
    assert stored.asked == asked
    assert list(stored.chunks.values()) == [content]
    assert files(tmp_path) == []


def test_each_of_several_consumers_has_its_own(stored: Stored, tmp_path: Path) -> None:
    producer, consumers = runner(tmp_path, "producer"), [runner(tmp_path, name) for name in "abc"]
    for consumer in consumers:
        read(consumer, 0)
    asked = stored.asked
    put(producer, 0, b"for all")
    assert [read(consumer, 0) for consumer in consumers] == [b"for all"] * 3
    assert stored.asked == asked


def test_nothing_is_left_where_nobody_reads_the_stream(stored: Stored, tmp_path: Path) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    consumer.get_live("http://store.test/data/runs/run/t/2/x/000000000000?signature=get", ChunkBuffer())
    put(producer, 0, b"of the first attempt")
    assert files(tmp_path) == []


def test_what_the_store_did_not_take_is_not_handed_on(stored: Stored, tmp_path: Path) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    read(consumer, 0)
    stored.refuses = True
    with pytest.raises(AgentError):
        put(producer, 0, b"lost")
    assert read(consumer, 0) is None
    assert files(tmp_path) == []


def test_the_store_is_not_asked_for_a_chunk_that_is_on_its_way(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    read(consumer, 0)
    asked = stored.asked
    found: list[bytes | None] = []

    def meanwhile(*arguments: Any) -> None:
        stored.put(*arguments)
        found.append(read(consumer, 0))

    monkeypatch.setattr(ChunkStore, "put", lambda *arguments: meanwhile(*arguments))
    put(producer, 0, b"on its way")
    assert (found, stored.asked) == ([None], asked)
    assert read(consumer, 0) == b"on its way"


def test_a_slow_consumer_downloads_what_was_too_much_to_lie_there(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    read(consumer, 0)
    for number in range(MOST_LEFT + 3):
        put(producer, number, b"%d" % number)
    assert len(files(tmp_path)) == MOST_LEFT
    monkeypatch.setattr(local_chunks, "STORE_EVERY", 0.0)
    assert [read(consumer, number) for number in range(MOST_LEFT + 3)] == [
        b"%d" % number for number in range(MOST_LEFT + 3)
    ]
    assert files(tmp_path) == []


def test_the_store_is_asked_seldom_while_chunks_come_from_this_machine(stored: Stored, tmp_path: Path) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    read(consumer, 0)
    put(producer, 0, b"first")
    read(consumer, 0)
    asked = stored.asked
    assert [read(consumer, 1) for _ in range(50)] == [None] * 50
    assert stored.asked - asked <= 1


def test_a_chunk_that_was_downloaded_meanwhile_does_not_stay(stored: Stored, tmp_path: Path) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    read(consumer, 0)
    put(producer, 0, b"twice")
    (left,) = [path for path in tmp_path.rglob("0*") if path.is_file()]
    chunk, content = ChunkBuffer(), left.read_bytes()
    left.unlink()

    def arriving(url: str, chunk: ChunkBuffer) -> bool:
        left.write_bytes(content)
        chunk.put(content)
        return True

    consumer.get = arriving  # type: ignore[method-assign]
    assert consumer.get_live(STREAM.format(0, "get"), chunk)
    assert files(tmp_path) == []


def test_what_is_left_is_removed_with_the_runner_or_after_it_was_killed(stored: Stored, tmp_path: Path) -> None:
    producer, consumer, killed = (runner(tmp_path, name) for name in ("producer", "consumer", "killed"))
    for each in (consumer, killed):
        read(each, 0)
    put(producer, 0, b"unread")
    assert len(files(tmp_path)) == 2
    consumer.close()
    assert len(files(tmp_path)) == 1
    assert list(sweep(tmp_path)) == []  # it is in use
    assert killed._own
    os.close(killed._own._lock)  # as the end of its process does
    assert len(list(sweep(tmp_path))) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_closed_runner_makes_nothing_new(stored: Stored, tmp_path: Path) -> None:
    consumer = runner(tmp_path, "consumer")
    consumer.close()
    assert read(consumer, 0) is None
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_only_means_a_download(stored: Stored, tmp_path: Path) -> None:
    parent = tmp_path / "workspaces"
    parent.write_text("a file")
    producer, consumer = runner(parent, "producer"), runner(parent, "consumer")
    assert read(consumer, 0) is None
    put(producer, 0, b"stored")
    assert read(consumer, 0) == b"stored"


def test_nothing_is_left_in_a_directory_that_others_can_write(stored: Stored, tmp_path: Path) -> None:
    producer, consumer = runner(tmp_path, "producer"), runner(tmp_path, "consumer")
    read(consumer, 0)
    next(tmp_path.glob("cadence-chunks-consumer-*")).chmod(0o777)
    put(producer, 0, b"a line\n")
    assert files(tmp_path) == []
    linked = tmp_path / "linked"
    linked.mkdir(mode=0o700)
    (tmp_path / "cadence-chunks-link").symlink_to(next(tmp_path.glob("cadence-chunks-consumer-*")).rename(linked / "x"))
    put(producer, 1, b"another line\n")
    assert files(tmp_path) == []


@pytest.mark.parametrize("size", [0, 1, FIRST_BYTES, FIRST_BYTES + 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_a_buffer_takes_what_a_file_has_without_growth_on_the_way(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    for expected in (0, size):
        chunk = ChunkBuffer()
        with path.open("rb", buffering=0) as file:
            chunk.fill(file, expected)
        assert chunk.content == path.read_bytes()[:CHUNK_BYTES]
        if expected:
            assert len(chunk.buffer) == min(max(size + 1, FIRST_BYTES), CHUNK_BYTES)
