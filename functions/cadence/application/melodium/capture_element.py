"""Turns a treatment of a reported run into one that a runner can run again, from its engine's stored program."""

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

# Seconds; a treatment inside of a program has no stated duration.
MAX_DURATION = 3_600


@dataclass(frozen=True)
class StoredProcess:
    """The stored state of an engine's process: its model and its program's dump, both without secrets."""

    model: ProgramModel
    dump: Mapping[str, Any]


class StoredProcesses(Protocol):
    """Reads processes in their last stored state (bucket `data`, `runs/{run}/melodium/`)."""

    def get(self, run_id: str) -> StoredProcess | None:
        """Returns None if the engine has reported nothing, or not its program."""


@dataclass(frozen=True)
class CaptureElement:
    """Captures a treatment of an engine's program as a program of its own."""

    processes: StoredProcesses
    documents: Documents

    def capture(self, run: Run, spec: TreatmentSpec) -> TreatmentSpec:
        """Returns the treatment with the inputs that data was sent to. Safe to repeat.

        Raises Conflict with the reason why it cannot be run again.
        """
        process = self.processes.get(run.run_id)
        if process is None or run.melodium is None:
            raise Conflict(f"{spec.name} cannot be replayed: its engine has not reported what it executes.")
        sources = {
            port.port: (port.source_treatment, port.source_port)
            for port in spec.inputs
            if port.source_treatment and port.source_port
        }
        capture = Capturing(process.model, process.dump).capture(spec.name, sources)
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
    """Returns the treatment as a command; its values are read and written in their stored form, so they are bytes."""
    return TreatmentSpec(
        name=name,
        inputs=tuple(input_spec(port.name, "stream", "byte", port.source) for port in capture.inputs),
        outputs=tuple(OutputSpec(port=port.name, flow="stream", type="byte") for port in capture.outputs),
    )
