"""Finds the connections between the elements of a process: from moved values, else from the program."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cadence.domain.melodium.model import ROOT, SELF, PortName, ProgramElement, ProgramModel
from cadence.domain.melodium.program import Definition, generics_of

_DEEPEST = 100


@dataclass
class ProgramWiring:
    """The connections in one process."""

    model: ProgramModel
    _generics: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _parts: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for element in self.model.elements.values():
            if element.host:
                self._parts.setdefault((element.host, element.track), {})[element.label] = element.name

    def definition(self, element: ProgramElement) -> Definition:
        """Returns the definition of an element's treatment."""
        treatment = self.model.entrypoint if element.name == ROOT else element.treatment
        return self.model.program.of(treatment)

    def generics(self, element: ProgramElement) -> Mapping[str, str]:
        """Returns the types of the generics in the element's definition."""
        if element.name not in self._generics:
            host = self.model.elements.get(element.host or "")
            part = self.definition(host).parts.get(element.label) if host else None
            outer = self.generics(host) if host else {}
            self._generics[element.name] = generics_of(part, outer)
        return self._generics[element.name]

    def source(self, element: ProgramElement, port: str, depth: int = 0) -> PortName | None:
        """Returns the output of a compiled treatment that feeds an input, or the entrypoint's own input."""
        feed = self.model.feeds.get((element.name, port))
        if feed:
            return feed.source
        host = self.model.elements.get(element.host or "")
        if depth > _DEEPEST:
            return None
        if host is None:
            return (f"{ROOT}/{SELF}", port) if element.name == ROOT else None
        wire = self.definition(host).feeding(element.label, port)
        if wire is None:
            return None
        if wire.source is None:
            return self.source(host, wire.output, depth + 1)
        sibling = self._part(host, wire.source, element.track)
        return self.sender(sibling, wire.output, depth + 1) if sibling else None

    def sender(self, element: ProgramElement, port: str, depth: int = 0) -> PortName | None:
        """Returns the output of a compiled treatment whose values leave an element through a port."""
        definition = self.definition(element)
        if not definition.designed:
            return element.name, port
        wire = definition.feeding(None, port)
        if wire is None or depth > _DEEPEST:
            return None
        if wire.source is None:
            return self.source(element, wire.output, depth + 1)
        part = self._part(element, wire.source, element.track)
        return self.sender(part, wire.output, depth + 1) if part else None

    def model_of(self, element: ProgramElement) -> PortName | None:
        """Returns the model of an element that has exactly one: the element that creates it, and its label there."""
        host = self.model.elements.get(element.host or "")
        part = self.definition(host).parts.get(element.label) if host else None
        if part is None or len(part.models) != 1:
            return None
        (label,) = part.models.values()
        for _ in range(_DEEPEST):
            outer = self.model.elements.get(host.host or "") if host else None
            of_host = self.definition(outer).parts.get(host.label) if host and outer else None
            if of_host is None or label not in of_host.models:
                break
            # The host has the model from its own host.
            label, host = of_host.models[label], outer
        return (host.name, label) if host else None

    def results(self) -> Mapping[str, PortName]:
        """Returns the source of each output of the entrypoint."""
        root = self.model.elements.get(ROOT)
        if root is None:
            return {}
        sources = {port: self._of_root(root, port) for port in self.definition(root).outputs}
        return {port: source for port, source in sources.items() if source}

    def _of_root(self, root: ProgramElement, port: str) -> PortName | None:
        wire = self.definition(root).feeding(None, port)
        if wire is None or wire.source is None:
            return None
        part = self._part(root, wire.source, root.track)
        return self.sender(part, wire.output) if part else None

    def _part(self, host: ProgramElement, label: str, track: int) -> ProgramElement | None:
        name = self._parts.get((host.name, track), {}).get(label)
        return self.model.elements.get(name) if name else None
