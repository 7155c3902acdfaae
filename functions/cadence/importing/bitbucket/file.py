"""Reads a file of Bitbucket Pipelines: its pipelines as sections, their steps in groups that run at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.importing.shared.report import ImportFailure, Notes
from cadence.importing.shared.yaml_source import YamlSource, listed, mapping, plain

KINDS = ("default", "branches", "tags", "pull-requests", "custom")
_GLOBAL = frozenset({"image", "clone", "options", "definitions", "pipelines"})
_DEFINED = frozenset(
    {"services", "caches", "steps", "scripts", "script", "images", "image", "variables", "yaml-anchors"}
)
_MOST_STEPS = 500
_MOST_SECTIONS = 200


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """A step as it is written: `stage` is the stage that it belongs to, `part` and `parts` count those at its side."""

    body: Mapping[str, Any]
    line: int
    stage: Mapping[str, Any] = field(default_factory=dict)
    part: int = 0
    parts: int = 1
    first_of_stage: bool = False


@dataclass(kw_only=True)
class Section:
    """A pipeline of the file: what starts it, and its groups of steps, one after the other."""

    kind: str
    pattern: str
    line: int
    groups: list[list[PlannedStep]] = field(default_factory=list)
    variables: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{self.kind}.{self.pattern}" if self.pattern else self.kind


class BitbucketFile:
    """The sections in the order of the file, and what they share. Raises ImportFailure."""

    def __init__(self, text: str, notes: Notes) -> None:
        self.source = YamlSource(text)
        self.notes = notes
        self.source.tell_misreadings(notes)
        self.data = self.source.merged()
        definitions = mapping(self.data.get("definitions"))
        self.services = mapping(definitions.get("services"))
        self.caches = mapping(definitions.get("caches"))
        self.options = mapping(self.data.get("options"))
        self.clone = mapping(self.data.get("clone"))
        self._steps = 0
        self._note_others(definitions)
        self.sections = [section for section in self._sections() if section.groups]
        if len(self.sections) > _MOST_SECTIONS:
            raise ImportFailure(f"The file has more than {_MOST_SECTIONS} pipelines; split it.")

    def line(self, container: Any, key: str | int | None = None) -> int:
        return self.source.line(container, key)

    def _note_others(self, definitions: Mapping[str, Any]) -> None:
        for key in self.data:
            if key not in _GLOBAL:
                self._note(self.line(self.data, key), key, "A pipeline has no such setting.", "Do without it.")
        for key in definitions:
            if key not in _DEFINED:
                self._note(
                    self.line(definitions, key), f"definitions.{key}", "Only services and caches are defined here.",
                    "Write a pipeline of its own for what other files import.",
                )  # fmt: skip
        for key in self.options:
            if key != "max-time":
                why = "Docker in Docker needs a privileged container." if key == "docker" else "It is Bitbucket's."
                todo = "Build images another way." if key == "docker" else "Set `cpu` and `memory` where it matters."
                self._note(self.line(self.options, key), f"options.{key}", why, todo)

    def _note(self, line: int, what: str, why: str, todo: str) -> None:
        self.notes.add(line, what, why, todo)

    def _sections(self) -> Iterator[Section]:
        pipelines = mapping(self.data.get("pipelines"))
        for kind, value in pipelines.items():
            line = self.line(pipelines, kind)
            if kind not in KINDS:
                self._note(line, f"pipelines.{kind}", "Nothing in Cadence starts a pipeline by it.", "Do without it.")
            elif kind == "default":
                yield self._section(kind, "", value, line)
            else:
                for pattern, entries in mapping(value).items():
                    yield self._section(kind, pattern, entries, self.line(value, pattern) or line)

    def _section(self, kind: str, pattern: str, value: Any, line: int) -> Section:
        section = Section(kind=kind, pattern=pattern, line=line)
        if isinstance(value, dict):
            self._note(
                line, f"{section.place}: {', '.join(value)[:60]}", "Only this file is read.",
                "Write the steps that are meant into it, and import again.",
            )  # fmt: skip
            return section
        for entry in listed(value):
            self._entry(section, mapping(entry), line)
        return section

    def _entry(self, section: Section, entry: Mapping[str, Any], line: int) -> None:
        line = self.line(entry) or line if entry else line
        if "parallel" in entry:
            self._parallel(section, entry["parallel"], line)
        elif isinstance(entry.get("stage"), dict):
            self._stage(section, entry["stage"], line)
        elif section.kind == "custom" and isinstance(entry.get("variables"), list):
            section.variables += [mapping(variable) for variable in entry["variables"] if mapping(variable).get("name")]
        elif (body := self._body(section, entry, line)) is not None:
            section.groups.append([self._step(body, line)])

    def _parallel(self, section: Section, value: Any, line: int, **of_stage: Any) -> None:
        entries = listed(mapping(value).get("steps") if isinstance(value, dict) else value)
        bodies = [body for entry in map(mapping, entries) if (body := self._body(section, entry, line)) is not None]
        if mapping(value).get("fail-fast") is True or any(body.get("fail-fast") is True for body in bodies):
            self._note(
                line, f"{section.place}: fail-fast", "A treatment that fails ends no other at its side.",
                "Nothing, if the others may end by themselves; steps after them do not start.",
            )  # fmt: skip
        if bodies:
            section.groups.append(
                [self._step(body, line, part=part, parts=len(bodies), **of_stage) for part, body in enumerate(bodies)]
            )

    def _stage(self, section: Section, stage: Mapping[str, Any], line: int) -> None:
        before = len(section.groups)
        for entry in map(mapping, listed(stage.get("steps"))):
            of_stage = {"stage": stage, "first_of_stage": len(section.groups) == before}
            if "parallel" in entry:
                self._parallel(section, entry["parallel"], line, **of_stage)
            elif (body := self._body(section, entry, line)) is not None:
                section.groups.append([self._step(body, line, **of_stage)])
        for key in stage:
            if key not in ("name", "steps", "deployment", "trigger", "condition"):
                self._note(self.line(stage, key), f"stage: {key}", "A treatment has no such setting.", "Do without it.")

    def _body(self, section: Section, entry: Mapping[str, Any], line: int) -> Mapping[str, Any] | None:
        """The step that an entry has; None and a note if it has none."""
        body = entry.get("step")
        if isinstance(body, dict):
            return body
        what = f"{section.place}: {', '.join(entry) or 'an entry'}"
        self._note(line, what, "It is no step.", "Write a step.")
        return None

    def _step(self, body: Mapping[str, Any], line: int, **settings: Any) -> PlannedStep:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ImportFailure(f"The file has more than {_MOST_STEPS:,} steps; split it.")
        return PlannedStep(body=body, line=self.line(body) or line, **settings)


def name_of(step: PlannedStep) -> str:
    return plain(step.body.get("name") or mapping(step.stage).get("name") or "step")
