"""What fell out of the log stream is brought to safety: the stream has it for a day only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.application.logs.take_records import KeepStrayRecord
from cadence.domain.dead_letters.dead_letter import SentRecord
from cadence.domain.shared.errors import Transient


@dataclass(frozen=True)
class FailedBatch:
    """Records that nobody hands over any more; `receipt` is what says that they are in safety."""

    receipt: str
    records: Sequence[SentRecord]


class Failures(Protocol):
    def waiting(self) -> Iterable[FailedBatch]: ...

    def done(self, batch: FailedBatch) -> None:
        """A batch that is not done comes again."""


@dataclass(frozen=True)
class RescueRecords:
    failures: Failures
    keep_stray_record: KeepStrayRecord

    def rescue(self) -> int:
        """How many records were set aside. Raises Transient; repeating changes nothing."""
        rescued = 0
        for batch in self.failures.waiting():
            for record in batch.records:
                self.keep_stray_record.keep(record, Transient("The log indexer failed on it again and again."))
                rescued += 1
            self.failures.done(batch)
        return rescued
