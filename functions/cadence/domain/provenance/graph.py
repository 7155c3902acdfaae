"""The graph of a trace: values, treatments, runs and what resulted from what.

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
    """The kind of a node."""

    VALUE = "value"  # the content that a treatment of a run sent through a port
    TREATMENT = "treatment"
    RUN = "run"
    CACHE = "cache"  # an entry of the project's caches
    LINE = "line"  # a line of a log
    PIPELINE = "pipeline"  # a version of a document


class LinkKind(StrEnum):
    """The kind of a link; each comment reads from effect to cause."""

    GENERATED_BY = "generated_by"  # a value or an entry of a cache by a treatment; a line by a treatment
    USED = "used"  # a treatment used a value or an entry of a cache
    DERIVED_FROM = "derived_from"  # a value from another one, without a treatment in between
    WAITED_FOR = "waited_for"  # a treatment for another one's end, without receiving a value of it
    INSTANCE_OF = "instance_of"  # a treatment of the group that made it
    PART_OF = "part_of"  # a treatment of a run, whose parameters and event it gets
    STARTED_BY = "started_by"  # a run by a treatment of another run, or by the end of that run
    REPEATS = "repeats"  # a run repeats another one: rerun or replay
    DEFINED_BY = "defined_by"  # a run by a version of a document


class Basis(StrEnum):
    """The evidence for a link, the strongest first. All but the last three are certain."""

    RECORDED = "recorded"  # the platform moved it there
    CONSTRUCTED = "constructed"  # the platform itself made the effect from the cause
    IDENTICAL = "identical"  # both have the same digest, so any place is the same place in both
    PREFIX = "prefix"  # the effect is the beginning of the cause, byte by byte
    SUBSEQUENCE = "subsequence"  # every line of the effect is a line of the cause, in the same order
    SELECTION = "selection"  # every line of the effect is a line of the cause, in any order
    SAME_TEXT = "same_text"  # the same line is in both; nothing is known of the others
    TEMPORAL = "temporal"  # the cause existed before the effect; nothing more is known
    UNCHECKED = "unchecked"  # too large to be compared, or not kept any more


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
    """The identity of a node.

    `name` is `treatment.port` of a value, the name of a treatment or pipeline, an entry's id, `segment:index` of a
    line.
    """

    kind: NodeKind
    run_id: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:" + "/".join(part for part in (self.run_id, self.name) if part)


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link from an effect to its cause.

    `port` is that of the treatment in the link. The parts are those pieces of effect and cause that the trace is about.
    """

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
    """The known facts of a node; which members are set depends on its kind.

    `until`: only what existed by then is traced. `cut`: what lies behind the node is not part of the graph. `more` is
    where its further neighbours go on, if it has more than the graph contains.
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

    @property
    def type(self) -> str | None:
        """The declared type of a value, whether there is one; None for other nodes, and where it is not known."""
        if self.id.kind is not NodeKind.VALUE or self.spec is None:
            return None
        port = self.id.name.rpartition(".")[2]
        return next((output.type for output in self.spec.outputs if output.port == port), None)

    @property
    def unreported(self) -> int:
        """How many values a Mélodium engine sent here and did not report; 0 with a value, and for triggers."""
        if self.id.kind is not NodeKind.VALUE or self.value or self.spec is None or self.spec.element is None:
            return 0
        return 0 if self.type == "void" else self.spec.element.unreported.get(self.id.name.rpartition(".")[2], 0)


class Direction(StrEnum):
    """The direction of a trace."""

    BACKWARD = "backward"
    FORWARD = "forward"


@dataclass
class Graph:
    """The nodes in the order in which they were met, the start first, and their links."""

    start: NodeId
    direction: Direction
    nodes: dict[NodeId, Node] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

    def neighbours(self, of: NodeId) -> Sequence[tuple[Link, Node]]:
        """Returns the links and nodes that are one step further on from `of`, in the direction of the trace."""
        backward = self.direction is Direction.BACKWARD
        steps = [(link, link.cause if backward else link.effect) for link in self.links
                 if (link.effect if backward else link.cause) == of]  # fmt: skip
        return [(link, self.nodes[other]) for link, other in steps if other in self.nodes]
