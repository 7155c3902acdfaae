"""Links the values that engines send each other: a worker's inputs are the asking engine's outputs, and vice versa."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cadence.application.melodium.element_records import time_of
from cadence.application.melodium.intake import ReportParts
from cadence.application.shared.run_ports import RunStore, ValueStore
from cadence.domain.melodium.model import ROOT, SELF, PortName, ProgramElement, ProgramModel
from cadence.domain.melodium.redaction import KNOWN_AS
from cadence.domain.melodium.wiring import ProgramWiring
from cadence.domain.runs.run import Origin, Run, Value

WORKERS = "workers"
"""Name of the saved list of processes that a process reports."""

SENDS = frozenset({"distrib::sendBlock", "distrib::sendStream"})
RECEIVES = frozenset({"distrib::recvBlock", "distrib::recvStream"})
_PORT = "data"
_LAST = datetime.max.replace(tzinfo=UTC)
_STARTS, _REQUESTS, _ACCESS = "distrib::start", "work/distant::distant", "access"

ModelOf = Callable[[str], ProgramModel | None]
"""Returns the last stored model of a process, with its program; None if there is none yet."""


@dataclass(frozen=True)
class LinkEngines:
    """Links the values of an engine with those of its workers and of the engine that asked for it."""

    runs: RunStore
    values: ValueStore
    parts: ReportParts
    model_of: ModelOf
    answered: Callable[[str], Sequence[str]]

    def link(self, run: Run, model: ProgramModel, sources: Iterable[str]) -> None:
        """Links a process with its parents (the engine that asked for it, and `sources`, which report it) and workers.

        Safe to repeat.
        """
        # An engine also reports the workers of its workers: where it is known which engine asked, only that one counts.
        asked_by = run.melodium.parent_id if run.melodium else None
        for parent in sorted(({asked_by} if asked_by else set(sources)) - {run.run_id}):
            asking = self.model_of(parent)
            if asking:
                self._link(asking, model, self._workers(parent))
        self._link_workers(model, {run.run_id})

    def note_workers(self, run_id: str, workers: Iterable[str]) -> None:
        """Adds `workers` to the processes that a process reports."""
        known = self._reported(run_id)
        new = [worker for worker in workers if worker not in known and worker != run_id]
        if new:
            self.parts.save(run_id, WORKERS, json.dumps([*known, *new]).encode())

    def _workers(self, run_id: str) -> Sequence[str]:
        """Returns the processes that a process reports and may have asked for itself."""
        reported = self._reported(run_id)
        runs = self.runs.get_runs(reported)
        asked_by = {name: found.melodium.parent_id for name, found in runs.items() if found.melodium}
        return [worker for worker in reported if asked_by.get(worker) in (None, run_id)]

    def _reported(self, run_id: str) -> Sequence[str]:
        stored = self.parts.load(run_id, WORKERS)
        return list(json.loads(stored)) if stored else []

    def _link_workers(self, asking: ProgramModel, linked: Set[str]) -> None:
        """Links an engine with its workers, and those that were given values with theirs: they may hand these on.

        A worker's input is known only once the engine that sent it is linked, which may be after its own workers are.
        """
        workers = self._workers(asking.run_id)
        for worker in workers:
            worked = self.model_of(worker) if worker not in linked else None
            if worked and self._link(asking, worked, workers):
                self._link_workers(worked, linked | {worker})

    def _link(self, asking: ProgramModel, worked: ProgramModel, workers: Sequence[str]) -> bool:
        """Links an engine with one of its workers. Returns whether the worker was given values."""
        results = ProgramWiring(worked).results()
        wiring = ProgramWiring(asking)
        sent, received = [], []
        for element in self._talking_to(asking, worked, results, workers):
            name = _name(element)
            source = wiring.source(element, _PORT) if element.treatment in SENDS else None
            if source:
                sent.append((name, source))
            if element.treatment in RECEIVES and name in results:
                received.append((element.name, results[name]))
        inputs = list(self._inputs(asking.run_id, worked.run_id, sent))
        self.values.put_values([*inputs, *self._results(asking, worked, received)])
        return bool(inputs)

    def _inputs(self, asking: str, worker: str, ports: Sequence[tuple[str, PortName]]) -> Iterable[Value]:
        """Yields the worker's inputs, which are the values that were sent; their content stays with the sender."""
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

    def _results(
        self, asking: ProgramModel, worked: ProgramModel, ports: Sequence[tuple[str, PortName]]
    ) -> Iterable[Value]:
        """Yields the values that came back, whose content is stored on both sides."""
        known = self._values(asking.run_id, [(name, _PORT) for name, _ in ports])
        for name, (treatment, port) in ports:
            value = known.get((name, _PORT))
            if value:
                yield replace(value, origin=Origin(worked.run_id, treatment, port, copied=True))

    def _talking_to(
        self, asking: ProgramModel, worked: ProgramModel, results: Mapping[str, PortName], workers: Sequence[str]
    ) -> Sequence[ProgramElement]:
        """Returns the treatments of the asking engine that talk to this worker."""
        talking = [element for element in asking.elements.values() if element.treatment in SENDS | RECEIVES]
        # All workers that may have been requested, also those without reports yet: their keys are not this worker's.
        runs = self.runs.get_runs({*workers, worked.run_id}).values()
        keys = {run.melodium.known_as: run.run_id for run in runs if run.melodium and run.melodium.known_as}
        wiring = ProgramWiring(asking)
        used = self._used(asking, wiring, keys)
        workers_of = {element.name: used.get(wiring.model_of(element)) for element in talking}
        if worked.run_id in keys.values():
            own = [element for element in talking if workers_of[element.name] == worked.run_id]
            agrees = self._agrees(asking, worked, results, own)
            return own if agrees else self._by_results(asking, worked, results, talking)
        if len(workers) <= 1:
            return talking
        unassigned = [element for element in talking if workers_of[element.name] is None]
        return self._by_results(asking, worked, results, unassigned)

    def _used(
        self, asking: ProgramModel, wiring: ProgramWiring, keys: Mapping[str, str]
    ) -> Mapping[PortName | None, str]:
        """Returns the worker of each distribution model, as far as it is known.

        The keys that Cadence issued identify it, or for engines that report none the order of its answers.
        """
        starts = [element for element in asking.elements.values() if element.treatment == _STARTS]
        in_order = self._in_order(asking)
        sources = {element.name: wiring.source(element, _ACCESS) for element in starts}
        values = self._values(asking.run_id, [source for source in sources.values() if source])
        workers: dict[PortName | None, str] = {}
        for element in starts:
            value = values.get(sources[element.name] or ("", ""))
            worker = keys.get(_known_as(value.preview)) if value else None
            worker = worker or in_order.get(sources[element.name])
            model = wiring.model_of(element)
            if worker and model:
                workers[model] = worker
        return workers

    def _in_order(self, asking: ProgramModel) -> Mapping[PortName | None, str]:
        """Returns the worker of each output of the engine's requests, which got their answers in the order of these."""
        requests = [element.name for element in asking.elements.values() if element.treatment == _REQUESTS]
        outputs = {name: asking.outputs[name, _ACCESS] for name in requests if (name, _ACCESS) in asking.outputs}
        answered = self.answered(asking.run_id) if outputs else ()
        if len(outputs) > len(answered):
            return {}  # some have workers that Cadence did not start
        ordered = sorted(outputs, key=lambda name: time_of(outputs[name].first_at) or _LAST)
        return {(name, _ACCESS): worker for name, worker in zip(ordered, answered, strict=False)}

    def _agrees(
        self,
        asking: ProgramModel,
        worked: ProgramModel,
        results: Mapping[str, PortName],
        talking: Sequence[ProgramElement],
    ) -> bool:
        """Returns whether no value that came back to `talking` is another one than the worker returned."""
        receivers = {_name(each): (each.name, _PORT) for each in talking if each.treatment in RECEIVES}
        received, returned = self._digests(asking.run_id, receivers), self._digests(worked.run_id, results)
        return all(returned.get(name, sha256) == sha256 for name, sha256 in received.items())

    def _by_results(
        self,
        asking: ProgramModel,
        worked: ProgramModel,
        results: Mapping[str, PortName],
        talking: Sequence[ProgramElement],
    ) -> Sequence[ProgramElement]:
        """Returns the treatments that talk to a worker which no key identifies.

        The values that came back identify it; what was sent beside them went to the same worker.
        """
        came_back = self._digests(worked.run_id, results)
        wiring = ProgramWiring(asking)
        groups: dict[tuple[PortName | None, str | None, int], list[ProgramElement]] = {}
        for element in talking:
            groups.setdefault((wiring.model_of(element), element.host, element.track), []).append(element)
        matching: list[ProgramElement] = []
        for group in groups.values():
            receivers = {_name(each): (each.name, _PORT) for each in group if each.treatment in RECEIVES}
            received = self._digests(asking.run_id, receivers)
            if received and all(came_back.get(name) == sha256 for name, sha256 in received.items()):
                matching += group
        return matching

    def _digests(self, run_id: str, ports: Mapping[str, PortName]) -> Mapping[str, str]:
        known = self._values(run_id, list(ports.values()))
        return {name: known[port].sha256 for name, port in ports.items() if port in known}

    def _values(self, run_id: str, ports: Sequence[PortName]) -> Mapping[PortName, Value]:
        values = self.values.get_values(run_id, list(dict.fromkeys(ports))) if ports else ()
        return {(value.treatment, value.port): value for value in values}


def _name(element: ProgramElement) -> str:
    """Returns the name of the worker's input or output that the element sends or receives."""
    parameter = element.parameters.get("name")
    return str(parameter.get("value", "")) if isinstance(parameter, Mapping) else ""


def _known_as(preview: bytes) -> str:
    """Returns the digest of a worker's key from the stored preview of an access value; empty if it has none."""
    try:
        access = json.loads(preview)
    except ValueError:
        return ""
    return str(access.get(KNOWN_AS, "")) if isinstance(access, Mapping) else ""
