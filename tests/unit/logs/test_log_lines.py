"""Logs as the indexer writes them and readers see them, on fakes: whatever order and repetition the lines come in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.adapters.lines.log_records import LARGEST, decode, encode, split
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import Line, LogBatch, LogLine
from cadence.application.logs.read_logs import ReadLogs, line_filter
from cadence.domain.logs.log import Gap, Watermark, detected_level
from cadence.domain.search.query import Query
from cadence.domain.shared.errors import InvalidRequest, Transient
from tests.fakes.logs import FakeFollowers, FakeLogIndex, FakeLogSegments
from tests.fakes.runs import a_run

RUN = "run"
Delivered = tuple[dict[str, set[int]], list[list[LogBatch]]]


class Log:
    def __init__(self) -> None:
        self.index = FakeLogIndex()
        self.segments = FakeLogSegments()
        self.followers = FakeFollowers()
        self.write = IndexLogs(self.index, self.segments, a_run)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.slept: list[float] = []
        self.reader = ReadLogs(
            index=self.index, segments=self.segments, followers=self.followers, clock=lambda: self.now, sleep=self.sleep
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def lines(self) -> list[Line]:
        return [line for _, _, line in self.reader.tail(RUN, limit=10**6).lines]


def batch(*numbers: int, runner: str = "r", text: str = "line {}", treatment: str = "build") -> LogBatch:
    lines = [
        LogLine(
            seq=n,
            time=f"2026-01-01T00:{n // 60:02}:{n % 60:02}.000Z",
            stream="stdout",
            level="info",
            text=text.format(n),
        )
        for n in numbers
    ]
    return LogBatch(run_id=RUN, runner_id=runner, treatment=treatment, attempt=1, lines=lines)


@st.composite
def deliveries(draw: st.DrawFn) -> Delivered:
    """Lines of up to three runners, some lost for good, in batches that are repeated and reordered at will."""
    sent: dict[str, set[int]] = {}
    batches: list[LogBatch] = []
    for runner in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)):
        numbers = draw(st.sets(st.integers(1, 40), min_size=1))
        sent[runner] = numbers
        remaining = sorted(numbers)
        while remaining:
            size = draw(st.integers(1, 6))
            batches.append(batch(*remaining[:size], runner=runner))
            remaining = remaining[size:]
    repeated = draw(st.lists(st.sampled_from(batches), max_size=5))
    order = draw(st.permutations(batches + repeated))
    cuts = draw(st.lists(st.integers(0, len(order)), max_size=6).map(sorted))
    return sent, [list(order[start:stop]) for start, stop in zip([0, *cuts], [*cuts, len(order)], strict=True)]


@settings(max_examples=60)
@given(deliveries())
def test_each_line_is_written_exactly_once_and_what_is_missing_is_shown(delivered: Delivered) -> None:
    sent, invocations = delivered
    log = Log()
    for batches in invocations:
        log.write.index_batches(RUN, batches)
        if batches:
            log.write.index_batches(RUN, batches)  # an invocation whose answer was lost
    lines = log.lines()
    for runner, numbers in sent.items():
        written = [line["seq"] for line in lines if line["runner"] == runner and "gap" not in line]
        assert sorted(written) == sorted(numbers)
        shown: set[int] = set()
        for line in lines:
            if line["runner"] == runner and "gap" in line:
                shown |= set(range(line["gap"]["first"], line["gap"]["last"] + 1))
        missing = set(range(1, max(numbers))) - numbers
        assert missing <= shown
        watermark = log.index.watermarks[runner]
        assert {n for gap in watermark.gaps for n in range(gap.first, gap.last + 1)} == missing


@settings(max_examples=30)
@given(deliveries(), st.integers(1, 7))
def test_a_reader_that_goes_on_from_its_cursor_misses_and_repeats_nothing(delivered: Delivered, limit: int) -> None:
    log = Log()
    read: list[Line] = []
    after = None
    for batches in delivered[1]:
        log.write.index_batches(RUN, batches)
        tail = log.reader.tail(RUN, after, limit)
        read += [line for _, _, line in tail.lines]
        after = tail.after
    while (tail := log.reader.tail(RUN, after, limit)).lines:
        read += [line for _, _, line in tail.lines]
        after = tail.after
    assert read == log.lines()


def test_lines_of_a_runner_stay_in_order_within_a_segment_even_if_its_clock_is_set_back() -> None:
    log = Log()
    lines = [
        LogLine(seq=1, time="2026-01-01T00:00:09.000Z", stream="stdout", level="info", text="a"),
        LogLine(seq=2, time="2026-01-01T00:00:01.000Z", stream="stdout", level="info", text="b"),
    ]
    log.write.index_batches(
        RUN, [LogBatch(run_id=RUN, runner_id="r", treatment="build", attempt=1, lines=lines), batch(5, runner="other")]
    )
    assert [line["seq"] for line in log.lines() if line["runner"] == "r"] == [1, 2]


def test_a_gap_is_marked_where_it_is_and_filled_late() -> None:
    log = Log()
    log.write.index_batches(RUN, [batch(1, 2)])
    log.write.index_batches(RUN, [batch(6, 7)])
    mark = log.lines()[2]
    assert (mark["gap"], mark["text"]) == ({"first": 3, "last": 5}, "3 lines are missing here")
    log.write.index_batches(RUN, [batch(4)])
    assert log.index.watermarks["r"] == Watermark("r", 7, (Gap(3, 3), Gap(5, 5)))
    assert log.lines()[-1]["seq"] == 4


def test_a_lost_race_is_run_again_from_what_is_stored() -> None:
    log = Log()
    log.index.refuse = 2
    assert log.write.index_batches(RUN, [batch(1, 2)]) == 2
    assert [line["seq"] for line in log.lines()] == [1, 2]
    log.index.refuse = 100
    with pytest.raises(Transient):
        log.write.index_batches(RUN, [batch(3)])
    log.index.refuse = 0
    log.write.index_batches(RUN, [batch(3)])
    assert [line["seq"] for line in log.lines()] == [1, 2, 3]


def test_more_runners_than_a_transaction_holds() -> None:
    log = Log()
    assert log.write.index_batches(RUN, [batch(1, runner=f"r{n}") for n in range(200)]) == 200
    assert len(log.index.segments) == 3


def test_a_reader_waits_for_the_first_line_and_no_longer_than_it_may() -> None:
    log = Log()
    tail = log.reader.tail(RUN, wait=timedelta(seconds=60))
    assert list(tail.lines) == []
    assert sum(log.slept) == pytest.approx(2, abs=0.1)
    assert log.followers.followed == [RUN]
    log.write.index_batches(RUN, [batch(1)])
    assert [line["seq"] for _, _, line in log.reader.tail(RUN, tail.after, wait=timedelta(seconds=1)).lines] == [1]


def test_filters() -> None:
    log = Log()
    log.write.index_batches(
        RUN, [batch(1, text="ERROR: connection refused"), batch(1, runner="o", treatment="test", text="fine")]
    )

    def texts(wanted: Query) -> list[str]:
        return [line["text"] for _, _, line in log.reader.tail(RUN, wanted=wanted).lines]

    refused, fine, warning = "ERROR: connection refused", "fine", "[warn] slow"
    log.write.index_batches(RUN, [batch(1, runner="p", treatment="pack", text=warning)])
    assert texts(line_filter(["test"])) == [fine]
    assert texts(line_filter(["test", "pack"])) == [fine, warning]
    assert texts(line_filter(levels=["error"])) == [refused]
    assert texts(line_filter(levels=["error", "warning"])) == [refused, warning]
    assert texts(line_filter(grep="connec.*fus")) == [refused]
    assert texts(line_filter(["test"], ["error"])) == []
    assert texts(line_filter(["test", "pack"], ["error", "warning"])) == [warning]


def test_the_lines_of_a_group_are_those_of_its_instances() -> None:
    log = Log()
    for runner, treatment in (("a", "test:3.12"), ("b", "test:3.13"), ("c", "tests"), ("d", "pack")):
        log.write.index_batches(RUN, [batch(1, runner=runner, treatment=treatment, text=treatment)])

    def texts(*treatments: str) -> list[str]:
        return [line["text"] for _, _, line in log.reader.tail(RUN, wanted=line_filter(treatments)).lines]

    assert texts("test") == ["test:3.12", "test:3.13"]
    assert texts("test", "pack") == ["test:3.12", "test:3.13", "pack"]
    assert texts("test:3.12") == ["test:3.12"]


def test_a_level_is_found_whatever_colour_it_has() -> None:
    log = Log()
    log.write.index_batches(RUN, [batch(1, text="\x1b[1;31mERROR\x1b[0m something broke")])
    assert [(line["level"], line["text"][0]) for line in log.lines()] == [("error", "\x1b")]


def test_whoever_filters_is_told_of_gaps_that_may_have_hidden_what_they_look_for() -> None:
    log = Log()
    log.write.index_batches(RUN, [batch(1, 4, text="fine"), batch(1, runner="o", treatment="test", text="fine")])
    shown = [line.get("gap") for _, _, line in log.reader.tail(RUN, wanted=line_filter(grep="nothing")).lines]
    assert shown == [{"first": 2, "last": 3}]
    assert not log.reader.tail(RUN, wanted=line_filter(["test"], grep="nothing")).lines


@pytest.mark.parametrize("grep", ["(", "a" * 300, r"(a)\1"])
def test_a_regular_expression_that_cannot_be_used_is_refused(grep: str) -> None:
    with pytest.raises(InvalidRequest):
        Log().reader.tail(RUN, wanted=line_filter(grep=grep))


@pytest.mark.parametrize("cursor", ["", "x", "1", "1:2:3", "-1:0"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        Log().reader.tail(RUN, after=cursor)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("ERROR something broke", "error"),
        ("error: no such file", "error"),
        ("[warn] old", "warning"),
        ("2026-01-01T00:00:00Z WARNING disk", "warning"),
        ('{"level":"debug","msg":"x"}', "debug"),
        ("level=error msg=x", "error"),
        ("Traceback (most recent call last):", "error"),
        ("0 errors found", "info"),
        ("error handling is hard", "info"),
        ("the warning was heeded", "info"),
        ("DEBUG x", "debug"),
        ("", "info"),
    ],
)
def test_levels_are_taken_from_the_usual_marks(text: str, level: str) -> None:
    assert detected_level("info", text) == level


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
def test_a_record_is_read_as_it_was_written(texts: list[str]) -> None:
    lines = [
        LogLine(seq=n, time="2026-01-01T00:00:00.000Z", stream="stdout", level="info", text=text, continued=n % 2 == 0)
        for n, text in enumerate(texts, 1)
    ]
    written = LogBatch(run_id=RUN, runner_id="r", treatment="build", attempt=2, lines=lines)
    assert decode(encode(written)) == written


def test_a_large_batch_is_split_in_order() -> None:
    large = batch(*range(1, 60), text="é" * 30_000)
    parts = list(split(large))
    assert len(parts) > 2
    assert [line for part, _ in parts for line in part.lines] == large.lines
    assert all(len(data) <= LARGEST for _, data in parts)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"\xff", b'{"run":1}', b'{"run":"r","runner":"r","treatment":"t","attempt":1,"lines":[[1]]}'],
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode(data)


def test_lines_keep_the_number_of_their_step_and_are_selected_by_it() -> None:
    log = Log()
    times = [f"2026-01-01T00:00:{second:02}.000Z" for second in range(1, 5)]
    lines = [
        LogLine(seq=seq, time=time, stream="stdout", level="info", text=f"line {seq}", step=step)
        for seq, (time, step) in enumerate(zip(times, (None, 1, 2, 1), strict=True), 1)
    ]
    sent = LogBatch(run_id=RUN, runner_id="r", treatment="build", attempt=1, lines=lines)
    assert decode(encode(sent)) == sent
    log.write.index_batches(RUN, [decode(encode(sent))])

    assert [line.get("step") for line in log.lines()] == [None, 1, 2, 1]
    assert [line["text"] for _, _, line in log.reader.tail(RUN, step=1).lines] == ["line 2", "line 4"]
    only_last = log.reader.tail(RUN, wanted=line_filter(grep="4"), step=1)
    assert [line["text"] for _, _, line in only_last.lines] == ["line 4"]
    plain = LogLine(seq=1, time=times[0], stream="stdout", level="info", text="as before")
    assert b"null" not in encode(LogBatch(run_id=RUN, runner_id="r", treatment="b", attempt=1, lines=[plain], pool="p"))
