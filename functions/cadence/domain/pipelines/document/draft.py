"""Drafts of documents that may still have mistakes: valid parts are read, others are left unknown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.pipelines.document.connections.ports import Ports
from cadence.domain.pipelines.document.connections.types import DataType, Parameterized, parameters_of
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, FilePlace, Path, Severity
from cadence.domain.pipelines.document.pipeline import UsedProgram
from cadence.domain.shared.display import shown

Origins = Mapping[Path, Path]
"""Maps each inherited key of a body (in `env`, `secrets` and `matrix` also each entry) to the body that contains it."""


@dataclass(slots=True, kw_only=True)
class DraftTreatment:
    """A treatment or a definition as far as it can be read, merged with the definition that it uses.

    `inputs` or `outputs` are `None` where they cannot be known. `generics` are the type parameters that its ports still
    have; `meant` are the types that `with` sets for the others.
    """

    name: str
    body: Mapping[str, Any]
    inputs: Ports | None
    outputs: Ports | None
    section: str = "treatments"
    generics: tuple[str, ...] = ()
    meant: Mapping[str, DataType] = field(default_factory=dict)
    origins: Origins = field(default_factory=dict)
    definition: str | None = None
    """The definition that it uses, in words."""
    written_at: FilePlace | None = None
    """The place of a definition of another file of the document's repository."""
    program: UsedProgram | None = None

    @property
    def path(self) -> Path:
        """The path of its body in the document."""
        return (self.section, self.name)

    @property
    def words(self) -> str:
        """Its kind and name for messages."""
        kind = "treatment" if self.section == "treatments" else "definition"
        place = f" ({self.written_at.file}:{self.written_at.line})" if self.written_at else ""
        return f"{kind} {shown(self.name)}{place}"

    def type_parameters(self) -> Iterator[Parameterized]:
        """Yields the type parameters in its ports, one for each port that has one."""
        for port in (*(self.inputs or {}).values(), *(self.outputs or {}).values()):
            if port is not None and (parameter := parameters_of(port.type)) is not None:
                yield parameter

    def at(self, *keys: str | int) -> Path:
        """Returns the path of a part of the body: in the body itself, or in the definition that it comes from."""
        origins = self.origins
        base = (origins.get(keys[:2]) or origins.get(keys[:1]) or self.path) if origins else self.path
        return (*base, *keys)

    def problem(
        self,
        code: Code,
        message: str,
        keys: tuple[str | int, ...],
        hint: str | None = None,
        *,
        at_key: bool = False,
        severity: Severity = Severity.ERROR,
    ) -> DocumentProblem:
        """Returns a problem with a part of the body; a problem with an inherited part belongs to the `use`."""
        path = self.at(*keys)
        inherited = self.definition is not None and path[:2] != self.path
        use = ((*self.path, "use"), self.definition or "") if inherited else None
        return DocumentProblem(
            code=code, message=message, path=path, hint=hint, at_key=at_key, severity=severity, use=use
        )


@dataclass(slots=True)
class Draft:
    """A document as far as it can be read. `definitions` are only those of the document itself."""

    defaults: Mapping[str, Any]
    connections: list[Any]
    treatments: dict[str, DraftTreatment] = field(default_factory=dict)
    definitions: dict[str, DraftTreatment] = field(default_factory=dict)

    def bodies(self) -> Iterator[DraftTreatment]:
        """Yields definitions, then treatments, so that a mistake in a definition is found there first."""
        yield from self.definitions.values()
        yield from self.treatments.values()


def mapping(value: Any) -> Mapping[str, Any]:
    """Returns the value if it is a mapping, else an empty one (the schema has then reported the problem)."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> Iterator[tuple[int, str]]:
    """Yields the texts in a value that should be a list of them, with their indexes."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, str))
