"""The steps of a trace, and the helpers of both directions for making them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cadence.application.provenance.contents import Contents
from cadence.application.provenance.known import Known
from cadence.application.provenance.mapping import PieceMapping
from cadence.application.provenance.ports import CacheHistory
from cadence.domain.provenance.graph import Link, Node, NodeId, NodeKind, ValuePart
from cadence.domain.values.cache import CacheUse

FAN = 50
"""The most neighbours of a node that are returned at once; a cursor goes on to the others."""

T = TypeVar("T")


@dataclass(frozen=True)
class TraceStep:
    """A link, and the node that it leads to; `last` if the trace does not go on behind that node."""

    link: Link
    to: Node
    last: bool = False


@dataclass(frozen=True)
class Steps:
    """Some steps from a node; `more` is the position of the following ones, if there are more."""

    steps: Sequence[TraceStep]
    more: str | None = None


@dataclass
class Tracing:
    """The records, contents and mappings that one request works with."""

    known: Known
    contents: Contents
    mapping: PieceMapping
    caches: CacheHistory


def page(makers: Sequence[Callable[[], TraceStep | None]], position: str | None) -> Steps:
    """Returns the next steps of a list, of which only these are made. Positions count from 0."""
    first = int(position or 0)
    steps = (make() for make in makers[first : first + FAN])
    more = first + FAN < len(makers)
    return Steps([step for step in steps if step is not None], str(first + FAN) if more else None)


def value_node(run_id: str, treatment: str, port: str, part: ValuePart | None = None) -> Node:
    """Returns the node of the value of an output, or of a `part` of it."""
    return Node(id=NodeId(NodeKind.VALUE, run_id, f"{treatment}.{port}"), port=port, part=part)


def treatment_node(run_id: str, treatment: str, port: str | None = None, part: ValuePart | None = None) -> Node:
    """Returns the node of a treatment; `port` and `part` are the piece through which the trace reached it."""
    return Node(id=NodeId(NodeKind.TREATMENT, run_id, treatment), port=port, part=part)


def run_node(run_id: str) -> Node:
    """Returns the node of a run."""
    return Node(id=NodeId(NodeKind.RUN, run_id))


def cache_node(use: CacheUse) -> Node:
    """Returns the node of a cache's entry."""
    facts: dict[str, Any] = {
        "key": use.key,
        "size": use.size,
        "sha256": use.sha256,
        "saved_at": use.saved_at,
        "maker": use.maker,
    }
    return Node(id=NodeId(NodeKind.CACHE, "", use.entry), facts=facts)


def owner(value: NodeId) -> tuple[str, str]:
    """Returns the treatment and port of a value's node."""
    treatment, _, port = value.name.rpartition(".")
    return treatment, port
