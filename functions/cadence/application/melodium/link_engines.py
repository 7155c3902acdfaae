"""Values that go from one engine to another: what a worker was given is what the asking engine sent it, and the other way round."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cadence.application.melodium.intake import ReportParts
from cadence.application.shared.run_ports import RunStore, ValueStore
from cadence.domain.melodium.model import ROOT, SELF, PortName, ProgramElement, ProgramModel
from cadence.domain.melodium.redaction import KNOWN_AS
from cadence.domain.melodium.wiring import ProgramWiring
from cadence.domain.runs.run import Origin, Run, Value

WORKERS = "workers"
"""Name of the saved list of processes that a process tells of."""

SENDS = frozenset({"distrib::sendBlock", "distrib::sendStream"})
RECEIVES = frozenset({"distrib::recvBlock", "distrib::recvStream"})
_PORT = "data"
_STARTS, _ACCESS = "distrib::start", "access"

ModelOf = Callable[[str], ProgramModel | None]
"""The model of a process as it was last stored, with its program; None if there is none yet."""


@dataclass(frozen=True)
class LinkEngines:
    runs: RunStore
    values: ValueStore
    parts: ReportParts
    model_of: ModelOf

    def link(self, run: Run, model: ProgramModel, sources: Iterable[str]) -> None:
        """With whoever asked for it (or tells of it: `sources`), and with its own workers. Safe to repeat."""
        asked = {run.melodium.parent_id} if run.melodium and run.melodium.parent_id else set()
        for parent in sorted((asked | set(sources)) - {run.run_id}):
            asking = self.model_of(parent)
            if asking:
                self._link(asking, model, self._workers(parent))
        workers = self._workers(run.run_id)
        for worker in workers:
            worked = self.model_of(worker)
            if worked:
                self._link(model, worked, workers)

    def note_workers(self, run_id: str, found: Iterable[str]) -> None:
        known = self._workers(run_id)
        new = [worker for worker in found if worker not in known and worker != run_id]
        if new:
            self.parts.save(run_id, WORKERS, json.dumps([*known, *new]).encode())

    def _workers(self, run_id: str) -> Sequence[str]:
        stored = self.parts.load(run_id, WORKERS)
        return list(json.loads(stored)) if stored else []

    def _link(self, asking: ProgramModel, worked: ProgramModel, workers: Sequence[str]) -> None:
        results = ProgramWiring(worked).results()
        theirs = self._theirs(asking, worked, results, workers)
        wiring = ProgramWiring(asking)
        given, got = [], []
        for element in theirs:
            name = _name(element)
            source = wiring.source(element, _PORT) if element.treatment in SENDS else None
            if source:
                given.append((name, source))
            if element.treatment in RECEIVES and name in results:
                got.append((element.name, results[name]))
        self.values.put_values([*self._given(asking.run_id, worked.run_id, given), *self._got(asking, worked, got)])

    def _given(self, asking: str, worker: str, ports: Sequence[tuple[str, PortName]]) -> Iterable[Value]:
        """The entrypoint's inputs are the values that were sent, which are kept there."""
        known = self._values(asking, [source for _, source in ports])
        for name, (treatment, port) in ports:
            value = known.get((treatment, port))
            if value:
                origin = value.origin if value.origin and not value.origin.copied else None
                yield replace(
                    value,
                    run_id=worker,
                    treatment=f"{ROOT}/{SELF}",
                    port=name,
                    origin=origin or Origin(asking, treatment, port),
                )

    def _got(
        self, asking: ProgramModel, worked: ProgramModel, ports: Sequence[tuple[str, PortName]]
    ) -> Iterable[Value]:
        """What came back is kept on both sides."""
        known = self._values(asking.run_id, [(name, _PORT) for name, _ in ports])
        for name, (treatment, port) in ports:
            value = known.get((name, _PORT))
            if value:
                yield replace(value, origin=Origin(worked.run_id, treatment, port, copied=True))

    def _theirs(
        self, asking: ProgramModel, worked: ProgramModel, results: Mapping[str, PortName], workers: Sequence[str]
    ) -> Sequence[ProgramElement]:
        """The treatments of the asking engine that talk to this worker."""
        talking = [element for element in asking.elements.values() if element.treatment in SENDS | RECEIVES]
        # Of all that may have been asked for, also those that nothing was told of yet: their keys are not this one's.
        runs = self.runs.get_runs({*workers, worked.run_id}).values()
        keys = {run.melodium.known_as: run.run_id for run in runs if run.melodium and run.melodium.known_as}
        wiring = ProgramWiring(asking)
        used = self._used(asking, wiring, keys)
        workers_of = {element.name: used.get(wiring.model_of(element)) for element in talking}
        if worked.run_id in keys.values():
            return [element for element in talking if workers_of[element.name] == worked.run_id]
        if len(workers) <= 1:
            return talking
        untold = [element for element in talking if workers_of[element.name] is None]
        return self._by_what_came_back(asking, worked, results, untold)

    def _used(
        self, asking: ProgramModel, wiring: ProgramWiring, keys: Mapping[str, str]
    ) -> Mapping[PortName | None, str]:
        """Which worker each model of distribution was connected to, as far as the keys tell that Cadence gave out."""
        starts = [element for element in asking.elements.values() if element.treatment == _STARTS] if keys else []
        sources = {element.name: wiring.source(element, _ACCESS) for element in starts}
        values = self._values(asking.run_id, [source for source in sources.values() if source])
        found: dict[PortName | None, str] = {}
        for element in starts:
            value = values.get(sources[element.name] or ("", ""))
            worker = keys.get(_known_as(value.preview)) if value else None
            model = wiring.model_of(element)
            if worker and model:
                found[model] = worker
        return found

    def _by_what_came_back(
        self,
        asking: ProgramModel,
        worked: ProgramModel,
        results: Mapping[str, PortName],
        talking: Sequence[ProgramElement],
    ) -> Sequence[ProgramElement]:
        """Of workers whose keys tell nothing: what came back tells whom it came from; what was sent beside it went to the same one."""
        came_back = self._digests(worked.run_id, results)
        groups: dict[tuple[str | None, int], list[ProgramElement]] = {}
        for element in talking:
            groups.setdefault((element.host, element.track), []).append(element)
        found: list[ProgramElement] = []
        for group in groups.values():
            got = {_name(one): (one.name, _PORT) for one in group if one.treatment in RECEIVES}
            theirs = self._digests(asking.run_id, got)
            if theirs and all(came_back.get(name) == sha256 for name, sha256 in theirs.items()):
                found += group
        return found

    def _digests(self, run_id: str, ports: Mapping[str, PortName]) -> Mapping[str, str]:
        known = self._values(run_id, list(ports.values()))
        return {name: known[port].sha256 for name, port in ports.items() if port in known}

    def _values(self, run_id: str, ports: Sequence[PortName]) -> Mapping[PortName, Value]:
        found = self.values.get_values(run_id, list(dict.fromkeys(ports))) if ports else ()
        return {(value.treatment, value.port): value for value in found}


def _name(element: ProgramElement) -> str:
    """Which input or output of the worker's entrypoint it is about."""
    said = element.parameters.get("name")
    return str(said.get("value", "")) if isinstance(said, Mapping) else ""


def _known_as(preview: bytes) -> str:
    """Of a value that tells how a worker is reached, as it is kept; `` if it does not say it."""
    try:
        found = json.loads(preview)
    except ValueError:
        return ""
    return str(found.get(KNOWN_AS, "")) if isinstance(found, Mapping) else ""
