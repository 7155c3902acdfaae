"""Splits an upload of an engine into parts, takes them in, and removes the upload."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.melodium.intake import ReportPart, ReportParts, Turns, Uploaded
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.ports import EngineStream
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore
from cadence.domain.melodium.log_entry import LogEntry
from cadence.domain.melodium.request import Mode
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import InvalidRequest, NotFound, Transient

PROGRAM = "program"
"""Name of the saved program of a process."""

TURN = timedelta(minutes=6)
"""Longer than the Lambda may run: a turn that was not given back ends by itself."""
_CHUNK = re.compile(r"uploads/(?P<run>[0-9a-f-]{36})/(?P<stream>logs|debug)/(?:logs|debug)_(?P<number>\d{1,12})\.json")
_PROGRAM = re.compile(r"uploads/(?P<run>[0-9a-f-]{36})/program\.json")
_LONGEST_ANCESTRY = 10
_PAUSES = (0.2, 0.4, 0.8, 1.6)
"""Seconds: mostly the missing chunk has come by then. Otherwise Lambda repeats the call in a minute."""
_PROGRAM_PAUSES = (0.2, 0.4, 0.8)

TakeIn = Callable[[Run], bool]
"""Takes in the parts of a process that are due. Returns True if there are more, behind a chunk that has not come."""


@dataclass(frozen=True, kw_only=True)
class TakeUpload:
    """Takes in uploads; `take_in` takes in the parts of a process, for each stream."""

    runs: RunStore
    uploaded: Uploaded
    parts: ReportParts
    turns: Turns
    take_in: Mapping[EngineStream, TakeIn]
    note_workers: Callable[[str, Iterable[str]], None]
    end: EndProcess
    clock: Clock
    pause: Callable[[float], None]

    def take(self, key: str) -> None:
        """Takes in the upload `key`. Safe to repeat.

        Raises InvalidRequest if it is no upload of an engine, Transient if the call is to be repeated.
        """
        chunk, program = _CHUNK.fullmatch(key), _PROGRAM.fullmatch(key)
        if chunk is None and program is None:
            raise InvalidRequest(f"{key} is not an upload of an engine.")
        match = chunk or program
        assert match is not None
        run = self.runs.get_run(match["run"])
        try:
            if chunk:
                stream = EngineStream(chunk["stream"])
                targets = self._split(run, stream, int(chunk["number"]), key)
                if stream is EngineStream.DEBUG and int(chunk["number"]) == 0:
                    self._await_program(run)
            else:
                stream, targets = EngineStream.DEBUG, [run.run_id]
                self.parts.save(run.run_id, PROGRAM, self.uploaded.program(key))
        except NotFound:
            return  # an earlier call has dealt with it
        except InvalidRequest:
            if chunk:
                # An empty part, so that later chunks need not wait for this one.
                self.parts.write_entries(ReportPart(run.run_id, stream, run.run_id, int(chunk["number"])), ())
                self._take_all([run.run_id], stream, holder=key)
            raise
        self._take_all(targets, stream, holder=key)
        self.uploaded.remove(key)

    def _await_program(self, run: Run) -> None:
        """Waits for the program, which an engine uploads at the same time, and which alone names all its elements.

        A call that takes in the program meanwhile takes in the chunk, too.
        """
        if run.melodium is None or run.melodium.mode not in (Mode.DIRECT, Mode.DIRECT_PROJECT):
            return  # workers have none of their own
        for pause in _PROGRAM_PAUSES:
            if self.parts.load(run.run_id, PROGRAM) is not None:
                return
            self.pause(pause)

    def _take_all(self, targets: Sequence[str], stream: EngineStream, holder: str) -> None:
        for target in targets:
            self.turns.announce(target, stream)
        for pause in _PAUSES:
            targets = [target for target in targets if self._take(target, stream, holder)]
            if not targets:
                return
            self.pause(pause)
        raise Transient(f"A chunk that comes before {holder} has not come yet.")

    def _split(self, run: Run, stream: EngineStream, number: int, key: str) -> list[str]:
        family = _Family(self.runs, run)
        if stream is EngineStream.DEBUG:
            events = ((of, event) for of, event in self.uploaded.events(key, run.run_id) if family.has(of))
            written = self.parts.write_events(run.run_id, number, events)
            self.note_workers(run.run_id, written)
            return list(dict.fromkeys([run.run_id, *written]))
        by_process: dict[str, list[LogEntry]] = {run.run_id: []}
        for entry in self.uploaded.entries(key):
            process = entry.run_id if entry.run_id and family.has(entry.run_id) else run.run_id
            by_process.setdefault(process, []).append(entry)
        for process, entries in by_process.items():
            self.parts.write_entries(ReportPart(process, stream, run.run_id, number), entries)
        return list(by_process)

    def _take(self, run_id: str, stream: EngineStream, holder: str) -> bool:
        """Takes in what is due, like `TakeIn`; a repeated call takes over the turn of one that ended half-way."""
        now = self.clock()
        turn = self.turns.take(run_id, stream, holder, now, now + TURN)
        if turn is None:
            return False
        run = self.runs.get_run(run_id)
        try:
            waits = self.take_in[stream](run)
            while not self.turns.give_back(turn):
                turn = self.turns.again(turn, self.clock() + TURN)
                waits = self.take_in[stream](run)
        except BaseException:
            self.turns.drop(turn)
            raise
        self.end.end(run_id)
        return waits


@dataclass
class _Family:
    """The processes that an engine reports: itself, and the workers that it or they requested."""

    runs: RunStore
    run: Run

    def __post_init__(self) -> None:
        self._known = {self.run.run_id: True}

    def has(self, run_id: str) -> bool:
        if run_id not in self._known:
            self._known[run_id] = self._descends(run_id)
        return self._known[run_id]

    def _descends(self, run_id: str) -> bool:
        ancestor_id: str | None = run_id
        for _ in range(_LONGEST_ANCESTRY):
            ancestor = self.runs.get_runs([ancestor_id]).get(ancestor_id) if ancestor_id else None
            if ancestor is None or ancestor.melodium is None or self.run.melodium is None:
                return False
            same = (ancestor.organization, ancestor.project) == (self.run.organization, self.run.project)
            if not same or ancestor.melodium.group_id != self.run.melodium.group_id:
                return False
            ancestor_id = ancestor.melodium.parent_id
            if ancestor_id == self.run.run_id:
                return True
            if ancestor_id is None:
                # A worker that was started by hand has no parent, only a group.
                return ancestor.melodium.mode == Mode.DISTRIBUTION and self.run.melodium.mode != Mode.DISTRIBUTION
        return False
