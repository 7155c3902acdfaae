"""Lines that an agent sends after its attempt was ended: accepted of its session until its last lease ends."""

import zlib

import pytest

from cadence.application.logs.accept_logs import AcceptLogs
from cadence.application.logs.ports import LogBatch, LogLine, LogSink, SentBlock
from cadence.domain.logs.line_block import LineBlock, LineSpan
from cadence.domain.runners.runner import RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.shared.errors import Gone
from tests.unit.logs.senders import NOW, sender

TIME = "2026-01-01T00:00:00.000Z"
LINE = LogLine(1, TIME, "stdout", "info", "before the end")
BLOCK = LineBlock(1, [LineSpan(lines=1, size=1, time=TIME, stream="stdout", level="info")], zlib.compress(b"a"))


class Sink(LogSink):
    def __init__(self) -> None:
        self.attempts: list[int] = []

    def put_block(self, sent: SentBlock) -> None:
        self.attempts.append(sent.attempt)

    def put(self, batch: LogBatch) -> int:
        self.attempts.append(batch.attempt)
        return batch.lines[-1].seq


@pytest.mark.parametrize("state", [RunnerState.LOST, RunnerState.RELEASED])
def test_lines_from_before_the_end_are_accepted_into_their_own_attempt_and_the_agent_hears_to_stop(
    state: RunnerState,
) -> None:
    sink = Sink()
    accept, ended = AcceptLogs(sink, lambda: NOW), sender(state, cancel_reason="cancelled by ada")
    answers = [accept.accept(ended, [LINE]), accept.accept_block(ended, BLOCK)]
    assert [(answer.through, answer.stop) for answer in answers] == [(1, "cancelled by ada")] * 2
    assert sink.attempts == [1, 1]


@pytest.mark.parametrize("state", [RunnerState.LOST, RunnerState.RELEASED])
@pytest.mark.parametrize("lease", [None, 0, -1])
def test_no_lines_are_accepted_once_the_last_lease_is_over(state: RunnerState, lease: float | None) -> None:
    sink = Sink()
    accept, ended = AcceptLogs(sink, lambda: NOW), sender(state, lease=lease, cancel_reason="cancelled by ada")
    for late in (lambda: accept.accept(ended, [LINE]), lambda: accept.accept_block(ended, BLOCK)):
        with pytest.raises(Gone, match=f"run-1 is {state}") as refused:
            late()
        assert refused.value.details == {"state": str(state), "cancel": "cancelled by ada"}
    assert sink.attempts == []


def test_the_last_lines_of_a_runner_with_a_result_do_not_tell_it_to_stop() -> None:
    result = RunnerResult(outcome=RunnerOutcome.FAILED, exit_code=1)
    accept = AcceptLogs(Sink(), lambda: NOW)
    for state in (RunnerState.COMPLETED, RunnerState.RELEASED):
        assert accept.accept(sender(state, result=result), [LINE]).stop is None


def test_a_claimed_runner_delivers_lines_also_while_its_lease_is_not_yet_seen_to_be_over() -> None:
    answer = AcceptLogs(Sink(), lambda: NOW).accept(sender(lease=-1), [LINE])
    assert (answer.through, answer.stop) == (1, None)
