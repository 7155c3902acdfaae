"""What came by the log stream is written; what never can be is set aside, so that nothing waits behind it and nothing is lost.

The stream itself keeps a record for a day. One that is set aside is kept like the logs themselves.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, RunOf, StrayRecords
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.dead_letters.dead_letter import NOBODYS, SentRecord, StrayRecord
from cadence.domain.shared.errors import CadenceError, InvalidRequest, NotFound, Transient

# What cannot be written for so long is set aside: the stream gives it up later than that.
LONGEST = timedelta(hours=2)

Decode = Callable[[bytes], LogBatch]


class FaultReport(Protocol):
    def __call__(self, message: str, error: BaseException, **fields: object) -> None:
        """Tells of an error that is being dealt with, with an alarm."""


@dataclass
class RecordsTaken:
    """Numbers of `failed` records are to be handed over once more."""

    runs: int = 0
    lines: int = 0
    dead_letters: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class KeepStrayRecord:
    """A record goes to the organization that its run belongs to; one of no known run is the installation's own."""

    records: StrayRecords
    run_of: RunOf
    clock: Clock
    report: FaultReport

    def keep(self, record: SentRecord, error: BaseException) -> None:
        """Raises Transient if it cannot be kept."""
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
    decode: Decode
    index: IndexLogs
    keep_stray_record: KeepStrayRecord
    clock: Clock
    report: FaultReport

    def take(self, sent: Sequence[SentRecord]) -> RecordsTaken:
        """Every record that can be written is, whatever becomes of the others. Repeating changes nothing."""
        taken = RecordsTaken()
        runs: dict[str, list[tuple[SentRecord, LogBatch]]] = defaultdict(list)
        for record in sent:
            try:
                batch = self.decode(record.content)
            except InvalidRequest as error:
                self._dead_letter(record, error, taken)
            else:
                runs[batch.run_id].append((record, batch))
        taken.runs = len(runs)
        for run_id, its in runs.items():
            self._write(run_id, its, taken)
        return taken

    def _write(self, run_id: str, its: Sequence[tuple[SentRecord, LogBatch]], taken: RecordsTaken) -> None:
        try:
            taken.lines += self.index(run_id, [batch for _, batch in its])
        except Transient as error:
            self._again(its, error, taken)
        except Exception as error:  # noqa: BLE001 - one run's trouble must not stop the lines of the others
            if len(its) > 1:
                # It may be one of them only.
                for one in its:
                    self._write(run_id, [one], taken)
            elif isinstance(error, NotFound | InvalidRequest):
                self._dead_letter(its[0][0], error, taken)
            else:
                self._again(its, error, taken)

    def _again(self, its: Sequence[tuple[SentRecord, LogBatch]], error: BaseException, taken: RecordsTaken) -> None:
        self.report("the lines of a run could not be written", error, run_id=its[0][1].run_id)
        for record, _ in its:
            if self.clock() - record.arrived_at > LONGEST:
                self._dead_letter(record, error, taken)
            else:
                taken.failed.append(record.number)

    def _dead_letter(self, record: SentRecord, error: BaseException, taken: RecordsTaken) -> None:
        try:
            self.keep_stray_record.keep(record, error)
        except Exception as trouble:  # noqa: BLE001 - it is handed over once more
            self.report("a record cannot be set aside", trouble, record=record.number)
            taken.failed.append(record.number)
        else:
            taken.dead_letters += 1


@dataclass(frozen=True)
class RedriveRecords:
    """Records that were set aside are written after all; what cannot be still stays where it is, with the new cause."""

    records: StrayRecords
    take: TakeRecords

    def redrive(self, organization: str, numbers: Sequence[str]) -> RecordsTaken:
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
