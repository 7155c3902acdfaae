"""Blocks of lines: what agents send, what the stream and the segments hold of it."""

import gzip
import json
import random
import zlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.adapters.lines.log_records import LARGEST, decode, encode_block
from cadence.adapters.lines.segment_columns import packed_columns, unpacked_columns
from cadence.adapters.s3.fast_line_parser import quick_lines
from cadence.adapters.s3.log_segments import lines_of
from cadence.application.logs.accept_logs import AcceptLogs
from cadence.application.logs.ports import LogBatch, LogLine, LogSink, SentBlock
from cadence.domain.logs.line_block import MOST_BYTES, LineBlock, LineSpan
from cadence.domain.shared.errors import InvalidRequest
from tests.unit.logs.senders import NOW, sender

TIME = "2026-01-01T00:00:00.000Z"


def span(text: str, lines: int | None = None, **more: Any) -> tuple[LineSpan, str]:
    fields = {"time": TIME, "stream": "stdout", "level": "info", **more}
    return LineSpan(lines=lines or text.count("\n") + 1, size=len(text.encode()), **fields), text


def block(*spans: tuple[LineSpan, str], first: int = 1) -> LineBlock:
    packed = zlib.compress("".join(text for _, text in spans).encode())
    return LineBlock(first, [one for one, _ in spans], packed)


class Sink(LogSink):
    def __init__(self) -> None:
        self.taken: list[SentBlock] = []

    def put_block(self, sent: SentBlock) -> None:
        self.taken.append(sent)

    def put(self, batch: LogBatch) -> int:
        raise AssertionError("blocks are not taken line by line")


def accept(some: LineBlock) -> tuple[int, list[LogLine]]:
    sink = Sink()
    claimed = sender(followed_until=NOW + timedelta(seconds=1))
    accepted = AcceptLogs(sink, lambda: NOW).accept_block(claimed, some)
    assert accepted.followed
    batch = decode(encode_block(sink.taken[0]))
    assert (batch.run_id, batch.runner_id, batch.treatment) == (
        claimed.runner.run_id,
        claimed.runner.runner_id,
        claimed.runner.treatment,
    )
    return accepted.through, list(batch.lines)


def test_a_block_becomes_one_record_with_all_its_lines() -> None:
    through, lines = accept(
        block(
            span("one\ntwo\nüäß"),
            span("", stream="stderr"),
            span("of the agent,\nin one line", lines=1, stream="agent", level="warning"),
            span("a part", continued=True, step=3),
            first=41,
        )
    )
    assert through == 46
    assert lines == [
        LogLine(41, TIME, "stdout", "info", "one"),
        LogLine(42, TIME, "stdout", "info", "two"),
        LogLine(43, TIME, "stdout", "info", "üäß"),
        LogLine(44, TIME, "stderr", "info", ""),
        LogLine(45, TIME, "agent", "warning", "of the agent,\nin one line"),
        LogLine(46, TIME, "stdout", "info", "a part", continued=True, step=3),
    ]


def test_the_largest_block_fits_into_one_record() -> None:
    text = random.Random(1).randbytes(MOST_BYTES // 2).hex()
    spans = [
        LineSpan(lines=1, size=MOST_BYTES // 1000, time=TIME, stream="service:" + "x" * 63, level="warning")
    ] * 1000
    some = LineBlock(2**53 - 2000, spans, zlib.compress(text[: 1000 * (MOST_BYTES // 1000)].encode(), 0))
    sent = SentBlock(run_id="r" * 36, runner_id="r" * 80, treatment="t" * 512, attempt=1, block=some, pool="p" * 63)
    assert len(encode_block(sent)) < LARGEST + 100_000 < 1 << 20


@pytest.mark.parametrize(
    ("some", "problem"),
    [
        (LineBlock(1, [span("a")[0]], b"no zlib"), "is not compressed by zlib"),
        (LineBlock(1, [span("a")[0]], zlib.compress(b"ab")), "does not have the 1 bytes of its spans"),
        (LineBlock(1, [span("ab")[0]], zlib.compress(b"a")), "does not have the 2 bytes of its spans"),
        (LineBlock(1, [span("ab")[0]], zlib.compress(b"ab") + b"x"), "does not have the 2 bytes of its spans"),
        (LineBlock(1, [span("ab")[0]], zlib.compress(b"ab")[:-1]), "does not have the 2 bytes of its spans"),
        (LineBlock(1, [span("é")[0]], zlib.compress(b"\xc3\x28")), "is not text in UTF-8"),
        (block(span("a\nb", lines=3)), "has 2 lines, not 3"),
        (block(span("a\n" + "b" * 65_537)), "has a line of more than 65536 characters"),
        (block(span("x" * 65_537, lines=1)), "has a line of more than 65536 characters"),
        (block(*[span("\n" * 9_999)] * 3), "has 30000 lines; a request may have 20000"),
        (LineBlock(1, [span("x" * 60_000)[0]] * 14, b""), "has 840000 bytes; a request may have 786432"),
        (block(span("a", time="2026-02-30T00:00:00.000Z")), "is not a time of the calendar"),
    ],
)
def test_what_is_not_as_it_says_is_refused(some: LineBlock, problem: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        accept(some)
    assert problem in refused.value.violations[0].message


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(b"x" * (256 << 20), 9)
    with pytest.raises(InvalidRequest):
        LineBlock(1, [span("x")[0]], bomb).texts()


@pytest.mark.parametrize("cut", [0, 8, 11, 12, 20, -1])
def test_a_broken_record_is_no_batch(cut: int) -> None:
    sent = SentBlock(run_id="r", runner_id="r-1", treatment="t", attempt=1, block=block(span("a")))
    with pytest.raises(InvalidRequest):
        decode(encode_block(sent)[:cut])


lines = st.lists(
    st.fixed_dictionaries(
        {
            "seq": st.integers(1, 2**53),
            "time": st.sampled_from([TIME, "2026-01-01T00:00:00.001Z"]),
            "runner": st.sampled_from(["a-1", "b-1"]),
            "pool": st.sampled_from([None, "linux"]),
            "treatment": st.sampled_from(["build", "test"]),
            "attempt": st.integers(1, 2),
            "stream": st.sampled_from(["stdout", "stderr"]),
            "level": st.sampled_from(["info", "error"]),
            "text": st.text(st.characters(), max_size=9),
        },
        optional={"continued": st.just(True), "step": st.integers(1, 100), "gap": st.just({"first": 1, "last": 2})},
    ),
    min_size=1,
    max_size=20,
)


@given(lines)
def test_a_segment_has_the_lines_that_were_written(some: list[dict[str, Any]]) -> None:
    stored = packed_columns(some)
    assert stored == packed_columns(some)
    assert lines_of(stored) == quick_lines(stored) == some


@given(lines)
def test_segments_of_earlier_versions_are_read(some: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in some)
    stored = gzip.compress(text.encode("utf-8", "surrogatepass"), 3, mtime=0)
    assert lines_of(stored) == quick_lines(stored) == some


@pytest.mark.parametrize("content", [b"", b"\5\0\0\0[1,2]", b"\2\0\0\0{}", b"\1\0\0\0{"])
def test_what_holds_no_columns_is_no_segment(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpacked_columns(b"cdsegm2\n" + zlib.compress(content))
