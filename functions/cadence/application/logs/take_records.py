"""Writes the records of the log stream; sets those aside that can never be written.

So no record waits behind another one, and none is lost. The stream itself keeps a record for a day; one that is set
aside is kept like the logs themselves.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, RunOf, SentLines, StrayRecords
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.dead_letters.dead_letter import NOBODYS, SentRecord, StrayRecord
from cadence.domain.shared.errors import CadenceError, InvalidRequest, NotFound, Transient

# A record that cannot be written for so long is set aside: the stream gives it up later than that.
LONGEST = timedelta(hours=2)


class FaultReport(Protocol):
    """Reports errors to the operators."""

    def __call__(self, message: str, error: BaseException, **fields: object) -> None:
        """Reports an error that is being dealt with, with an alarm."""


@dataclass
class RecordsTaken:
    """The numbers of runs, lines and dead letters; `failed` are the numbers of records to be delivered once more."""

    runs: int = 0
    lines: int = 0
    dead_letters: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class KeepStrayRecord:
    """Sets records aside, for the organization of their run; those of no known run belong to the installation."""

    records: StrayRecords
    run_of: RunOf
    clock: Clock
    report: FaultReport

    def keep(self, record: SentRecord, error: BaseException) -> None:
        """Sets a record aside because of `error`. Raises Transient if it cannot be stored."""
        organization, project = self._owner(record.run_id)
        words = error.message if isinstance(error, CadenceError) else type(error).__name__
        stray = StrayRecord(
            organization=organization,
            project=project,
            run_id=record.run_id,
            number=record.number,
            object_key=f"dead-letters/log-lines/{record.number}",
            size=len(record.content),
            at=self.clock(),
            cause=words,
        )
        self.records.keep(stray, record.content)
        self.report("a record of the log stream was set aside", error, run_id=record.run_id, record=record.number)

    def _owner(self, run_id: str) -> tuple[str, str]:
        try:
            run = self.run_of(run_id)
        except (NotFound, InvalidRequest):
            return NOBODYS, ALL_PROJECTS
        return run.organization, run.project


@dataclass(frozen=True, kw_only=True)
class TakeRecords:
    """Writes records of the log stream."""

    sent_lines: SentLines
    index: IndexLogs
    keep_stray_record: KeepStrayRecord
    clock: Clock
    report: FaultReport

    def take(self, sent: Sequence[SentRecord]) -> RecordsTaken:
        """Writes every record that can be written, even if others fail. Safe to repeat."""
        taken = RecordsTaken()
        runs: dict[str, list[tuple[SentRecord, LogBatch]]] = defaultdict(list)
        for record in sent:
            try:
                batch = self.sent_lines.read(record.content)
            except (InvalidRequest, NotFound) as error:
                self._dead_letter(record, error, taken)
            except Transient as error:
                self._again([record], error, taken)
            else:
                if batch is not None:
                    runs[batch.run_id].append((record, batch))
        taken.runs = len(runs)
        for run_id, records in runs.items():
            self._write(run_id, records, taken)
        return taken

    def _write(self, run_id: str, records: Sequence[tuple[SentRecord, LogBatch]], taken: RecordsTaken) -> None:
        try:
            taken.lines += self.index.index_batches(run_id, [batch for _, batch in records])
            self.sent_lines.remove(record.content for record, _ in records)
        except Transient as error:
            self._again([record for record, _ in records], error, taken)
        except Exception as error:  # noqa: BLE001 - one run's trouble must not stop the lines of the others
            if len(records) > 1:
                # Perhaps only one of the records fails.
                for record in records:
                    self._write(run_id, [record], taken)
            elif isinstance(error, NotFound | InvalidRequest):
                self._dead_letter(records[0][0], error, taken)
            else:
                self._again([record for record, _ in records], error, taken)

    def _again(self, records: Sequence[SentRecord], error: BaseException, taken: RecordsTaken) -> None:
        self.report("the lines of a run could not be written", error, run_id=records[0].run_id)
        for record in records:
            if self.clock() - record.arrived_at > LONGEST:
                self._dead_letter(record, error, taken)
            else:
                taken.failed.append(record.number)

    def _dead_letter(self, record: SentRecord, error: BaseException, taken: RecordsTaken) -> None:
        try:
            self.keep_stray_record.keep(record, error)
        except Exception as failure:  # noqa: BLE001 - the record is delivered once more
            self.report("a record cannot be set aside", failure, record=record.number)
            taken.failed.append(record.number)
        else:
            taken.dead_letters += 1


@dataclass(frozen=True)
class RedriveRecords:
    """Writes records that were set aside; one that still cannot be written stays there, with the new cause."""

    records: StrayRecords
    take: TakeRecords

    def redrive(self, organization: str, numbers: Sequence[str]) -> RecordsTaken:
        """Writes the records with these numbers; a missing one is reported."""
        total = RecordsTaken()
        for number in numbers:
            try:
                record = self.records.get(organization, number)
                content = self.records.content(record)
            except NotFound as error:
                self.take.report("a record that was set aside is not there any more", error, record=number)
                continue
            done = self.take.take([SentRecord(number, record.run_id, content, self.take.clock())])
            if not done.failed and not done.dead_letters:
                self.records.remove(record)
            total.runs += done.runs
            total.lines += done.lines
            total.dead_letters += done.dead_letters
            total.failed += done.failed
        return total
