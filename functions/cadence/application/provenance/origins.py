"""Traces where a run came from: the treatment or run that started it, its parameters' values, the run it repeats."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from cadence.application.pipelines.check_document import pins_of_others
from cadence.application.provenance.steps import TraceStep, Tracing, run_node, treatment_node, value_node
from cadence.domain.pipelines.document import triggers_of
from cadence.domain.pipelines.expression import ExpressionError, holds_expression, read_template
from cadence.domain.provenance.graph import Basis, Link, LinkKind, Node, NodeId, NodeKind
from cadence.domain.runs.run import ReplayOf, Run
from cadence.domain.shared.errors import NotFound

_MOST_PLACES = 500
_VERSIONS_LOOKED_AT = 50

Used = tuple[str, str, str]
"""A parameter, and the treatment and port of the earlier run that its expression names."""


def run_origins(tracing: Tracing, node: Node) -> Sequence[Callable[[], TraceStep | None]]:
    """Returns makers of the steps to a run's causes."""
    run = tracing.known.run(node.id.run_id)
    if run is None:
        return ()
    makers: list[Callable[[], TraceStep | None]] = []
    earlier = tracing.known.run(run.started_by_run) if run.started_by_run else None
    if earlier and run.started_by_treatment:
        makers.append(partial(_started_by_treatment, node, run, earlier.run_id, run.started_by_treatment))
    elif earlier and run.melodium:
        makers.append(partial(_started_by_engine, node, earlier.run_id))
    elif earlier:
        makers.append(partial(_started_by_end, node, earlier.run_id))
        makers += [partial(_parameter, node, earlier.run_id, used) for used in _used_outputs(tracing, run, earlier)]
    if run.rerun_of and tracing.known.run(run.rerun_of):
        makers.append(partial(_repeats, node, run.rerun_of))
    if run.replay_of and tracing.known.run(run.replay_of.run_id):
        makers.append(partial(_replays, node, run.replay_of))
    makers += [
        partial(_defined_by, tracing, node, name, sha256) for name, sha256 in sorted(pins_of_others(run.pins).items())
    ]
    return makers


def _started_by_treatment(node: Node, run: Run, run_id: str, treatment: str) -> TraceStep:
    starter = treatment_node(run_id, treatment)
    became = "document and parameters" if run.generated else "parameters of the same names"
    note = f"its inputs became the run's {became}"
    return TraceStep(Link(effect=node.id, cause=starter.id, kind=LinkKind.STARTED_BY, note=note), starter)


def _started_by_engine(node: Node, run_id: str) -> TraceStep:
    asking = run_node(run_id)
    return TraceStep(
        Link(effect=node.id, cause=asking.id, kind=LinkKind.STARTED_BY, note="asked for by its engine"), asking
    )


def _started_by_end(node: Node, run_id: str) -> TraceStep:
    earlier = run_node(run_id)
    return TraceStep(Link(effect=node.id, cause=earlier.id, kind=LinkKind.STARTED_BY, note="by its end"), earlier)


def _parameter(node: Node, run_id: str, used: Used) -> TraceStep:
    parameter, treatment, port = used
    value = value_node(run_id, treatment, port)
    return TraceStep(
        Link(
            effect=node.id,
            cause=value.id,
            kind=LinkKind.USED,
            basis=Basis.RECORDED,
            port=parameter,
            note=f"parameter {parameter}",
        ),
        value,
    )


def _repeats(node: Node, run_id: str) -> TraceStep:
    earlier = run_node(run_id)
    return TraceStep(
        Link(effect=node.id, cause=earlier.id, kind=LinkKind.REPEATS, note="the same plan once more"),
        earlier,
        last=True,
    )


def _replays(node: Node, original: ReplayOf) -> TraceStep:
    earlier = treatment_node(original.run_id, original.treatment)
    return TraceStep(
        Link(effect=node.id, cause=earlier.id, kind=LinkKind.REPEATS, note="a replay of it"), earlier, last=True
    )


def _defined_by(tracing: Tracing, node: Node, name: str, sha256: str) -> TraceStep:
    facts = {"name": name, "sha256": sha256, "version": _version(tracing, name, sha256)}
    document = Node(id=NodeId(NodeKind.PIPELINE, "", sha256), facts=facts)
    return TraceStep(Link(effect=node.id, cause=document.id, kind=LinkKind.DEFINED_BY), document)


def _version(tracing: Tracing, name: str, sha256: str) -> int | None:
    """Returns the newest version of the pipeline with this document, among the last ones."""
    pipelines, known = tracing.known.stores.pipelines, tracing.known
    pipeline, _, named = name.partition("@")
    if named.isdecimal():
        return int(named)
    try:
        version = pipelines.newest(known.organization, known.project, pipeline)
        for _ in range(_VERSIONS_LOOKED_AT):
            if version.document_sha256 == sha256:
                return version.version
            if version.version == 1:
                return None
            version = pipelines.version(known.organization, known.project, pipeline, version.version - 1)
    except NotFound:
        pass  # it is a file of a repository, or the pipeline was deleted
    return None


def _used_outputs(tracing: Tracing, run: Run, earlier: Run) -> Sequence[Used]:
    """Returns the outputs of the earlier run that this run's document names in its triggers."""
    try:
        content = tracing.known.stores.documents.get(run.document_sha256)
    except NotFound:
        return ()
    entries = triggers_of(content).pipeline
    entry = next((each for each in entries if each.means(earlier.pipeline, earlier.state)), None)
    if entry is None:
        return ()
    used = dict.fromkeys((name, *place) for name, value in entry.parameters.items() for place in _named_outputs(value))
    return list(used)[:_MOST_PLACES]


def _named_outputs(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _named_outputs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_outputs(item)
    elif holds_expression(value):
        try:
            names = [name for expression in read_template(value).expressions for name in expression.names]
        except ExpressionError:
            return
        for name in names:
            if name.path[:2] == ("event", "outputs") and len(name.path) >= 4:
                yield name.path[2], name.path[3]
