"""Takes the reports of a process: its launch, its end, its upload destinations and its number of chunks."""

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
    """The upload destinations of a process."""

    run: Run
    logs: FormUpload
    debug: FormUpload
    program: PutUpload


@dataclass(frozen=True, kw_only=True)
class ReportProcess:
    """Takes reports; each method raises NotFound for a run that the caller may not report."""

    processes: Processes
    reported: ReportedStore
    uploads: Uploads
    end: EndProcess
    deadlines: Deadlines
    clock: Clock

    def request(self, by: Principal, run_id: str, group_id: str) -> Destinations:
        """Returns the process's upload destinations. Raises InvalidRequest if the group is another one."""
        run = self.processes.get(by, run_id)
        if run.melodium is None or run.melodium.group_id != group_id:
            message = f"Run {run_id} belongs to another group than {group_id}."
            raise InvalidRequest(message, [Violation("/group_id", message, "other_group")])
        self.reported.note_reporting(run_id, self.clock())
        return Destinations(
            run,
            self.uploads.chunks(run_id, EngineStream.LOGS),
            self.uploads.chunks(run_id, EngineStream.DEBUG),
            self.uploads.program(run_id),
        )

    def launched(self, by: Principal, run_id: str, errors: Sequence[str]) -> None:
        """Notes the launch; ends the run after `errors`, since no end will be reported then."""
        run = self.processes.get(by, run_id)
        self.reported.note_launched(run_id, errors, self.clock())
        if errors and run.recorded:
            self.end.end(run_id)

    def ended(self, by: Principal, run_id: str, how: ProcessOutcome, messages: Sequence[str]) -> None:
        """Notes the end; the run's state is decided once the last chunks, which come later, are in or given up."""
        run = self.processes.get(by, run_id)
        self.reported.note_ended(run_id, how, messages, self.clock())
        if run.recorded:
            for after in AFTER_END:
                self.deadlines.watch_run(run_id, after)
            self.end.end(run_id)

    def details(self, by: Principal, run_id: str, entrypoint: Any, parameters: Mapping[str, Any]) -> None:
        """Notes the entrypoint and its parameters, without secrets. Raises InvalidRequest for a malformed parameter."""
        self.processes.get(by, run_id)
        keep = Keeping(Masks(), lambda name, content: {})
        shown: dict[str, str] = {}
        for name, raw in parameters.items():
            try:
                shown[name] = "***" if is_secret(name) else json.dumps(keep.keep(raw).value, ensure_ascii=False)
            except (ValueError, TypeError):
                message = "A parameter is an object with one member, its type."
                raise InvalidRequest(message, [Violation(f"/parameters/{name}", message)]) from None
        self.reported.note_details(run_id, text_of(entrypoint), shown)

    def chunks(self, by: Principal, run_id: str, stream: EngineStream, chunks: int) -> None:
        """Notes how many chunks of a stream the process uploads."""
        self.processes.get(by, run_id)
        self.reported.count_chunks(run_id, stream, chunks)
