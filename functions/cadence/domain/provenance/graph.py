"""The graph of a trace: what there was, and what came of what.

Links point from an effect to its cause, in a backward and in a forward trace alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Run, Treatment, Value


class NodeKind(StrEnum):
    VALUE = "value"  # what a treatment of a run sent through a port
    TREATMENT = "treatment"
    RUN = "run"
    CACHE = "cache"  # an entry of the project's caches
    LINE = "line"  # of a log
    PIPELINE = "pipeline"  # a version of a document


class LinkKind(StrEnum):
    GENERATED_BY = "generated_by"  # a value or an entry of a cache by a treatment; a line by a treatment
    USED = "used"  # a treatment used a value or an entry of a cache
    DERIVED_FROM = "derived_from"  # a value from another one, without a treatment in between
    WAITED_FOR = "waited_for"  # a treatment for another one's end, without getting anything of it
    INSTANCE_OF = "instance_of"  # a treatment of the group that made it
    PART_OF = "part_of"  # a treatment of a run, whose parameters and event it gets
    STARTED_BY = "started_by"  # a run by a treatment of another run, or by the end of that run
    REPEATS = "repeats"  # a run repeats another one: rerun or replay
    DEFINED_BY = "defined_by"  # a run by a version of a document


class Basis(StrEnum):
    """On what a link rests, the strongest first. All but the last three are certain."""

    RECORDED = "recorded"  # the platform moved it there
    CONSTRUCTED = "constructed"  # the platform itself made the one from the other
    IDENTICAL = "identical"  # both have the same digest, so any place is the same place in both
    PREFIX = "prefix"  # the one is the other's beginning, byte by byte
    SUBSEQUENCE = "subsequence"  # every line of the effect is a line of the cause, in the same order
    SELECTION = "selection"  # every line of the effect is a line of the cause, in whatever order
    SAME_TEXT = "same_text"  # this very line is there; nothing is known of the others
    TEMPORAL = "temporal"  # only what was there before can have had an effect
    UNCHECKED = "unchecked"  # too large to be looked into, or not kept any more


PROVEN = frozenset({Basis.CONSTRUCTED, Basis.IDENTICAL, Basis.PREFIX, Basis.SUBSEQUENCE, Basis.SELECTION})


@dataclass(frozen=True)
class ValuePart:
    """A piece of a value: `length` bytes from `offset` on, or line number `line` (from 1), where lines are known.

    A line that occurs more than once may have more than one place: `candidates` counts them, and this is the first.
    """

    offset: int
    length: int
    line: int | None = None
    candidates: int = 1


@dataclass(frozen=True)
class NodeId:
    """`name` is `treatment.port` of a value, the name of a treatment or pipeline, an entry's id, `segment:index` of a line."""

    kind: NodeKind
    run_id: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:" + "/".join(part for part in (self.run_id, self.name) if part)


@dataclass(frozen=True, kw_only=True)
class Link:
    """`port` is that of the treatment in the link. The parts are those pieces of effect and cause that the trace is about."""

    effect: NodeId
    cause: NodeId
    kind: LinkKind
    basis: Basis = Basis.RECORDED
    port: str | None = None
    note: str | None = None
    effect_part: ValuePart | None = None
    cause_part: ValuePart | None = None


@dataclass(kw_only=True)
class Node:
    """What is known of it; which members are there depends on its kind.

    `until`: only what was there by then is asked about. `cut`: what lies behind it is not told here. `more` is where its
    further neighbours go on, if it has more than are told.
    """

    id: NodeId
    run: Run | None = None
    spec: TreatmentSpec | None = None
    treatment: Treatment | None = None
    runner: Runner | None = None
    value: Value | None = None
    port: str | None = None
    part: ValuePart | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    cut: bool = False
    more: str | None = None


class Direction(StrEnum):
    BACKWARD = "backward"
    FORWARD = "forward"


@dataclass
class Graph:
    """Nodes in the order in which they were met, the one that was asked about first."""

    start: NodeId
    direction: Direction
    nodes: dict[NodeId, Node] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

    def neighbours(self, of: NodeId) -> Sequence[tuple[Link, Node]]:
        """What is one step further on from `of`, in the direction of the trace."""
        backward = self.direction is Direction.BACKWARD
        steps = [(link, link.cause if backward else link.effect) for link in self.links
                 if (link.effect if backward else link.cause) == of]  # fmt: skip
        return [(link, self.nodes[other]) for link, other in steps if other in self.nodes]
