"""A log ends at its quota with a notice; nothing before it and nothing of others is lost."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.limit_logs import LimitLogs
from cadence.domain.logs.log import RUNNER_FULL, LogQuota
from tests.fakes.runs import a_run
from tests.unit.logs.test_log_lines import RUN, Log, batch


@dataclass
class CountedUse:
    """Counts in memory; `calls` is how often it was asked."""

    bytes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    calls: int = 0

    def add(self, organization: str, project: str, day: str, size: int) -> int:
        self.calls += 1
        self.bytes[organization, project, day] += size
        return self.bytes[organization, project, day]


class LimitedLog(Log):
    def __init__(self, runner: int = 1 << 40, project: int = 1 << 40) -> None:
        super().__init__()
        self.use = CountedUse()
        self.limit = LimitLogs(LogQuota(runner, project), self.use, lambda: self.now)
        self.write = IndexLogs(self.index, self.segments, a_run, limit=self.limit)

    def texts(self, runner: str = "r") -> list[str]:
        return [line["text"] for line in self.lines() if line["runner"] == runner]


LINE = "x" * 100


def test_a_runners_log_ends_at_its_quota_with_a_notice() -> None:
    log = LimitedLog(runner=350)
    log.write.index_batches(RUN, [batch(*range(1, 6), text=LINE)])
    *kept, notice = log.lines()
    assert [line["text"] for line in kept] == [LINE] * 3
    assert (notice["seq"], notice["stream"], notice["level"]) == (4, "agent", "warning")
    assert "log quota of 0 MiB for one attempt is reached" in notice["text"]
    assert "log_mebibytes" in notice["text"]
    watermark = log.index.get_head("acme", RUN, ["r"]).watermarks["r"]
    assert (watermark.size, watermark.full, watermark.left_out, watermark.through) == (300, RUNNER_FULL, 2, 5)


def test_nothing_is_written_for_a_log_that_has_ended() -> None:
    log = LimitedLog(runner=350)
    log.write.index_batches(RUN, [batch(*range(1, 6), text=LINE)])
    calls, head = log.use.calls, log.index.get_head("acme", RUN, ["r"])
    for numbers in ((6, 7), (4, 5), (9,)):
        assert log.write.index_batches(RUN, [batch(*numbers, text=LINE)]) == 0
    assert (log.use.calls, log.index.get_head("acme", RUN, ["r"])) == (calls, head)


def test_another_runner_goes_on() -> None:
    log = LimitedLog(runner=150)
    log.write.index_batches(RUN, [batch(1, 2, text=LINE), batch(1, runner="s", text=LINE)])
    log.write.index_batches(RUN, [batch(3, text=LINE), batch(2, runner="s", text="short")])
    assert log.texts("s") == [LINE, "short"]


def test_a_quota_counts_bytes_and_not_characters() -> None:
    log = LimitedLog(runner=100)
    log.write.index_batches(RUN, [batch(1, text="é" * 50), batch(2, text="é")])
    assert [line["seq"] for line in log.lines()] == [1, 2]
    assert log.lines()[1]["stream"] == "agent"


def test_a_project_has_a_quota_for_each_day() -> None:
    log = LimitedLog(project=250)
    log.write.index_batches(RUN, [batch(1, 2, text=LINE)])
    log.write.index_batches(RUN, [batch(1, 2, runner="s", text=LINE)])
    assert log.texts("r") == [LINE, LINE]
    (notice,) = log.texts("s")
    assert "a day for all runs of this project is reached" in notice
    assert "2026-01-01" in notice
    log.write.index_batches(RUN, [batch(3, 4, runner="s", text=LINE)])
    assert len(log.texts("s")) == 1
    log.now += timedelta(days=1)
    log.write.index_batches(RUN, [batch(5, runner="s", text="tomorrow")])
    # What was left out meanwhile is stated where the log goes on.
    assert log.texts("s")[1:] == ["2 lines are missing here", "tomorrow"]


def test_what_another_process_counted_is_known_with_the_next_count() -> None:
    log = LimitedLog(project=450)
    log.write.index_batches(RUN, [batch(1, text=LINE)])
    run = a_run(RUN)
    log.use.bytes[run.organization, run.project, "2026-01-01"] = 400
    log.write.index_batches(RUN, [batch(2, text=LINE)])  # counts, and hears of the others
    log.write.index_batches(RUN, [batch(3, text=LINE)])
    assert [line["stream"] for line in log.lines()] == ["stdout", "stdout", "agent"]


def test_small_batches_are_counted_together_far_from_the_quota() -> None:
    log = LimitedLog(project=1 << 30)
    text = "x" * 10_000
    for number in range(1, 14):
        log.write.index_batches(RUN, [batch(number, text=text)])
    # Once at first, to know what was counted before, and then every 64 KiB.
    assert (log.use.calls, log.use.bytes.total()) == (2, 70_000)
    log.write.index_batches(RUN, [batch(14, text=text)])
    assert (log.use.calls, log.use.bytes.total()) == (3, 140_000)


def test_near_the_quota_of_a_project_each_batch_is_counted_at_once() -> None:
    log = LimitedLog(project=(1 << 20) + 250)
    for number in range(1, 5):
        log.write.index_batches(RUN, [batch(number, text=LINE)])
    assert log.use.bytes.total() == 400
    far = LimitedLog(project=(1 << 20) + 501)
    for number in range(1, 8):
        far.write.index_batches(RUN, [batch(number, text=LINE)])
    assert far.use.bytes.total() == 700


@pytest.mark.parametrize("size", [0, 1, 99])
def test_a_quota_below_the_first_line_leaves_the_notice_only(size: int) -> None:
    log = LimitedLog(runner=size)
    log.write.index_batches(RUN, [batch(1, 2, 3, text=LINE)])
    (notice,) = log.lines()
    assert (notice["seq"], notice["stream"]) == (1, "agent")


def test_no_quota_changes_nothing() -> None:
    log, free = LimitedLog(), Log()
    for writer in (log, free):
        writer.write.index_batches(RUN, [batch(1, 2, 5)])
    assert log.lines() == free.lines()


@pytest.mark.parametrize(("sent", "left_out"), [(5, 2), (9, 6), (3, 2)])
def test_lines_after_the_end_of_a_log_are_counted_by_what_the_runner_sent(sent: int, left_out: int) -> None:
    log = LimitedLog(runner=350)
    log.write.index_batches(RUN, [batch(*range(1, 6), text=LINE)])
    log.write.index_batches(RUN, [batch(*range(6, 10), text=LINE)])
    assert log.index.get_head("acme", RUN, ["r"]).watermarks["r"].left_out_of(sent) == left_out


def test_nothing_was_left_out_of_a_log_that_goes_on() -> None:
    log = LimitedLog()
    log.write.index_batches(RUN, [batch(1, 2, text=LINE)])
    assert log.index.get_head("acme", RUN, ["r"]).watermarks["r"].left_out_of(100) == 0
