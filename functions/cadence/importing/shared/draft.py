"""A pipeline document while it is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.pipelines.document import BUILTIN_OUTPUTS
from cadence.importing.shared.names import UniqueNames, slug
from cadence.importing.shared.report import Notes
from cadence.importing.shared.shell import EVENT_COMMIT, EVENT_URL, REPOSITORY_PARAMETERS, checkout
from cadence.importing.shared.yaml_writer import yaml_text

PORTS = 100
"""The most inputs, and the most outputs, of a treatment."""
LONGEST_SECONDS = 604_800
"""The most that `max_duration` may be."""

_ORDER = (
    "use", "trigger", "matrix", "each", "when", "after", "environment", "image", "source", "pools", "arch", "cpu", "memory", "services",
    "secrets", "env", "cache", "retry", "soft_fail", "max_duration", "inputs", "outputs", "shell", "run", "steps",
)  # fmt: skip


@dataclass(kw_only=True)
class ImportedTreatment:
    """A treatment: `body` as in a document; `input` and `output` add ports and return their names."""

    name: str
    line: int
    body: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    input_names: UniqueNames = field(default_factory=lambda: UniqueNames("_", "in"))
    output_names: UniqueNames = field(default_factory=lambda: UniqueNames("_", "out"))

    @property
    def inputs(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.setdefault("inputs", {})
        return found

    @property
    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.setdefault("outputs", {})
        return found

    def input(self, wanted: str, port: Any) -> str:
        name = self.input_names.fresh(wanted)
        self.inputs[name] = port
        return name

    def restores(self, path: str) -> bool:
        """Whether an input is restored to `path` already."""
        return any(isinstance(port, dict) and port.get("path") == path for port in self.body.get("inputs", {}).values())

    def output(self, wanted: str, port: Any) -> str:
        name = self.output_names.fresh(f"{wanted}_output" if slug(wanted, "_") in BUILTIN_OUTPUTS else wanted)
        self.outputs[name] = port
        return name

    def ordered(self) -> dict[str, Any]:
        """The body without empty members, in reading order."""
        known = [key for key in _ORDER if key in self.body] + [key for key in self.body if key not in _ORDER]
        return {key: self.body[key] for key in known if self.body[key] not in ({}, [], None)}


class ImportDraft:
    """The document, its comments and the report of the conversion."""

    def __init__(self, name: str, origin: str) -> None:
        self.name = name
        self.notes = Notes()
        self.parameters: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}
        self.treatments: dict[str, ImportedTreatment] = {}
        self.connections: dict[str, None] = {}
        self.left_out: set[str] = set()  # connections that would not be valid
        self._origin = origin
        self._comments: dict[tuple[str | int, ...], list[str]] = {}

    def treatment(self, name: str, line: int = 0) -> ImportedTreatment:
        self.treatments[name] = ImportedTreatment(name=name, line=line)
        return self.treatments[name]

    def connect(self, producer: ImportedTreatment, output: str, consumer: ImportedTreatment, port: str) -> None:
        self.connections[f"{producer.name}.{output} -> {consumer.name}.{port}"] = None

    def parameter(self, name: str, settings: Mapping[str, Any]) -> None:
        self.parameters.setdefault(name, dict(settings))

    def clone(self, *, submodules: bool = False, lfs: bool = False) -> list[str]:
        """Lines that clone the repository of the event; adds the parameters for runs that no push starts."""
        for name, parameter in REPOSITORY_PARAMETERS.items():
            self.parameter(name, parameter)
        lines = checkout(EVENT_URL, ".", EVENT_COMMIT)
        lines += ["git submodule update --init --recursive --quiet"] if submodules else []
        return [*lines, *(["git lfs pull"] if lfs else [])]

    def comment(self, path: tuple[str | int, ...], *lines: str) -> None:
        self._comments.setdefault(path, []).extend(lines)

    def text(self) -> str:
        """The whole document as YAML."""
        document: dict[str, Any] = {"cadence": 1, "name": self.name, **self.settings}
        if self.parameters:
            document["parameters"] = self.parameters
        document["treatments"] = {name: treatment.ordered() for name, treatment in self.treatments.items()}
        self.connections = {name: None for name in self.connections if name not in self.left_out}
        if self.connections:
            document["connections"] = list(self.connections)
        comments: dict[tuple[str | int, ...], list[str]] = {
            (): [self._origin, "What could not be carried over is in the report of the import."],
            **self._comments,
            **{("treatments", t.name): t.comments for t in self.treatments.values() if t.comments},
        }
        return yaml_text(document, comments)
