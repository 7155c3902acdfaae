"""Accepts the log lines of a runner durably."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cadence.application.logs.ports import LogBatch, LogLine, LogSink, SentBlock
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import FollowedRunner
from cadence.domain.logs.line_block import LineBlock, is_time
from cadence.domain.runners.runner import session_over
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.values.value_retention import bucket_of


@dataclass(frozen=True)
class AcceptedLogs:
    """The sequence number through which lines are durable, and whether the run's log is being followed.

    `stop` is why the agent has to stop, if its attempt is over.
    """

    through: int
    followed: bool
    stop: str | None = None


@dataclass(frozen=True)
class AcceptLogs:
    """Passes lines on to the log stream."""

    sink: LogSink
    clock: Clock

    def accept(self, sender: FollowedRunner, lines: Sequence[LogLine]) -> AcceptedLogs:
        """Accepts lines of a runner, which are durable through the returned sequence number.

        Raises Gone if the runner delivers no more lines, InvalidRequest if the sequence numbers do not rise or a time
        is invalid, and Transient.
        """
        self._check_sender(sender)
        for index, (before, line) in enumerate(pairwise(lines), 1):
            if line.seq <= before.seq:
                raise InvalidRequest(
                    "Lines must have rising sequence numbers.",
                    [Violation(f"/lines/{index}/seq", f"{line.seq} does not come after {before.seq}")],
                )
        for index, line in enumerate(lines):
            if not is_time(line.time):
                raise InvalidRequest(
                    "Lines must have valid times.",
                    [Violation(f"/lines/{index}/time", f"{line.time} is not a time of the calendar")],
                )
        runner = sender.runner
        batch = LogBatch(
            run_id=runner.run_id,
            runner_id=runner.runner_id,
            treatment=runner.treatment,
            attempt=runner.attempt,
            lines=lines,
            pool=runner.pool,
            bucket=bucket_of(runner.retention),
        )
        return self._accepted(sender, self.sink.put(batch))

    def accept_block(self, sender: FollowedRunner, block: LineBlock) -> AcceptedLogs:
        """Accepts a block of lines of a runner, all of which are durable then.

        Raises Gone if the runner delivers no more lines, InvalidRequest if it is not what it says, and Transient.
        """
        self._check_sender(sender)
        block.check()
        runner = sender.runner
        self.sink.put_block(
            SentBlock(
                run_id=runner.run_id,
                runner_id=runner.runner_id,
                treatment=runner.treatment,
                attempt=runner.attempt,
                block=block,
                pool=runner.pool,
                bucket=bucket_of(runner.retention),
            )
        )
        return self._accepted(sender, block.last)

    def _check_sender(self, sender: FollowedRunner) -> None:
        if not sender.runner.delivers_lines(self.clock()):
            raise session_over(sender.runner)

    def _accepted(self, sender: FollowedRunner, through: int) -> AcceptedLogs:
        return AcceptedLogs(through, sender.is_followed(self.clock()), sender.runner.stopped_because)
