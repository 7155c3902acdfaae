"""Walks from a node to all its causes or effects, nearest first, within bounds."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from cadence.application.logs.ports import LogIndex, LogSegments
from cadence.application.provenance.backward import Backward
from cadence.application.provenance.contents import Contents
from cadence.application.provenance.forward import Forward
from cadence.application.provenance.known import Known, Stores
from cadence.application.provenance.mapping import PieceMapping
from cadence.application.provenance.ports import CacheHistory, ChunkTimes
from cadence.application.provenance.steps import Steps, Tracing, cache_node, owner, run_node, treatment_node, value_node
from cadence.application.shared.value_ports import Chunks
from cadence.domain.pipelines.unknown_names import choices
from cadence.domain.provenance.graph import Direction, Graph, Node, NodeId, NodeKind, ValuePart
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import InvalidRequest, NotFound, Violation

MOST_NODES = 1_000
_LIFECYCLE = ("completed", "failed", "finished")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Traces where a value, treatment, line, cache entry or run came from, or where it went.

    Once there are `limit` nodes, further ones are not followed and are `cut`. A node with more than `FAN` neighbours
    has the position at which they go on.
    """

    stores: Stores
    chunks: Chunks
    times: ChunkTimes
    caches: CacheHistory
    index: LogIndex
    segments: LogSegments

    def value(
        self,
        run: Run,
        treatment: str,
        port: str,
        offset: int | None,
        direction: Direction,
        limit: int,
        position: str | None = None,
    ) -> Graph:
        """Traces the value that `treatment` sent through `port`, or the piece of it at the byte `offset`.

        Raises NotFound if there is no such output, InvalidRequest for an offset behind the value's end.
        """
        tracing = self._tracing(run)
        _check_output(tracing.known, run, treatment, port)
        start = value_node(run.run_id, treatment, port)
        value = tracing.known.value(run.run_id, treatment, port)
        if offset is not None and value is None:
            start.part = ValuePart(offset, 1)  # of an unfinished stream: the inputs before it are known already
        elif offset is not None and value is not None:
            if offset > value.size:
                message = f"There is nothing at offset {offset}: the value has {value.size} bytes."
                raise InvalidRequest(message, [Violation("offset", message)])
            start.part = tracing.mapping.located(value, offset)
        return self._walk(tracing, start, direction, limit, position)

    def treatment(
        self,
        run: Run,
        treatment: str,
        direction: Direction,
        limit: int,
        position: str | None = None,
        port: str | None = None,
    ) -> Graph:
        """Traces a treatment: all of it, or what it did for (backward) or with (forward) one port. Raises NotFound."""
        tracing = self._tracing(run)
        if tracing.known.spec(run.run_id, treatment) is None:
            raise _no_treatment(tracing.known, run, treatment)
        return self._walk(tracing, treatment_node(run.run_id, treatment, port), direction, limit, position)

    def line(
        self, run: Run, segment: int, index: int, direction: Direction, limit: int, position: str | None = None
    ) -> Graph:
        """Traces a log line, by its segment and its index there, from 0. Raises NotFound."""
        missing = NotFound(f"Run {run.run_id} has no line {segment}:{index}, or it is not kept any more.")
        segments = self.index.list_segments(run.run_id, segment, 1)
        if not segments or segments[0].number != segment or index >= segments[0].lines:
            raise missing
        lines = self.segments.read(segments[0].key)
        if index >= len(lines):
            raise missing
        line = lines[index]
        facts = {name: line[name] for name in ("treatment", "attempt", "runner", "seq", "stream", "level", "text")}
        facts["time"] = datetime.fromisoformat(line["time"])
        node = Node(id=NodeId(NodeKind.LINE, run.run_id, f"{segment}:{index}"), facts=facts)
        return self._walk(self._tracing(run), node, direction, limit, position)

    def cache(self, run: Run, entry: str, direction: Direction, limit: int, position: str | None = None) -> Graph:
        """Traces a cache's entry that was restored in the run's project. Raises NotFound."""
        uses = self.caches.restores_of(run.organization, run.project, entry, 1).items
        if not uses:
            raise NotFound(f"No treatment of this project restored the cache entry {entry!r}, or it is too long ago.")
        return self._walk(self._tracing(run), cache_node(uses[0]), direction, limit, position)

    def run(self, run: Run, direction: Direction, limit: int, position: str | None = None) -> Graph:
        """Traces a run as a whole."""
        return self._walk(self._tracing(run), run_node(run.run_id), direction, limit, position)

    def _tracing(self, run: Run) -> Tracing:
        known = Known(stores=self.stores, organization=run.organization, project=run.project)
        contents = Contents(chunks=self.chunks, times=self.times)
        return Tracing(known, contents, PieceMapping(known, contents), self.caches)

    def _walk(self, tracing: Tracing, start: Node, direction: Direction, limit: int, position: str | None) -> Graph:
        expand: Callable[[Node, str | None], Steps] = (
            Backward(tracing) if direction is Direction.BACKWARD else Forward(tracing)
        ).trace
        graph = Graph(start.id, direction, {start.id: start})
        waiting = deque([start])
        while waiting:
            level = list(waiting)
            waiting.clear()
            _load(tracing.known, level)
            for node in level:
                if node.cut:
                    continue
                if len(graph.nodes) >= limit:
                    node.cut = True
                    continue
                steps = expand(node, position if node is start else None)
                node.more = steps.more
                waiting += _added(graph, steps)
        _load(tracing.known, graph.nodes.values())
        for node in graph.nodes.values():
            _describe(tracing.known, node)
        return graph


