"""Workflows of Woodpecker: steps become named steps of treatments, which hand on the workspace that they share."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cadence.importing.shared.cel import FAILED, all_of, state
from cadence.importing.shared.draft import ImportDraft, ImportedTreatment
from cadence.importing.shared.names import StepTitles, UniqueNames, slug
from cadence.importing.shared.report import ImportFailure
from cadence.importing.shared.shell import uses_git
from cadence.importing.woodpecker.conditions import (
    ConditionError,
    either,
    entries,
    entry_condition,
    triggers,
    unknown_events,
)
from cadence.importing.woodpecker.file import WoodpeckerFile
from cadence.importing.woodpecker.settings import WorkflowSettings, matrix
from cadence.importing.woodpecker.steps import ConvertedStep, StepConverter
from cadence.importing.woodpecker.variables import CI

_WORKSPACE = {"type": "Stream<byte>", "path": "./"}
_MOST_STEPS = 99


def from_woodpecker(text: str, name: str = "") -> ImportDraft:
    """Converts a workflow of Woodpecker. Raises ImportFailure if the text is not one."""
    draft = ImportDraft(slug(name or "woodpecker", prefix="w"), "Imported from a workflow of Woodpecker.")
    _Workflow(WoodpeckerFile(text, draft.notes), draft).convert()
    return draft


@dataclass(kw_only=True)
class _Group:
    """Steps that one treatment runs. One that `reacts` runs whatever became of those before it, without their files."""

    steps: list[ConvertedStep] = field(default_factory=list)
    reacts: bool = False

    def takes(self, step: ConvertedStep) -> bool:
        first = self.steps[0]
        same = step.anywhere or (step.image == first.image and step.secrets == first.secrets)
        return same and len(self.steps) < _MOST_STEPS


class _Workflow:
    def __init__(self, file: WoodpeckerFile, draft: ImportDraft) -> None:
        self._file = file
        self._draft = draft
        self._matrix, self._variables = matrix(file)
        self._settings = WorkflowSettings(file, draft, self._variables)
        self._names = UniqueNames("-", "step")
        self._condition = self._start()
        self._machine, self._runs = self._settings.machine()
        self._services = self._settings.services()
        self._clone = self._settings.clone()
        self._scripts: list[str] = []

    def convert(self) -> None:
        converter = StepConverter(self._file, self._settings, self._variables)
        self._draft.settings["defaults"] = {"env": {"CI": CI}}
        steps = [step for written in self._file.steps if (step := converter.convert(written)) is not None]
        if not steps:
            raise ImportFailure("The file has no steps with commands.", 1)
        groups = _grouped(steps)
        self._note_groups(groups)
        self._scripts = [step.script for group in groups if not group.reacts for step in group.steps]
        done: list[ImportedTreatment] = []
        ordinary = [group for group in groups if not group.reacts]
        for group in groups:
            treatment = self._treatment(group)
            if group.reacts:
                self._reacting(group, treatment, done)
            else:
                before = next((other for other in reversed(done) if "workspace" in other.outputs), None)
                self._ordinary(group, treatment, before, last=group is ordinary[-1])
            done.append(treatment)

    def _start(self) -> str:
        """Sets `on`; returns the condition of the workflow, as far as `on` does not say it."""
        data, of_steps = self._file.data, [
            entry for step in self._file.steps for entry in entries(step.body.get("when"))
        ]  # fmt: skip
        on, exact = triggers(data.get("when"), of_steps, data.get("branches", data.get("branch")))
        if on:
            self._draft.settings["on"] = on
        line = self._file.line(data, "when")
        if any("cron" in str(entry.get("event")) for entry in [*entries(data.get("when")), *of_steps]):
            self._draft.notes.add(
                line,
                "event: cron",
                "Times are settings of Woodpecker, not of the file.",
                "Write them into `on.schedule`.",
            )
        for entry in [*entries(data.get("when")), *of_steps]:
            for name in unknown_events(entry):
                self._draft.notes.add(
                    line, f"event: {name}", "Nothing in Cadence starts a pipeline by it.",
                    "Start a run through the API when it happens.",
                )  # fmt: skip
        if exact:
            return ""
        found = []
        for entry in entries(data.get("when")):
            try:
                found.append(entry_condition(entry, self._variables))
            except ConditionError as error:
                self._draft.notes.add(
                    line, f"when: {', '.join(entry)}", f"The condition cannot be translated: {error}.",
                    "Nothing runs because of it; write `when` by hand.",
                )  # fmt: skip
        return either(found)

    def _note_groups(self, groups: Sequence[_Group]) -> None:
        ordinary = [group for group in groups if not group.reacts]
        if len(ordinary) > 1:
            self._draft.notes.add(
                0, "the workspace", "Steps with other images or secrets are treatments, which receive all files of the one before.",
                "Hand on only the files that are needed, where they are many.",
            )  # fmt: skip
        if len(groups) > 1 and self._services:
            self._draft.notes.add(
                self._file.line(self._file.data, "services"), "services", "Each treatment has services of its own.",
                "Fill a database where it is used: nothing is left of the treatment before.",
            )  # fmt: skip

    def _treatment(self, group: _Group) -> ImportedTreatment:
        first = group.steps[0]
        named = next((step for step in group.steps if not step.anywhere), first)
        treatment = self._draft.treatment(self._names.fresh(named.written.name), first.written.line)
        body = treatment.body
        body["matrix"] = dict(self._matrix)
        body["image"] = named.image
        body["services"] = dict(self._services)
        body["secrets"] = dict(named.secrets)
        body.update(self._machine)
        return treatment

    def _write(self, group: _Group, treatment: ImportedTreatment, beginning: list[str], *, alone: bool) -> None:
        """Writes the steps; `alone` leaves their conditions to the treatment."""
        titles = StepTitles()
        bodies = [step.body(titles.fresh(step.written.name), alone=alone) for step in group.steps]
        only = bodies[0]
        if len(bodies) == 1 and not only.keys() & {"when", "always", "on_failure", "soft_fail"}:
            treatment.body["env"] = only.get("env", {})
            treatment.body["shell"] = only.get("shell")
            treatment.body["run"] = "\n".join([*beginning, only["run"]])
            return
        if beginning:
            bodies.insert(0, {"name": titles.fresh("clone"), "run": "\n".join(beginning) + "\n"})
        treatment.body["steps"] = bodies

    def _ordinary(
        self, group: _Group, treatment: ImportedTreatment, before: ImportedTreatment | None, *, last: bool
    ) -> None:
        beginning: list[str] = []
        parts: list[str] = []
        if before is None:
            beginning = self._files(treatment, self._scripts)
            parts = [self._condition] if self._condition else []
        else:
            treatment.body["inputs"] = {"workspace": dict(_WORKSPACE)}
            self._draft.connect(before, "workspace", treatment, "workspace")
        if not last:
            treatment.body["outputs"] = {"workspace": dict(_WORKSPACE)}
        conditions = {step.when.cel for step in group.steps}
        together = last and len(conditions) == 1 and not any(step.when.after_failure for step in group.steps)
        if together and (shared := conditions.pop()):
            parts.append(shared)
        self._write(group, treatment, beginning, alone=together)
        if group.steps and all(step.image is None and not step.anywhere for step in group.steps):
            parts = ["false"]
        self._set_when(treatment, parts)

    def _reacting(self, group: _Group, treatment: ImportedTreatment, done: Sequence[ImportedTreatment]) -> None:
        step = group.steps[0]
        if step.when.after_success:
            parts = [f'{state(other.name)} != ""' for other in done]
        else:
            parts = [" || ".join(f"{state(other.name)} in {FAILED}" for other in done)]
        parts += [part for part in (self._condition, step.when.cel) if part]
        self._draft.notes.add(
            step.written.line, f"{step.written.name}: status", "It runs after a failure, and so without the files of other steps.",
            "It has the files of the commit; write what it needs to outputs of its own.",
        )  # fmt: skip
        beginning = self._files(treatment, [step.script])
        self._write(group, treatment, beginning, alone=True)
        self._set_when(treatment, ["false"] if step.image is None else parts)

    def _files(self, treatment: ImportedTreatment, scripts: Sequence[str]) -> list[str]:
        """Gives a treatment the files of the commit: as `source`, or by a clone if scripts use git or its history."""
        if self._clone is None:
            return []
        options = {key: True for key in ("submodules", "lfs") if self._clone.get(key)}
        if not self._clone.get("history") and not uses_git("\n".join(scripts)):
            treatment.body["source"] = options or True
            return []
        return self._draft.clone(**options)

    def _set_when(self, treatment: ImportedTreatment, parts: Sequence[str]) -> None:
        if not self._runs or "false" in parts:
            treatment.body["when"] = False
        elif parts:
            treatment.body["when"] = f"${{{{ {all_of(parts)} }}}}"


def _grouped(steps: Sequence[ConvertedStep]) -> list[_Group]:
    """The steps in groups of one image and the same secrets; one that runs after failures is alone, unless it is in
    the first group.
    """
    groups: list[_Group] = []
    for step in steps:
        ordinary = [group for group in groups if not group.reacts]
        if step.when.after_failure and groups and not (len(groups) == 1 and groups[0].takes(step)):
            groups.append(_Group(steps=[step], reacts=True))
        elif ordinary and ordinary[-1].takes(step) and ordinary[-1] is groups[-1]:
            ordinary[-1].steps.append(step)
        else:
            groups.append(_Group(steps=[step]))
    return groups
