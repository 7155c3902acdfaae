"""Places in a long log are found without reading what lies between, on fakes."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.application.logs import read_logs
from cadence.application.logs.read_logs import line_filter
from cadence.domain.shared.errors import InvalidRequest
from tests.unit.logs.test_log_lines import RUN, Log, batch


def log_of(*sizes: int) -> Log:
    """A log whose segments have so many lines each; line n is of second n."""
    log, number = Log(), 0
    for size in sizes:
        log.write.index_batches(RUN, [batch(*range(number + 1, number + size + 1))])
        number += size
    return log


def seqs(log: Log, after: str, limit: int = 3) -> list[int]:
    return [line["seq"] for _, _, line in log.reader.tail(RUN, after, limit).lines]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_each_line_is_found_by_its_number_and_by_its_time(sizes: list[int]) -> None:
    log = log_of(*sizes)
    places = log.reader.places
    assert places.count(RUN) == sum(sizes)
    for number in range(1, sum(sizes) + 1):
        assert seqs(log, places.of_line(RUN, number), 1) == [number]
        time = datetime(2026, 1, 1, 0, number // 60, number % 60, tzinfo=UTC)
        assert seqs(log, places.of_time(RUN, time), 1) == [number]
    assert seqs(log, places.of_line(RUN, sum(sizes) + 1)) == []
    assert seqs(log, places.of_time(RUN, datetime(2027, 1, 1, tzinfo=UTC))) == []
    assert seqs(log, places.of_time(RUN, datetime(2025, 1, 1, tzinfo=UTC)), 1) == [1]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(1, 7))
def test_whoever_reads_back_from_the_end_meets_each_line_once(sizes: list[int], limit: int) -> None:
    log = log_of(*sizes)
    read: list[int] = []
    before: str | None = log.reader.places.end(RUN)
    while before is not None:
        found = log.reader.earlier(RUN, before, limit)
        read = [line["seq"] for _, _, line in found.lines] + read
        before = found.after if found.more else None
    assert read == list(range(1, sum(sizes) + 1))


def test_a_place_in_a_long_log_is_found_with_few_looks() -> None:
    log = log_of(*[2] * 1_000)
    log.segments.read_keys.clear()
    assert seqs(log, log.reader.places.of_line(RUN, 1_501)) == [1501, 1502, 1503]
    assert len(log.segments.read_keys) == 2
    log.segments.read_keys.clear()
    found = log.reader.earlier(RUN, log.reader.places.end(RUN), 4)
    assert [line["seq"] for _, _, line in found.lines] == [1997, 1998, 1999, 2000]
    assert len(log.segments.read_keys) == 2


@given(st.lists(st.sampled_from([1, 1, 2, 3, 40]), min_size=1, max_size=60), st.data())
def test_a_line_takes_few_looks_however_long_segments_are(sizes: list[int], data: st.DataObject) -> None:
    log = log_of(*sizes)
    number = data.draw(st.integers(1, sum(sizes)))
    looks = looks_for(log, number)
    assert looks <= 2 * len(sizes).bit_length()
    if len(set(sizes)) == 1:
        assert looks <= 1


def looks_for(log: Log, number: int) -> int:
    """How many manifests are asked for to find a line, besides the newest."""
    with patch.object(log.index, "list_segments", wraps=log.index.list_segments) as looks:
        found = log.reader.places.of_line(RUN, number)
    assert seqs(log, found, 1) == [number]
    return looks.call_count


def test_one_request_reads_a_bounded_part_of_a_log_in_which_nothing_matches() -> None:
    log = log_of(*[1] * 250)
    wanted = line_filter(grep="line 250")
    looked, after, read = 0, None, []
    while True:
        log.segments.read_keys.clear()
        tail = log.reader.tail(RUN, after, 10, wanted)
        assert len(log.segments.read_keys) <= 100
        read += [line["seq"] for _, _, line in tail.lines]
        looked, after = looked + 1, tail.after
        if not tail.more:
            break
    assert (read, looked) == ([250], 3)
    back = log.reader.earlier(RUN, log.reader.places.end(RUN), 10, line_filter(grep="line 1$"))
    assert (list(back.lines), back.more) == ([], True)
    further = log.reader.earlier(RUN, back.after, 10, line_filter(grep="line 1$"))
    assert further.more
    last = log.reader.earlier(RUN, further.after, 10, line_filter(grep="line 1$"))
    assert ([line["seq"] for _, _, line in last.lines], last.more) == ([1], False)


def test_one_request_examines_a_bounded_number_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_logs, "MOST_LINES", 50)
    log = log_of(*[20] * 9)
    wanted = line_filter(grep="line (1|180)$")
    pages = [log.reader.tail(RUN, wanted=wanted)]
    while pages[-1].more:
        pages.append(log.reader.tail(RUN, pages[-1].after, wanted=wanted))
    assert [[line["seq"] for _, _, line in page.lines] for page in pages] == [[1], [], [180]]
    back = [log.reader.earlier(RUN, log.reader.places.end(RUN), wanted=wanted)]
    while back[-1].more:
        back.append(log.reader.earlier(RUN, back[-1].after, wanted=wanted))
    assert [[line["seq"] for _, _, line in page.lines] for page in back] == [[180], [], [1]]


def test_back_from_a_cursor_in_the_middle_of_a_segment() -> None:
    log = log_of(3, 3)
    found = log.reader.earlier(RUN, "1:1", 2)
    assert ([line["seq"] for _, _, line in found.lines], found.after, found.more) == ([3, 4], "0:2", True)
    assert not log.reader.earlier(RUN, "0:0").lines


def test_a_log_without_lines_has_only_its_end() -> None:
    log = Log()
    places = log.reader.places
    assert (places.count(RUN), places.of_line(RUN, 7), places.end(RUN)) == (0, "0:0", "0:0")
    assert not log.reader.earlier(RUN, "0:0").more


@pytest.mark.parametrize("cursor", ["", "x", "1", "-1:0"])
def test_a_made_up_cursor_to_go_back_from_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Log().reader.earlier(RUN, cursor)
    assert refused.value.violations[0].pointer == "before"
