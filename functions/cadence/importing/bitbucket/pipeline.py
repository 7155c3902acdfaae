"""Files of Bitbucket Pipelines: steps become treatments one after the other, artifacts their connections."""

import re
from collections import Counter
from collections.abc import Sequence

from cadence.importing.bitbucket.artifacts import StepArtifact, published, restore
from cadence.importing.bitbucket.file import BitbucketFile, PlannedStep, Section, name_of
from cadence.importing.bitbucket.script import write_script
from cadence.importing.bitbucket.settings import DEFAULT_MINUTES, settings
from cadence.importing.bitbucket.step import BitbucketStep
from cadence.importing.bitbucket.triggers import CHOICE, triggers
from cadence.importing.shared.cel import all_of, state
from cadence.importing.shared.draft import LONGEST_SECONDS, ImportDraft
from cadence.importing.shared.names import UniqueNames, slug
from cadence.importing.shared.report import ImportFailure
from cadence.importing.shared.shell import REPOSITORY_PARAMETERS
from cadence.importing.shared.yaml_source import plain, texts, whole_number

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def from_bitbucket(text: str, name: str = "") -> ImportDraft:
    """Converts a file of Bitbucket Pipelines. Raises ImportFailure if the text is not one."""
    draft = ImportDraft(slug(name or "bitbucket-pipelines", prefix="w"), "Imported from a file of Bitbucket Pipelines.")
    file = BitbucketFile(text, draft.notes)
    if not file.sections:
        raise ImportFailure("The file has no pipelines with steps.", 1)
    _Pipeline(file, draft).convert()
    return draft


class _Pipeline:
    def __init__(self, file: BitbucketFile, draft: ImportDraft) -> None:
        self._file = file
        self._draft = draft
        self._names = UniqueNames("-", "step")
        self._parameters = UniqueNames("_", "p")
        for taken in (CHOICE, *REPOSITORY_PARAMETERS):
            self._parameters.fresh(taken)
        self._defined: dict[tuple[str, ...], str] = {}
        self._count = Counter(
            slug(name_of(step)) for section in file.sections for group in section.groups for step in group
        )

    def convert(self) -> None:
        minutes = whole_number(self._file.options.get("max-time", DEFAULT_MINUTES))
        if minutes is None or minutes <= 0:
            self._draft.notes.add(
                self._file.line(self._file.options, "max-time"), "options.max-time", "It is no number of minutes.",
                "Write max_duration in seconds.",
            )  # fmt: skip
            minutes = DEFAULT_MINUTES
        self._draft.settings["defaults"] = {"max_duration": min(minutes * 60, LONGEST_SECONDS), "env": {"CI": "true"}}
        conditions = triggers(self._file, self._draft)
        for section, condition in zip(self._file.sections, conditions, strict=True):
            self._section(section, condition)

    def _section(self, section: Section, condition: str | None) -> None:
        env = self._variables(section)
        done: list[list[BitbucketStep]] = []
        available: dict[str, list[StepArtifact]] = {}
        for group in section.groups:
            steps = [self._step(section, planned, env) for planned in group]
            kept: dict[str, list[StepArtifact]] = {}
            for step in steps:
                settings(step)
                restore(step, available)
                for path, artifact in published(step).items():
                    kept.setdefault(path, []).append(artifact)
                write_script(step)
                _order(step, done, condition)
            available.update(kept)
            done.append(steps)

    def _step(self, section: Section, planned: PlannedStep, env: dict[str, str]) -> BitbucketStep:
        title = name_of(planned)
        unique = self._count[slug(title)] == 1 or section.kind == "default"
        prefix = section.pattern if any(letter.isalnum() for letter in section.pattern) else section.kind
        treatment = self._draft.treatment(self._names.fresh(title if unique else f"{prefix}-{title}"), planned.line)
        if treatment.name.replace("-", " ") != title.lower():
            treatment.comments.append(title if unique else f"{title} ({section.place})")
        treatment.body["env"] = dict(env)
        return BitbucketStep(
            title=title, planned=planned, section=section, file=self._file, draft=self._draft, treatment=treatment
        )

    def _variables(self, section: Section) -> dict[str, str]:
        """Parameters for the variables of a custom pipeline; returns the environment that its steps get."""
        env = {}
        for variable in section.variables:
            name = plain(variable["name"])
            choices = texts(variable.get("allowed-values"))
            words = plain(variable.get("description")) + (f" (one of: {', '.join(choices)})" if choices else "")
            default, description = plain(variable.get("default")), " ".join(words.split())[:1000]
            if "${{" in default:
                self._draft.notes.add(
                    self._file.line(variable, "default") or section.line, f"{section.place}: the default of {name}",
                    "That begins an expression of Cadence.", "Give the value when a run starts.",
                )  # fmt: skip
                default = ""
            key = name, default, description
            if key not in self._defined:
                self._defined[key] = self._parameters.fresh(name)
            parameter = self._defined[key]
            self._draft.parameter(parameter, {"type": "string", "default": default, "description": description})
            if _VARIABLE.fullmatch(name) and not name.startswith("CADENCE_"):
                env[name] = f"${{{{ parameters.{parameter} }}}}"
        return env


def _order(step: BitbucketStep, done: Sequence[Sequence[BitbucketStep]], condition: str | None) -> None:
    """Sets `after` and `when`: a step that was skipped by its own condition does not hold up those after it.

    Steps before one that has no condition are not named, since that one did not run without them.
    """
    after: list[str] = []
    parts: list[str] = []
    settled = False
    for group in reversed(done):
        for other in group:
            if other.condition is None:
                after.append(other.treatment.name)
                settled = True
            else:
                ended = [
                    "succeeded",
                    "skipped",
                    *(["failed"] if other.treatment.body.get("soft_fail") else []),
                ]
                listed = ", ".join(f'"{name}"' for name in ended)
                parts.append(f"{state(other.treatment.name)} in [{listed}]")
        if settled:
            break
    if condition and not settled:
        parts.insert(0, condition)
    if step.condition:
        parts.append(step.condition)
    step.treatment.body["after"] = after
    if step.never:
        step.treatment.body["when"] = False
    elif parts:
        step.treatment.body["when"] = f"${{{{ {all_of(parts)} }}}}"
