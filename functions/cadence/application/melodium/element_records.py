"""Turns a rebuilt model into treatments, specifications, edges and values, such as every other run has."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cadence.domain.melodium.element import ElementSpec
from cadence.domain.melodium.model import ROOT, SELF, Feed, Output, PortName, ProgramElement, ProgramModel
from cadence.domain.melodium.program import ProgramPort, types_of
from cadence.domain.melodium.rawvalue import UNKNOWN, more_exact
from cadence.domain.melodium.wiring import ProgramWiring
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentKind, TreatmentSpec, input_spec
from cadence.domain.runs.edge import Edge, EdgeState, Trigger
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState

_LONGEST_PARAMETER = 4_000
_MOST_PARAMETERS = 200
_STEPS = "cicd/"
# The names of a step's ports that report failure.
_FAILURE_PORTS = ("failed", "error")

Record = tuple[TreatmentSpec, Treatment]


@dataclass
class Records:
    """Builds the records of a model's elements; the entrypoint itself is the run."""

    model: ProgramModel
    wiring: ProgramWiring
    _fed: dict[str, dict[str, Feed]] = field(init=False)
    _sent: dict[str, dict[str, Output]] = field(init=False)

    def __post_init__(self) -> None:
        self._fed, self._sent = defaultdict(dict), defaultdict(dict)
        for (name, port), feed in self.model.feeds.items():
            self._fed[name][port] = feed
        for (name, port), output in self.model.outputs.items():
            self._sent[name][port] = output

    def of(self, names: Iterable[str]) -> Sequence[Record]:
        """Returns the records of the elements `names`, sorted by name."""
        chosen = set(names)
        elements = (self.model.elements[name] for name in sorted(chosen) if name != ROOT)
        records = [(self._spec(element), self._treatment(element)) for element in elements]
        return [*records, *self._self()] if ROOT in chosen else records

    def output(self, name: str, port: str) -> OutputSpec:
        """Returns the specification of an output: its declared type, made more exact by what was sent."""
        element = self.model.elements[name]
        definition = self.wiring.definition(element)
        declared = definition.outputs.get(port)
        sent = self._sent.get(name, {}).get(port)
        observed = sent.type if sent else UNKNOWN
        if declared is None:
            return OutputSpec(port=port, flow="stream", type=observed)
        type_ = types_of({port: declared}, self.wiring.generics(element))[port]
        return OutputSpec(port=port, flow=declared.flow, type=more_exact(type_, observed))

    def passed_on(self, port: PortName) -> Iterable[PortName]:
        """Yields the outputs of the enclosing elements through which the data of `port` leaves them as well."""
        name, output = port
        element = self.model.elements[name]
        host = self.model.elements.get(element.host or "")
        if host is None or host.name == ROOT:
            return
        for wire in self.wiring.definition(host).wires:
            if (wire.source, wire.output, wire.target) == (element.label, output, None):
                outer = (host.name, wire.input)
                yield outer
                yield from self.passed_on(outer)

    def edges(self, records: Iterable[Record]) -> Sequence[Edge]:
        """Returns one edge for each producer and consumer of `records`."""
        edges = {
            (port.source_treatment, spec.name): Edge(
                run_id=self.model.run_id,
                producer=port.source_treatment,
                consumer=spec.name,
                trigger=Trigger.COMPLETED,
                state=EdgeState.DELIVERED,
            )
            for spec, _ in records
            for port in spec.inputs
            if port.source_treatment
        }
        return list(edges.values())

    def _spec(self, element: ProgramElement) -> TreatmentSpec:
        definition, generics = self.wiring.definition(element), self.wiring.generics(element)
        types = types_of(definition.inputs, generics)
        inputs = {name: self._input(element, name, definition.inputs, types) for name in definition.inputs}
        fed, sent = self._fed.get(element.name, {}), self._sent.get(element.name, {})
        outputs = tuple(self._outputs(element, definition.outputs))
        senders = {output.port: self.wiring.sender(element, output.port) for output in outputs}
        inputs |= {name: self._input(element, name, {}, {}) for name in sorted(set(fed) - set(inputs))}
        return TreatmentSpec(
            name=element.name,
            kind=TreatmentKind.ELEMENT,
            inputs=tuple(inputs.values()),
            outputs=outputs,
            element=ElementSpec(
                treatment=element.treatment,
                track=element.track,
                host=element.host if element.host != ROOT else None,
                designed=definition.designed or bool(element.parts),
                generics=dict(generics),
                parameters=_parameters(element.parameters),
                delivered={port: feed.count for port, feed in fed.items()},
                sent={port: output.count for port, output in sent.items()},
                unreported=self._unreported(senders),
                unreported_inputs=self._unreported({name: self.wiring.source(element, name) for name in inputs}),
                secrets=tuple(element.secrets),
            ),
        )

    def _self(self) -> Sequence[Record]:
        """Returns the record of the values that a worker's entrypoint received and returned, if it has ports."""
        root = self.model.elements[ROOT]
        definition = self.wiring.definition(root)
        if not definition.inputs and not definition.outputs:
            return ()
        results = self.wiring.results()
        inputs, outputs = (types_of(ports, {}) for ports in (definition.inputs, definition.outputs))
        spec = TreatmentSpec(
            name=f"{ROOT}/{SELF}",
            kind=TreatmentKind.ELEMENT,
            inputs=tuple(
                input_spec(name, port.flow, outputs[name], results.get(name))
                for name, port in definition.outputs.items()
            ),
            outputs=tuple(
                OutputSpec(port=name, flow=port.flow, type=inputs[name]) for name, port in definition.inputs.items()
            ),
            element=ElementSpec(
                treatment=root.treatment,
                track=root.track,
                designed=True,
                parameters=_parameters(root.parameters),
                unreported_inputs=self._unreported(results),
            ),
        )
        return [(spec, replace(self._treatment(root), name=spec.name))]

    def _input(
        self, element: ProgramElement, name: str, ports: Mapping[str, ProgramPort], types: Mapping[str, str]
    ) -> InputSpec:
        source = self.wiring.source(element, name)
        sent = self.model.outputs.get(source) if source else None
        type_ = types.get(name) or (sent.type if sent else UNKNOWN)
        flow = ports[name].flow if name in ports else "stream"
        return input_spec(name, flow, type_, source)

    def _unreported(self, senders: Mapping[str, PortName | None]) -> Mapping[str, int]:
        """Returns how many values the output that stands behind each port has sent that its engine did not report."""
        sent = {name: self.model.outputs.get(port) for name, port in senders.items() if port}
        return {name: output.counted for name, output in sent.items() if output and output.counted}

    def _outputs(self, element: ProgramElement, ports: Mapping[str, ProgramPort]) -> Iterable[OutputSpec]:
        further = sorted(set(self._sent.get(element.name, {})) - set(ports))
        return (self.output(element.name, name) for name in (*ports, *further))

    def _treatment(self, element: ProgramElement) -> Treatment:
        started, finished = time_of(element.started_at), time_of(element.finished_at)
        state, cause = TreatmentState.READY, None
        if started:
            state = TreatmentState.SUCCEEDED if finished else TreatmentState.RUNNING
        if element.treatment.startswith(_STEPS) and _reported_failure(self.wiring, element):
            state, cause = TreatmentState.FAILED, "it reported a failure through its port"
        built = time_of(element.built_at)
        history = [StateChange(built, 1, TreatmentState.READY)] if built else []
        history += [StateChange(started, 1, TreatmentState.RUNNING)] if started else []
        history += [StateChange(finished, 1, state, cause or "")] if finished and started else []
        return Treatment(
            run_id=self.model.run_id,
            name=element.name,
            state=state,
            waiting=0,
            kind=TreatmentKind.ELEMENT,
            cause=cause,
            ready_at=built,
            started_at=started,
            finished_at=finished,
            history=tuple(history),
        )


