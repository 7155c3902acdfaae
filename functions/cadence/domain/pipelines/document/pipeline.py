"""The checked pipeline: complete, consistent, immutable, with defaults resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from cadence.domain.pipelines.document.connections.types import DataType, Flow, FlowType, Scalar
from cadence.domain.pipelines.document.syntax.literals import content
from cadence.domain.pipelines.specification import ConcurrencyPolicy
from cadence.domain.triggers.triggers import NO_TRIGGERS, Triggers

ANYWHERE = "any"
"""The residency of data that may be anywhere."""
DEFAULT_SHELL = "sh -e"
DEFAULT_TREATMENT_DURATION = 3_600
DEFAULT_RUN_DURATION = 86_400


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the document: plain JSON data of the port's type."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of a treatment.

    `path` is the file or folder of an input or output in the working directory. An input with a `literal` is never
    connected; an input without a connection has its `default`, or, if it is `optional`, nothing. An output that
    `leaves` may be read anywhere, regardless of its treatment's residency.
    """

    name: str
    flow: Flow
    type: DataType
    path: str | None = None
    literal: Literal | None = None
    default: Literal | None = None
    optional: bool = False
    leaves: bool = False

    @property
    def content_unless_fed(self) -> str | None:
        """The content of the port's file if nothing is connected; `None` if it has none."""
        written = self.literal or self.default
        return None if written is None else content(written.value, self.flow_type)

    @property
    def flow_type(self) -> FlowType:
        """The flow and the data type together."""
        return FlowType(self.flow, self.type)


BUILTIN_OUTPUTS: Mapping[str, Port] = MappingProxyType(
    {name: Port(name=name, flow=Flow.BLOCK, type=Scalar.VOID) for name in ("completed", "failed", "finished")}
)
"""The outputs of every treatment besides its own: it succeeded, it failed, it ended in either way."""


class Connection(NamedTuple):
    """A connection from a producer's output to a consumer's input."""

    source_treatment: str
    source_port: str
    target_treatment: str
    target_port: str

    def __str__(self) -> str:
        return f"{self.source_treatment}.{self.source_port} -> {self.target_treatment}.{self.target_port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedProgram:
    """A Mélodium program by its digest, a command of it, the treatment that this runs, and its parameters' types.

    `engine` is the version, or the series, of the engine that it requires. `secret_types` are those of the parameters
    that get secrets.
    """

    sha256: str
    entrypoint: str
    treatment: str
    parameters: Mapping[str, DataType] = field(default_factory=dict)
    engine: str | None = None
    secret_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentDeclaration:
    """One unit of work, as declared in the document.

    `body` is the treatment as written, merged with its definition and the defaults, with expressions not yet evaluated.
    `after` names treatments that have to succeed first.
    """

    name: str
    body: Mapping[str, Any]
    inputs: Mapping[str, Port] = field(default_factory=dict)
    outputs: Mapping[str, Port] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    program: UsedProgram | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter, whose value is chosen for each run. `default` is meaningful only if `has_default`."""

    name: str
    type: DataType
    description: str = ""
    required: bool = False
    has_default: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Concurrency:
    """The concurrency group of a pipeline's runs; `group` may hold expressions."""

    group: str
    policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A valid document. `max_duration` is the seconds a whole run may take.

    `registries` are the secrets by which images are read, by the host of the registry. Unless it `depends_on_run`, all
    its runs have the same plan: it holds no expressions and no treatment has an environment.
    """

    name: str
    treatments: Mapping[str, TreatmentDeclaration]
    connections: tuple[Connection, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    triggers: Triggers = NO_TRIGGERS
    max_duration: int = DEFAULT_RUN_DURATION
    concurrency: Concurrency | None = None
    priority: int = 0
    depends_on_run: bool = False
    registries: Mapping[str, str] = field(default_factory=dict)
