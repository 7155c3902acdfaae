"""A treatment of a reported run as one that a runner can run once more: its engine's program is what is kept of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cadence.application.shared.ports import Documents
from cadence.domain.melodium.capture import FILE, Capturing, EngineCapture
from cadence.domain.melodium.model import ProgramModel
from cadence.domain.melodium.specification import ProgramSpec
from cadence.domain.melodium.stored_program import ProgramFiles
from cadence.domain.pipelines.specification import OutputSpec, TreatmentSpec, input_spec
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Conflict

# Of a treatment inside of a program nobody has said how long it may take.
MAX_DURATION = 3_600


@dataclass(frozen=True)
class StoredProcess:
    """What is kept of a process of an engine: its model, and its program's dump, both without what is secret."""

    model: ProgramModel
    dump: Mapping[str, Any]


class StoredProcesses(Protocol):
    """Processes as they were last taken in (bucket `data`, `runs/{run}/melodium/`)."""

    def get(self, run_id: str) -> StoredProcess | None:
        """None if its engine has told nothing, or not of what it executes."""


@dataclass(frozen=True)
class CaptureElement:
    processes: StoredProcesses
    documents: Documents

    def capture(self, run: Run, spec: TreatmentSpec) -> TreatmentSpec:
        """With the inputs that anything was sent to. Raises Conflict with the reason why it cannot be run again. Safe to repeat."""
        process = self.processes.get(run.run_id)
        if process is None or run.melodium is None:
            raise Conflict(f"{spec.name} cannot be replayed: its engine has not reported what it executes.")
        sources = {
            port.port: (port.source_treatment, port.source_port)
            for port in spec.inputs
            if port.source_treatment and port.source_port
        }
        capture = Capturing(process.model, process.dump)(spec.name, sources)
        content = json.dumps(capture.json(), ensure_ascii=False, sort_keys=True).encode()
        engine = ProgramSpec(
            program=self.documents.put(ProgramFiles(FILE, {FILE: content}).encoded()),
            entrypoint=capture.label,
            treatment=process.model.elements[spec.name].treatment,
            errors="allow",
            version=run.melodium.version,
            captured={port.name: port.type for port in capture.outputs},
        )
        return replace(_as_command(spec.name, capture), engine=engine, max_duration=MAX_DURATION)


def _as_command(name: str, capture: EngineCapture) -> TreatmentSpec:
    """Its values are read and written as they are kept, so they are bytes to whoever carries them."""
    return TreatmentSpec(
        name=name,
        inputs=tuple(input_spec(port.name, "stream", "byte", port.source) for port in capture.inputs),
        outputs=tuple(OutputSpec(port=port.name, flow="stream", type="byte") for port in capture.outputs),
    )
