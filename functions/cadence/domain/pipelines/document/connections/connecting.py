"""Checks the dependencies between treatments: connections, the sources of inputs, `after`, and cycles."""

import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from cadence.domain.pipelines.document.connections.port_types import Typing
from cadence.domain.pipelines.document.connections.types import Flow
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, texts
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Problems
from cadence.domain.pipelines.document.pipeline import BUILTIN_OUTPUTS, Connection, Port
from cadence.domain.pipelines.document.treatments.expressions import treatments_named
from cadence.domain.pipelines.document.wording import closest, suggestion
from cadence.domain.shared.display import shown

_CONNECTION = re.compile(r"\s*([^\s.]+)\.([^\s.]+)\s*->\s*([^\s.]+)\.([^\s.]+)\s*")
_MOST_CYCLES = 10
_MOST_SEARCHED = 300_000
"""The most connections that all searches for cycles visit together."""
_LONGEST_CYCLE_SHOWN = 12

Edges = dict[tuple[str, str], Path]
"""Maps producer and consumer to the first place in the document that makes the consumer wait for the producer."""


def check_connections(draft: Draft, problems: Problems) -> tuple[Connection, ...]:
    """Returns the connections that can be read, and solves type parameters. Adds what is wrong to `problems`."""
    check = _ConnectionCheck(draft, problems)
    for index, text in texts(draft.connections):
        check.connection(text, ("connections", index))
    for treatment in draft.treatments.values():
        if "after" in treatment.body:
            check.after(treatment)
        if "when" in treatment.body:
            check.states(treatment)
        check.inputs_are_fed(treatment)
    problems.add_all(_cycles(draft.treatments, check.edges, check.streams))
    check.typing.finish()
    return tuple(check.connections)


class _ConnectionCheck:
    def __init__(self, draft: Draft, problems: Problems) -> None:
        self._treatments = draft.treatments
        self._problems = problems
        self._fed: dict[tuple[str, str], Connection | None] = {}
        self.connections: list[Connection] = []
        self.edges: Edges = {}
        self.streams: dict[tuple[str, str], bool] = {}
        self.typing = Typing(draft, problems)

    def connection(self, text: str, path: Path) -> None:
        """Reads and checks one connection, and adds it to the edges."""
        match = _CONNECTION.fullmatch(text)
        if match is None:
            self._report(
                Code.BAD_CONNECTION,
                f"{shown(text)} is not a connection.",
                path,
                "Write producer.output -> consumer.input.",
            )
            return
        connection = Connection(*match.groups())
        self.connections.append(connection)
        source = self._treatment(connection.source_treatment, path)
        target = self._treatment(connection.target_treatment, path)
        output = self._output(source, connection.source_port, path) if source else None
        entry = self._input(target, connection.target_port, path) if target else None
        if target and entry:
            self._feed(target.name, entry, connection, path)
        if source and target:
            streams = entry is not None and entry[1] is not None and entry[1].flow is Flow.STREAM
            self._edge(source.name, target.name, path, streams=streams)
            if output and entry and entry[1]:
                self.typing.connect(source, output, target, entry[1], path)

    def after(self, treatment: DraftTreatment) -> None:
        """Adds an edge from each treatment in `after`, and a problem for each that does not exist."""
        for index, name in texts(treatment.body["after"]):
            path = (*treatment.path, "after", index)
            if name in self._treatments:
                self._edge(name, treatment.name, path)
            elif "." in name:
                self._report(
                    Code.UNKNOWN_TREATMENT,
                    f"{shown(name)} is not the name of a treatment.",
                    path,
                    "To wait for an output such as failed, connect it to an input of type Block<void>.",
                )
            else:
                self._treatment(name, path)

    def states(self, treatment: DraftTreatment) -> None:
        """Adds an edge from each treatment that a condition names.

        Whether it exists is checked with the expressions.
        """
        for name in treatments_named(treatment.body):
            if name in self._treatments and name != treatment.name:
                self._edge(name, treatment.name, (*treatment.path, "when"))

    def inputs_are_fed(self, treatment: DraftTreatment) -> None:
        """Adds a problem for each required input that nothing feeds."""
        if treatment.inputs is None:
            return
        for name, port in treatment.inputs.items():
            if (treatment.name, name) in self._fed or port is None:
                continue
            if port.literal is None and port.default is None and not port.optional:
                self._problems.add(
                    treatment.problem(
                        Code.INPUT_NOT_FED,
                        f"Nothing feeds the input {treatment.name}.{name}.",
                        ("inputs", name),
                        f"Add a connection that ends in “-> {treatment.name}.{name}”, or remove the input.",
                        at_key=True,
                    )
                )

    def _treatment(self, name: str, path: Path) -> DraftTreatment | None:
        treatment = self._treatments.get(name)
        if treatment is None:
            hint = suggestion(name, self._treatments, self._problems)
            self._report(Code.UNKNOWN_TREATMENT, f"There is no treatment {shown(name)}.", path, hint)
        return treatment

    def _output(self, source: DraftTreatment, port: str, path: Path) -> Port | None:
        if port in BUILTIN_OUTPUTS:
            return BUILTIN_OUTPUTS[port]
        if source.outputs is None:
            return None
        if port in source.outputs:
            return source.outputs[port]
        hint = suggestion(port, [*source.outputs, *BUILTIN_OUTPUTS], self._problems)
        if source.inputs and port in source.inputs:
            hint = f"{port} is an input of {source.name}; a connection starts at an output."
        self._report(Code.UNKNOWN_PORT, f"Treatment {shown(source.name)} has no output {shown(port)}.", path, hint)
        return None

    def _input(self, target: DraftTreatment, port: str, path: Path) -> tuple[str, Port | None] | None:
        """Returns the input of a connection. A misspelt one counts as fed, so that one mistake gives one finding."""
        if target.inputs is None:
            return None
        if port in target.inputs:
            return port, target.inputs[port]
        hint = suggestion(port, target.inputs, self._problems)
        if not target.inputs:
            hint = f"Treatment {shown(target.name)} declares no inputs."
        if target.outputs and port in target.outputs:
            hint = f"{port} is an output of {target.name}; a connection ends at an input."
        self._report(Code.UNKNOWN_PORT, f"Treatment {shown(target.name)} has no input {shown(port)}.", path, hint)
        if hint is not None and (meant := closest(port, target.inputs)) is not None:
            self._fed.setdefault((target.name, meant), None)
        return None

    def _feed(self, treatment: str, entry: tuple[str, Port | None], connection: Connection, path: Path) -> None:
        port, declared = entry
        earlier = self._fed.setdefault((treatment, port), connection)
        if earlier is not connection and earlier is not None:
            self._report(
                Code.INPUT_FED_TWICE,
                f"The input {treatment}.{port} is already fed by {earlier.source_treatment}.{earlier.source_port}.",
                path,
                "Remove one of the connections, or declare a second input.",
            )
        elif declared is not None and declared.literal is not None:
            self._report(
                Code.LITERAL_CONNECTED,
                f"The input {treatment}.{port} has a value of its own and cannot be connected as well.",
                path,
                "Remove the connection, or write default instead of value.",
            )

    def _edge(self, producer: str, consumer: str, path: Path, *, streams: bool = False) -> None:
        if producer == consumer:
            message = f"Treatment {shown(producer)} would wait for itself."
            self._report(Code.SELF_CONNECTION, message, path, "A treatment cannot feed or follow itself.")
        else:
            edge = producer, consumer
            self.edges.setdefault(edge, path)
            self.streams[edge] = streams and self.streams.get(edge, True)

    def _report(self, code: Code, message: str, path: Path, hint: str | None, *, at_key: bool = False) -> None:
        self._problems.add(DocumentProblem(code=code, message=message, path=path, hint=hint, at_key=at_key))


