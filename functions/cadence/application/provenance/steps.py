"""One step of a trace, and what both directions need for making them."""

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
"""Neighbours of one node that are told at once; a cursor goes on to the others."""

T = TypeVar("T")


@dataclass(frozen=True)
class TraceStep:
    """A link, and the node that it leads to. `last`: what lies behind that node is not followed."""

    link: Link
    to: Node
    last: bool = False


@dataclass(frozen=True)
class Steps:
    """`more` is the position of those that follow, if there are more."""

    steps: Sequence[TraceStep]
    more: str | None = None


@dataclass
class Tracing:
    """What one question has to work with."""

    known: Known
    contents: Contents
    mapping: PieceMapping
    caches: CacheHistory


def page(makers: Sequence[Callable[[], TraceStep | None]], position: str | None) -> Steps:
    """The next ones of a list that is made only as far as it is told. Positions count from 0."""
    first = int(position or 0)
    made = (make() for make in makers[first : first + FAN])
    rest = first + FAN < len(makers)
    return Steps([step for step in made if step is not None], str(first + FAN) if rest else None)


def value_node(run_id: str, treatment: str, port: str, part: ValuePart | None = None) -> Node:
    return Node(id=NodeId(NodeKind.VALUE, run_id, f"{treatment}.{port}"), port=port, part=part)


def treatment_node(run_id: str, treatment: str, port: str | None = None, part: ValuePart | None = None) -> Node:
    """`port` and `part` are the piece that the trace came through."""
    return Node(id=NodeId(NodeKind.TREATMENT, run_id, treatment), port=port, part=part)


def run_node(run_id: str) -> Node:
    return Node(id=NodeId(NodeKind.RUN, run_id))


def cache_node(use: CacheUse) -> Node:
    facts: dict[str, Any] = {
        "key": use.key,
        "size": use.size,
        "sha256": use.sha256,
        "saved_at": use.saved_at,
        "maker": use.maker,
    }
    return Node(id=NodeId(NodeKind.CACHE, "", use.entry), facts=facts)


def owner(value: NodeId) -> tuple[str, str]:
    """The treatment and port of a value's node."""
    treatment, _, port = value.name.rpartition(".")
    return treatment, port