def _added(graph: Graph, steps: Steps) -> Iterable[Node]:
    """Adds the steps to the graph and yields the new nodes; a node that is known already is only linked to."""
    for step in steps.steps:
        graph.links.append(step.link)
        if step.to.id in graph.nodes:
            continue
        step.to.cut = step.last
        graph.nodes[step.to.id] = step.to
        yield step.to


def _load(known: Known, nodes: Iterable[Node]) -> None:
    """Reads all records of these nodes, in few calls."""
    nodes = list(nodes)
    known.load_runs(node.id.run_id for node in nodes if node.id.run_id)
    names = [name for node in nodes if (name := _treatment_of(node))]
    known.load_treatments(names)
    known.load_runners(names)
    known.load_values((node.id.run_id, *owner(node.id)) for node in nodes if node.id.kind is NodeKind.VALUE)


def _treatment_of(node: Node) -> tuple[str, str] | None:
    match node.id.kind:
        case NodeKind.VALUE:
            return node.id.run_id, owner(node.id)[0]
        case NodeKind.TREATMENT:
            return node.id.run_id, node.id.name
        case NodeKind.LINE:
            return node.id.run_id, str(node.facts["treatment"])
        case _:
            return None


def _describe(known: Known, node: Node) -> None:
    node.run = known.run(node.id.run_id) if node.id.run_id else None
    name = _treatment_of(node)
    if name is None:
        return
    node.spec, node.treatment, node.runner = known.spec(*name), known.treatment(*name), known.runner(*name)
    if node.id.kind is NodeKind.VALUE:
        node.value = known.value(node.id.run_id, *owner(node.id))


def _check_output(known: Known, run: Run, treatment: str, port: str) -> None:
    spec = known.spec(run.run_id, treatment)
    if spec is None:
        raise _no_treatment(known, run, treatment)
    outputs = [output.port for output in spec.outputs]
    if port not in (*outputs, *_LIFECYCLE):
        named = ", ".join(outputs) or "none"
        raise NotFound(f"Treatment {treatment!r} has no output {port!r} (it has: {named}).")


def _no_treatment(known: Known, run: Run, treatment: str) -> NotFound:
    names = [one.name for one in known.stores.treatments.list_treatments(run.run_id)]
    return NotFound(f"Run {run.run_id} has no treatment {treatment!r}.{choices(treatment, names)}")
