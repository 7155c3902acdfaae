"""Workflows of WfCommons: tasks become treatments, files the streams between them."""

import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cadence.importing.shared.draft import PORTS, ImportDraft, ImportedTreatment
from cadence.importing.shared.names import UniqueNames, slug
from cadence.importing.wfcommons.wfformat import Task, Workflow, is_number

_MOST_AFTER = 1_000
_STAGED = 10
"""The most files that one simulated task writes, since each is a separate stream and all are written at once."""
_LONGEST_COMMAND = 100_000


@dataclass(frozen=True)
class Scales:
    """How tasks are converted: with their commands, or simulated with factors for their run time and file sizes."""

    commands: bool = False
    time: float = 1.0
    size: float = 1.0
    resources: bool = True


def from_wfcommons(text: str, scales: Scales) -> ImportDraft:
    """Converts a workflow of WfCommons. Raises ImportFailure if the text is not one."""
    return _Conversion(text, scales).convert()


class _Conversion:
    def __init__(self, text: str, scales: Scales) -> None:
        self._scales = scales
        self._draft = ImportDraft("workflow", "Imported from a workflow of WfCommons (WfFormat).")
        self._workflow = Workflow(text, self._draft.notes)
        self._draft.name = slug(self._workflow.name, prefix="w")
        self._names = UniqueNames("-", "t")

    def convert(self) -> ImportDraft:
        makers = self._makers
        treatments = {task.id: self._treatment(task) for task in self._workflow.tasks.values()}
        outputs = {file: treatments[maker].output(file, self._port(file)) for file, maker in makers.items()}
        staged = self._stage_in(makers)
        for task in self._workflow.tasks.values():
            self._connect(task, treatments, makers, outputs, staged)
        for task in self._workflow.tasks.values():
            treatment = treatments[task.id]
            self._wait(treatment, [treatments[parent].name for parent in sorted(task.parents)])
            treatment.body["run"] = self._script(task, treatment)
        return self._draft

    @cached_property
    def _makers(self) -> dict[str, str]:
        """The task that writes each file, without files beyond the ports that a treatment may have."""
        producers: dict[str, str] = {}
        for task in self._workflow.tasks.values():
            if task.outputs[PORTS:]:
                self._left_out(
                    task,
                    f"{len(task.outputs) - PORTS} of its output files",
                    f"A treatment has at most {PORTS} outputs.",
                )
            for file in task.outputs[:PORTS]:
                if file in producers:
                    self._left_out(task, f"the file {file}", f"The task {producers[file]} makes it as well.")
                else:
                    producers[file] = task.id
        return producers

    def _left_out(self, task: Task, what: str, why: str) -> None:
        self._draft.notes.add(
            self._workflow.line_of(task), f"{what}, task {task.id}", why,
            "Nothing, if only the order matters: that is kept. Otherwise pack several files into one.",
        )  # fmt: skip

    def _treatment(self, task: Task) -> ImportedTreatment:
        treatment = self._draft.treatment(self._names.of(task.id))
        if treatment.name != task.id:
            treatment.comments.append(f"task {task.id}")
        if self._scales.resources:
            self._resource(treatment, "cpu", task.execution.get("coreCount"), 1_000, 512_000)
            self._resource(treatment, "memory", task.execution.get("memoryInBytes"), 1e-6, 16_000_000)
        return treatment

    def _resource(self, treatment: ImportedTreatment, key: str, amount: Any, factor: float, most: int) -> None:
        if is_number(amount) and amount > 0:
            treatment.body[key] = min(math.ceil(amount * factor), most)

    def _port(self, file: str) -> Any:
        return {"type": "Stream<byte>", "path": _relative(file)} if self._scales.commands else "Stream<byte>"

    def _stage_in(self, makers: Mapping[str, str]) -> dict[str, tuple[ImportedTreatment, str]]:
        """Adds treatments that write simulated files for those that no task writes."""
        wanted = dict.fromkeys(f for t in self._workflow.tasks.values() for f in t.inputs[:PORTS] if f not in makers)
        staged: dict[str, tuple[ImportedTreatment, str]] = {}
        files = list(wanted)
        for start in range(0, len(files), _STAGED):
            treatment = self._draft.treatment(self._names.fresh("stage-in"))
            treatment.comments.append("Stand-ins for the files that no task makes, as long as those.")
            lines = []
            for file in files[start : start + _STAGED]:
                port = treatment.output(file, "Stream<byte>")
                staged[file] = treatment, port
                lines.append(f'head -c {self._bytes(file)} /dev/zero > "$CADENCE_OUT_{port}"')
            treatment.body["run"] = "\n".join(lines) + "\n"
            self._draft.notes.add(
                self._workflow.line_of_files(), f"the content of {len(lines)} input files ({files[start]}, …)",
                "WfFormat tells the size of a file that comes from outside, not its content.",
                f"Let the treatment {treatment.name} fetch the real files instead of writing zeros.",
            )  # fmt: skip
        return staged

    def _connect(
        self,
        task: Task,
        treatments: Mapping[str, ImportedTreatment],
        makers: Mapping[str, str],
        outputs: Mapping[str, str],
        staged: Mapping[str, tuple[ImportedTreatment, str]],
    ) -> None:
        treatment = treatments[task.id]
        if task.inputs[PORTS:]:
            self._left_out(
                task, f"{len(task.inputs) - PORTS} of its input files", f"A treatment has at most {PORTS} inputs."
            )
        for file in task.inputs[PORTS:]:
            if makers.get(file, task.id) != task.id:
                task.parents.add(makers[file])
        for file in task.inputs[:PORTS]:
            if makers.get(file) == task.id:
                continue  # it reads what it wrote
            producer, port = staged[file] if file in staged else (treatments[makers[file]], outputs[file])
            if file in makers:
                task.parents.add(makers[file])
            else:
                self._wait(treatment, [producer.name])
            self._draft.connect(producer, port, treatment, treatment.input(file, self._port(file)))

    def _wait(self, treatment: ImportedTreatment, names: list[str]) -> None:
        """Lets a task wait for the end of its parents: files are streams, with which it would start while they run."""
        after = list(dict.fromkeys([*treatment.body.get("after", ()), *names]))
        while len(after) > _MOST_AFTER:
            join = self._draft.treatment(self._names.fresh(f"before-{treatment.name}"))
            join.comments.append(f"A treatment waits for at most {_MOST_AFTER:,} others by name.")
            join.body.update(after=after[:_MOST_AFTER], run="true")
            after = [*after[_MOST_AFTER:], join.name]
        treatment.body["after"] = after

    def _script(self, task: Task, treatment: ImportedTreatment) -> str:
        if self._scales.commands:
            command = self._command(task)
            if command is not None:
                return command
        return "\n".join(self._stand_in(task, treatment)) + "\n"

    def _command(self, task: Task) -> str | None:
        command = task.execution.get("command")
        program = command.get("program") if isinstance(command, dict) else None
        if isinstance(command, dict) and isinstance(program, str) and program:
            arguments = [str(argument) for argument in command.get("arguments") or ()]
            text = " ".join([program, *map(_argument, arguments)])
            if len(text) <= _LONGEST_COMMAND and "${{" not in text:
                return text + "\n"
        self._draft.notes.add(
            self._workflow.line_of(task), f"the command of the task {task.id}",
            "The workflow does not say it, or it is too long.",
            "Replace the stand-in, which only takes the time and writes the files.",
        )  # fmt: skip
        return None

    def _stand_in(self, task: Task, treatment: ImportedTreatment) -> Iterator[str]:
        files_by_port = dict(zip(treatment.body.get("outputs", {}), self._files_written_by(task), strict=True))
        if self._scales.commands:
            yield from (
                f"head -c {self._bytes(file)} /dev/zero > {shlex.quote(_relative(file))}"
                for file in files_by_port.values()
            )
            return
        if treatment.body.get("inputs"):
            yield "cat " + " ".join(f'"$CADENCE_IN_{port}"' for port in treatment.inputs) + " > /dev/null"
        seconds = task.runtime * self._scales.time
        if seconds > 0:
            yield f"sleep {seconds:.3f}"
        for port, file in files_by_port.items():
            yield f'head -c {self._bytes(file)} /dev/zero > "$CADENCE_OUT_{port}"'
        if not treatment.body.get("inputs") and seconds <= 0 and not files_by_port:
            yield "true"

    def _files_written_by(self, task: Task) -> list[str]:
        return [file for file in dict.fromkeys(task.outputs[:PORTS]) if self._makers.get(file) == task.id]

    def _bytes(self, file: str) -> int:
        return round(self._workflow.sizes.get(file, 0) * self._scales.size)


def _relative(file: str) -> str:
    """The path of a file inside the working directory, whatever its id is."""
    parts = [part for part in file.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[:1000] or "file"


def _argument(text: str) -> str:
    """The words of an argument, which may be an option with its value; the shell expands variables."""
    if text.startswith("-"):
        return " ".join(word if "$" in word else shlex.quote(word) for word in text.split())
    return f'"{text}"' if "$" in text and '"' not in text else shlex.quote(text)
