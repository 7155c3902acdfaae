"""Lines that wait for the gateway: on the disk beyond what the memory may take, within a bound, and all in order."""

import random
import resource
import threading
import zlib
from pathlib import Path

import pytest

from runner_bootstrap.agent.logs.buffer import BLOCK_BYTES, BLOCK_LINES, BLOCK_SPANS, LogBuffer
from runner_bootstrap.agent.logs.masking import Masker
from runner_bootstrap.agent.logs.spill import FILE_BYTES, Block, BlockQueue
from tests.unit.agent.logs.log_blocks import lines_of_spans

PATIENCE = 20


def block(number: int, size: int = 1000) -> Block:
    return Block(number, number, [], random.Random(number).randbytes(size))


def buffer(queue: BlockQueue) -> LogBuffer:
    return LogBuffer(0.01, True, Masker([]), queue)


def test_blocks_come_back_in_order_from_memory_and_disk(tmp_path: Path) -> None:
    queue = BlockQueue(tmp_path, on_disk=1 << 20, in_memory=2500)
    for number in range(1, 40):
        queue.put(block(number))
        if number % 3 == 0:
            assert queue.first() == block(number // 3)
            queue.accept(number // 3)
    for number in range(14, 40):
        assert queue.first() == block(number)
        queue.accept(number)
    assert not queue
    assert list(tmp_path.iterdir()) == []  # the files have no names


def test_files_are_given_back_one_by_one(tmp_path: Path) -> None:
    queue = BlockQueue(tmp_path, in_memory=0)
    each = FILE_BYTES // 4
    for number in range(1, 10):
        queue.put(block(number, each))
    files = {id(stored.file): stored.file for stored in queue._blocks}
    assert len(files) == 3
    first, *others = files.values()
    assert first is not None
    queue.accept(3)
    open_files = [first.closed]
    queue.accept(4)
    assert [*open_files, first.closed] == [False, True]
    assert queue.first() == block(5, each)
    queue.accept(9)
    assert all(file is not None and file.closed for file in others)


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    queue = BlockQueue(tmp_path / "missing", in_memory=1000)
    assert queue.full is None
    queue.put(block(1))
    queue.put(block(2))
    assert "No such file or directory" in str(queue.full)
    assert queue.first() == block(1)
    queue.accept(1)
    assert queue.first() == block(2)


@pytest.mark.parametrize("room", [0, 9000, 9999])
def test_a_disk_that_becomes_full_loses_nothing_that_was_written_before(tmp_path: Path, room: int) -> None:
    queue = BlockQueue(tmp_path, in_memory=0)
    queue.put(block(1, 10_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000 + room, hard))
    try:
        queue.put(block(2, 10_000))
        assert "nothing more can be written to this runner's disk" in str(queue.full)
        for number in (1, 2):
            assert queue.first() == block(number, 10_000)
            queue.accept(number)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_buffer_makes_the_command_wait_and_says_so(tmp_path: Path) -> None:
    queue = BlockQueue(tmp_path, on_disk=1 << 20, in_memory=1 << 18)
    waiting = buffer(queue)
    texts = [random.Random(number).randbytes(100_000).hex() for number in range(40)]

    def write() -> None:
        for text in texts:
            waiting.add("stdout", "info", text)
        waiting.flush()

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(1)
    assert writer.is_alive()  # four megabytes in all, of which the bounds let little more than one in
    received = []
    while taken := waiting.next_block():
        received += [(line["stream"], line["text"]) for line in lines_of_spans(taken.first, taken.spans, taken.packed)]
        waiting.accept(taken.last)
    writer.join(PATIENCE)
    assert [text for stream, text in received if stream == "stdout"] == texts
    told = [text for stream, text in received if stream == "agent"]
    assert len(told) == 1
    assert "The command waits until lines are sent. No line is lost." in told[0]


@pytest.mark.parametrize(
    ("spans", "lines", "size"), [(BLOCK_SPANS + 1, 1, 0), (5, BLOCK_LINES // 2, 0), (9, 2, 256 << 10)]
)
def test_no_block_is_larger_than_a_request_may_be(spans: int, lines: int, size: int) -> None:
    waiting = LogBuffer(60, False, Masker([]))
    text = "x" * (size - lines + 1) + "\n" * (lines - 1)
    for _ in range(spans):
        waiting.add("stdout", "info", text, lines=lines)
    waiting.flush()
    first = 1
    while taken := waiting.next_block():
        assert taken.first == first
        assert taken.last - taken.first < BLOCK_LINES
        assert len(taken.spans) <= BLOCK_SPANS
        assert len(zlib.decompress(taken.packed)) <= BLOCK_BYTES
        first = taken.last + 1
        waiting.accept(taken.last)
    assert first == spans * lines + 1
