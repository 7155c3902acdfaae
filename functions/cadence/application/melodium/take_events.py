"""Turns the events of engines into treatments and values of their runs."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from cadence.application.melodium.element_records import Records, failed_steps, time_of
from cadence.application.melodium.intake import ReportPart, ReportParts
from cadence.application.melodium.link_engines import LinkEngines
from cadence.application.melodium.progress import Progress, due
from cadence.application.melodium.take_upload import PROGRAM
from cadence.application.runs.ports import EngineStream, ReportedStore
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import TreatmentStore, ValueStore
from cadence.application.shared.storage import ReserveStorage
from cadence.application.shared.value_ports import Chunks
from cadence.domain.melodium.model import PortName, ProgramModel
from cadence.domain.melodium.program import Program
from cadence.domain.melodium.request import Mode
from cadence.domain.melodium.wiring import ProgramWiring
from cadence.domain.runs.run import Origin, Run, Value
from cadence.domain.shared import ids

STATE = "model"
_DIGESTS = "events-seen"
_DIGEST_BYTES = 8
_PREVIEW = 4096
_LARGEST_PENDING = 8 * 1024 * 1024


@dataclass
class EventsTaken:
    """A model, the progress of its parts, and the SHA-256 of the program it has learned."""

    model: ProgramModel
    progress: Progress
    program_sha256: str = ""


class ModelCodec(Protocol):
    """Encodes and decodes the stored state of a process."""

    def encode(self, taken: EventsTaken) -> bytes: ...

    def decode(self, content: bytes) -> EventsTaken: ...

    def program(self, content: bytes) -> Program: ...


@dataclass(frozen=True, kw_only=True)
class TakeEvents:
    """Takes in the events of a process; implements `TakeIn`."""

    treatments: TreatmentStore
    values: ValueStore
    parts: ReportParts
    chunks: Chunks
    reported: ReportedStore
    codec: ModelCodec
    link: LinkEngines
    storage: ReserveStorage
    clock: Clock

    def take(self, run: Run) -> bool:
        """Takes in the parts that are due. Returns True if there are more, behind a chunk that has not come."""
        stored = self.parts.load(run.run_id, STATE)
        taken = self.codec.decode(stored) if stored else EventsTaken(ProgramModel(run_id=run.run_id), Progress())
        self._learn(run, taken)
        seen = self._seen(run) if run.melodium and run.melodium.mode != Mode.DIRECT else None
        pending = due(self.parts, run.run_id, EngineStream.DEBUG, taken.progress, self.clock())
        for part in pending.parts:
            self._take(run, taken.model, part, seen)
            taken.progress.took(part)
            self._store(run, taken, seen)
        if taken.model.changed or taken.model.ended:
            self._store(run, taken, seen)
        self.link.link(run, taken.model, taken.progress.next)
        # Last, as this may end the run: a reader that waits for its end finds all of it.
        done, failed = taken.progress.taken(run.run_id), failed_steps(taken.model)
        self.reported.note_events(run.run_id, done, failed, over=taken.model.over)
        return pending.waits

    def _learn(self, run: Run, taken: EventsTaken) -> None:
        content = self.parts.load(run.run_id, PROGRAM)
        sha256 = hashlib.sha256(content).hexdigest() if content else ""
        if content and sha256 != taken.program_sha256:
            taken.model.learn(self.codec.program(content))
            taken.program_sha256 = sha256
        elif content:
            taken.model.program = self.codec.program(content)
        if not taken.model.entrypoint:
            taken.model.entrypoint = self.reported.entrypoint(run.run_id)

    def _take(self, run: Run, model: ProgramModel, part: ReportPart, seen: set[bytes] | None) -> None:
        pending = 0
        for digest, event in self.parts.events(part):
            if seen is not None:
                if digest in seen:
                    continue
                seen.add(digest)
            model.apply(event)
            pending += len(getattr(event, "content", b""))
            if pending > _LARGEST_PENDING:
                self._write_content(run, model)
                pending = 0
        model.settle()

    def _store(self, run: Run, taken: EventsTaken, seen: set[bytes] | None) -> None:
        """Stores the state last: after a crash the same records are written again, under the same keys."""
        model = taken.model
        self._write_content(run, model)
        records = Records(model, ProgramWiring(model))
        changed = records.of(model.changed)
        self.treatments.put_elements(run.run_id, changed, records.edges(changed))
        self.values.put_values(list(self._values(model, records)))
        model.changed.clear()
        model.ended.clear()
        if seen is not None:
            self.parts.save(run.run_id, _DIGESTS, b"".join(sorted(seen)))
        self.parts.save(run.run_id, STATE, self.codec.encode(taken))

    def _write_content(self, run: Run, model: ProgramModel) -> None:
        """Writes what was reported of values. It counts in the project's storage, but is not refused: it exists."""
        for (name, port), output in model.outputs.items():
            if output.new:
                key = ids.chunk_key(model.run_id, name, 1, port, output.chunks)
                content = b"".join(output.new)
                self.storage.count(run.organization, run.project, len(content))
                self.chunks.write(key, content)
                output.chunks += 1
                output.new.clear()

    def _values(self, model: ProgramModel, records: Records) -> Iterable[Value]:
        for port in sorted(model.ended):
            value = self._value(model, port, records)
            yield value
            for outer in records.passed_on(port):
                declared = records.output(*outer)
                origin = Origin(model.run_id, *port)
                yield replace(
                    value, treatment=outer[0], port=outer[1], flow=declared.flow, type=declared.type, origin=origin
                )

    def _value(self, model: ProgramModel, port: PortName, records: Records) -> Value:
        output, declared = model.outputs[port], records.output(*port)
        name, port_name = port
        digest, preview = hashlib.sha256(), b""
        keys = [ids.chunk_key(model.run_id, name, 1, port_name, number) for number in range(output.chunks)]
        for piece in self.chunks.read_whole(keys):
            digest.update(piece)
            preview += piece[: _PREVIEW - len(preview)]
        return Value(
            run_id=model.run_id,
            treatment=name,
            port=port_name,
            flow=declared.flow,
            type=declared.type,
            sha256=digest.hexdigest(),
            size=output.size,
            chunks=output.chunks,
            attempt=1,
            preview=preview,
            created_at=time_of(output.last_at) or self.clock(),
        )

    def _seen(self, run: Run) -> set[bytes]:
        stored = self.parts.load(run.run_id, _DIGESTS) or b""
        return {stored[start : start + _DIGEST_BYTES] for start in range(0, len(stored), _DIGEST_BYTES)}


def stored_models(parts: ReportParts, codec: ModelCodec) -> Callable[[str], ProgramModel | None]:
    """Returns a function that reads the last stored model of a process, with its program."""

    def model_of(run_id: str) -> ProgramModel | None:
        stored = parts.load(run_id, STATE)
        if stored is None:
            return None
        model = codec.decode(stored).model
        program = parts.load(run_id, PROGRAM)
        if program:
            model.program = codec.program(program)
        return model

    return model_of