def _cycles(names: Iterable[str], edges: Edges, streams: Mapping[tuple[str, str], bool]) -> Iterator[DocumentProblem]:
    """Yields one problem for each of the cycles that share no connection, ten at most.

    It is reported at the place where the document closes the cycle; its message starts from there.
    """
    # Most documents name each treatment after those it waits for, so that no search is needed.
    positions = {name: index for index, name in enumerate(names)}
    if all(positions[producer] < positions[consumer] for producer, consumer in edges):
        return
    remaining = dict(edges)
    order = {edge: index for index, edge in enumerate(edges)}
    for _ in range(min(_MOST_CYCLES, 1 + _MOST_SEARCHED // len(edges))):
        graph: dict[str, list[str]] = {}
        for producer, consumer in remaining:
            graph.setdefault(consumer, []).append(producer)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            steps = list(pairwise(error.args[1]))
        else:
            return
        closing = max(steps, key=lambda step: order[step])
        start = steps.index(closing) + 1
        followers = [consumer for _, consumer in (steps[start:] + steps[:start])]
        circle = [closing[1], *followers]
        if len(circle) > _LONGEST_CYCLE_SHOWN:
            circle = [*circle[: _LONGEST_CYCLE_SHOWN - 2], "…", *circle[-2:]]
        if all(streams.get(step) for step in steps):
            yield DocumentProblem(
                code=Code.STREAM_DEADLOCK,
                message=f"Each of these treatments starts only when the one before it sends, so none ever does: {' → '.join(circle)}.",
                path=edges[closing],
                hint="Remove one of these connections, or send back through a treatment of a later run.",
            )
        else:
            yield DocumentProblem(
                code=Code.CYCLE,
                message=f"These treatments wait for each other: {' → '.join(circle)}.",
                path=edges[closing],
                hint="Remove one of these connections or `after` entries.",
            )
        for step in steps:
            del remaining[step]
