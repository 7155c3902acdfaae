"""Reads a workflow of Woodpecker: its steps in the order in which they run, its services and its matrix."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from cadence.importing.shared.report import ImportFailure, Notes
from cadence.importing.shared.yaml_source import YamlSource, listed, plain, texts

_KNOWN = frozenset({"when", "steps", "pipeline", "services", "matrix", "clone", "skip_clone", "labels", "platform", "branches",
                    "branch", "variables", "version", "$schema"})  # fmt: skip
_LEFT_OUT = {
    "workspace": ("Scripts run in a working directory of the runner.", "Use paths that are relative to it."),
    "depends_on": ("Only this file is read.", "Start this pipeline by the other one with `on.pipeline`, or join them."),
    "runs_on": ("Only this file is read.", "Write the states in `on.pipeline` of this pipeline."),
}
_MOST_STEPS = 300


@dataclass(frozen=True, kw_only=True)
class WrittenStep:
    """A step as it is written."""

    name: str
    body: Mapping[str, Any]
    line: int

    @property
    def commands(self) -> list[str]:
        return texts(self.body.get("commands"))

    @property
    def is_service(self) -> bool:
        """Whether it only runs beside the other steps from its image."""
        return self.body.get("detach") is True and not self.body.keys() & {"commands", "settings", "when", "depends_on"}

    @property
    def is_plugin(self) -> bool:
        return "settings" in self.body or not self.commands


class WoodpeckerFile:
    """`steps` are in the order in which they run here. Raises ImportFailure."""

    def __init__(self, text: str, notes: Notes) -> None:
        self.source = YamlSource(text)
        self.notes = notes
        self.source.tell_misreadings(notes)
        self.data = self.source.merged()
        for key in self.data:
            if key not in _KNOWN:
                why, todo = _LEFT_OUT.get(key, ("A pipeline has no such setting.", "Do without it."))
                notes.add(self.line(self.data, key), key, why, todo)
        named = [*self._named("steps"), *self._named("pipeline")]
        written = [step for step in named if not step.is_service]
        self.services = {step.name: step for step in self._named("services")}
        self.services |= {step.name: step for step in named if step.is_service}
        if not written:
            raise ImportFailure("The file has no steps.", 1)
        if len(written) > _MOST_STEPS:
            raise ImportFailure(f"The file has more than {_MOST_STEPS:,} steps; split it.")
        self.steps = self._in_order(written)

    def line(self, container: Any, key: str | int | None = None) -> int:
        return self.source.line(container, key)

    def _named(self, key: str) -> list[WrittenStep]:
        """The entries of a section, which is a mapping by name or a list."""
        value = self.data.get(key)
        for place, body in value.items() if isinstance(value, dict) else enumerate(listed(value)):
            if not isinstance(body, dict):
                self.notes.add(
                    self.line(self.data, key), f"{key}: {place}", "It has no settings.", "Write an image and commands."
                )
        if isinstance(value, dict):
            return [
                WrittenStep(name=name, body=body, line=self.line(value, name))
                for name, body in value.items()
                if isinstance(body, dict)
            ]
        found: dict[str, WrittenStep] = {}
        for index, body in enumerate(body for body in listed(value) if isinstance(body, dict)):
            name = plain(body.get("name")) or f"step-{index + 1}"
            name = name if name not in found else f"{name} ({index + 1})"
            found[name] = WrittenStep(name=name, body=body, line=self.line(body))
        return list(found.values())

    def _in_order(self, written: list[WrittenStep]) -> list[WrittenStep]:
        """The steps one after the other: as they are written, or each behind those that it depends on."""
        if not any("depends_on" in step.body for step in written):
            return written
        by_name = {step.name: step for step in written}
        graph: dict[str, list[str]] = {}
        for step in written:
            before = texts(step.body.get("depends_on"))
            graph[step.name] = [name for name in before if name in by_name]
            for name in before:
                if name not in by_name:
                    self.notes.add(
                        self.line(step.body, "depends_on") or step.line, f"{step.name}: depends_on {name}",
                        "There is no such step.", "Do without it.",
                    )  # fmt: skip
        self.notes.add(
            0, "steps with depends_on", "Steps share their files, so those that could run at once run one after the other.",
            "Make treatments of those that need no files of each other.",
        )  # fmt: skip
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            names = error.args[1]
            raise ImportFailure(
                f"Steps depend on each other in a circle: {', '.join(names)}.", by_name[names[0]].line
            ) from None
        return [by_name[name] for name in order]
