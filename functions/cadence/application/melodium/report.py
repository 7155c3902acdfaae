"""What a process tells of itself: that it was launched, that it ended, what it will upload and how much it has."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.application.melodium.ports import FormUpload, PutUpload, Uploads
from cadence.application.melodium.processes import Processes
from cadence.application.runs.end_process import AFTER_END, EndProcess
from cadence.application.runs.ports import EngineStream, ReportedStore
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines
from cadence.domain.access.access import Principal
from cadence.domain.melodium.identifier import text_of
from cadence.domain.melodium.process import ProcessOutcome
from cadence.domain.melodium.rawvalue import Keeping
from cadence.domain.melodium.redaction import Masks, is_secret
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import InvalidRequest, Violation


@dataclass(frozen=True)
class Destinations:
    """Where a process is to report to."""

    run: Run
    logs: FormUpload
    debug: FormUpload
    program: PutUpload


@dataclass(frozen=True, kw_only=True)
class ReportProcess:
    """Each raises NotFound for a run that the caller may not tell of."""

    processes: Processes
    reported: ReportedStore
    uploads: Uploads
    end: EndProcess
    deadlines: Deadlines
    clock: Clock

    def request(self, by: Principal, run_id: str, group_id: str) -> Destinations:
        run = self.processes.get(by, run_id)
        if run.melodium is None or run.melodium.group_id != group_id:
            message = f"Run {run_id} is of another group."
            raise InvalidRequest(message, [Violation("/group_id", message, "other_group")])
        self.reported.note_reporting(run_id, self.clock())
        return Destinations(
            run,
            self.uploads.chunks(run_id, EngineStream.LOGS),
            self.uploads.chunks(run_id, EngineStream.DEBUG),
            self.uploads.program(run_id),
        )

    def launched(self, by: Principal, run_id: str, errors: Sequence[str]) -> None:
        """After an error there is no word of the end, and nothing to wait for."""
        run = self.processes.get(by, run_id)
        self.reported.note_launched(run_id, errors, self.clock())
        if errors and run.recorded:
            self.end.end(run_id)

    def ended(self, by: Principal, run_id: str, how: ProcessOutcome, messages: Sequence[str]) -> None:
        """The last chunks come after this, so whether it went well is decided when they are there, or do not come."""
        run = self.processes.get(by, run_id)
        self.reported.note_ended(run_id, how, messages, self.clock())
        if run.recorded:
            for after in AFTER_END:
                self.deadlines.watch_run(run_id, after)
            self.end.end(run_id)

    def details(self, by: Principal, run_id: str, entrypoint: Any, parameters: Mapping[str, Any]) -> None:
        """What it executes, and the parameters it was given."""
        self.processes.get(by, run_id)
        keep = Keeping(Masks(), lambda name, content: {})
        shown: dict[str, str] = {}
        for name, raw in parameters.items():
            try:
                shown[name] = "***" if is_secret(name) else json.dumps(keep(raw).value, ensure_ascii=False)
            except (ValueError, TypeError):
                message = "A parameter is an object with one member, its type."
                raise InvalidRequest(message, [Violation(f"/parameters/{name}", message)]) from None
        self.reported.note_details(run_id, text_of(entrypoint), shown)

    def chunks(self, by: Principal, run_id: str, stream: EngineStream, chunks: int) -> None:
        self.processes.get(by, run_id)
        self.reported.count_chunks(run_id, stream, chunks)
