"""Rescues records that the log indexer failed on, since the stream keeps them for a day only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.application.logs.take_records import KeepStrayRecord
from cadence.domain.dead_letters.dead_letter import SentRecord
from cadence.domain.shared.errors import Transient


@dataclass(frozen=True)
class FailedBatch:
    """Records that the stream does not deliver any more; `receipt` acknowledges that they are rescued."""

    receipt: str
    records: Sequence[SentRecord]


class Failures(Protocol):
    """Lists the batches that the indexer failed on."""

    def waiting(self) -> Iterable[FailedBatch]: ...

    def done(self, batch: FailedBatch) -> None:
        """Acknowledges a batch; one that is not acknowledged comes again."""


@dataclass(frozen=True)
class RescueRecords:
    """Sets the records of failed batches aside."""

    failures: Failures
    keep_stray_record: KeepStrayRecord

    def rescue(self) -> int:
        """Returns how many records were set aside. Safe to repeat. Raises Transient."""
        rescued = 0
        for batch in self.failures.waiting():
            for record in batch.records:
                self.keep_stray_record.keep(record, Transient("The log indexer failed on the record repeatedly."))
                rescued += 1
            self.failures.done(batch)
        return rescued