def failed_steps(model: ProgramModel) -> Sequence[str]:
    """Returns the names of the treatments of `cicd` that reported a failure."""
    steps = [each for each in model.elements.values() if each.treatment.startswith(_STEPS) and each.name != ROOT]
    if not steps:
        return ()
    wiring = ProgramWiring(model)
    return [element.name for element in steps if _reported_failure(wiring, element)]


def _reported_failure(wiring: ProgramWiring, element: ProgramElement) -> bool:
    definition = wiring.definition(element)
    for port in _FAILURE_PORTS:
        sender = wiring.sender(element, port) if port in definition.outputs else None
        sent = wiring.model.outputs.get(sender) if sender else None
        if sent and sent.count:
            return True
    return False


def _parameters(parameters: Mapping[str, Any]) -> Mapping[str, str]:
    texts = {name: _text(each) for name, each in list(parameters.items())[:_MOST_PARAMETERS]}
    return {
        name: text if len(text) <= _LONGEST_PARAMETER else f"{text[:_LONGEST_PARAMETER]}…"
        for name, text in texts.items()
    }


def _text(parameter: Mapping[str, Any]) -> str:
    if "type" not in parameter:
        return "***"
    return json.dumps(parameter["value"], ensure_ascii=False)


def time_of(text: str) -> datetime | None:
    """Returns an ISO 8601 time in UTC, to the microsecond; None for any other text."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except ValueError:
        return None
