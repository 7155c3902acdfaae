"""Reads WfFormat, the format of WfCommons: tasks, files, and what was measured."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cadence.domain.pipelines.document.syntax.json_text import read_json
from cadence.domain.pipelines.document.syntax.source import ParsedDocument, UnreadableDocument
from cadence.importing.shared.report import ImportFailure, Notes

MAX_BYTES = 20_000_000
_MOST_TASKS = 10_000
_VERSIONS = ("1.5", "1.6")
"""WfCommons writes 1.6 since its release 1.5; both are the same in what is read here."""


@dataclass(kw_only=True)
class Task:
    """A task of the source. `index` is its position in the list, which gives its line."""

    id: str
    index: int
    parents: set[str]
    inputs: list[str]
    outputs: list[str]
    runtime: float = 0.0
    execution: Mapping[str, Any] = field(default_factory=dict)


class Workflow:
    """A workflow; inconsistent parts are left out and reported in `notes`. Raises ImportFailure.

    `tasks` by id, `sizes` of files in bytes by their ids.
    """

    def __init__(self, text: str, notes: Notes) -> None:
        if len(text) > MAX_BYTES:
            raise ImportFailure(f"The file has more than {MAX_BYTES:,} characters.")
        self._text = text
        self._notes = notes
        data = self._load()
        self.name = str(data.get("name") or "workflow")
        workflow = self._part(data, "workflow")
        self._specification = self._part(workflow, "specification")
        execution = workflow.get("execution")
        self._execution = execution if isinstance(execution, dict) else {}
        self.sizes = self._file_sizes()
        self.tasks = self._read_tasks()

    def line_of(self, task: Task) -> int:
        return self._line("specification", "tasks", task.index)

    def line_of_files(self) -> int:
        return self._key_line("files")

    def _load(self) -> dict[str, Any]:
        try:
            data = json.loads(self._text)
        except json.JSONDecodeError as error:
            raise ImportFailure(f"This is not JSON: {error.msg}.", error.lineno) from None
        except (RecursionError, ValueError):
            raise ImportFailure("This JSON is nested too deeply, or has a number too long to read.") from None
        if not isinstance(data, dict):
            raise ImportFailure("The file is not a JSON object.", 1)
        version = data.get("schemaVersion")
        if version not in _VERSIONS:
            known = " and ".join(_VERSIONS)
            message = f"This is WfFormat {json.dumps(version)[:40]}; {known} can be imported."
            raise ImportFailure(message, self._key_line("schemaVersion"))
        return data

    def _key_line(self, key: str) -> int:
        found = self._text.find(json.dumps(key))
        return self._text.count("\n", 0, found) + 1 if found >= 0 else 1

    def _part(self, data: Mapping[str, Any], key: str) -> dict[str, Any]:
        part = data.get(key)
        if not isinstance(part, dict):
            raise ImportFailure(f"There is no object “{key}” where WfFormat has one.", self._key_line("workflow"))
        return part

    def _line(self, *path: str | int) -> int:
        """The line of a part of the specification; the text is parsed again on the first call."""
        node: Any = self._positions.data
        spot, places = None, self._positions.places
        assert places is not None
        for part in ("workflow", *path):
            spots = places.of(node, part)
            if spots is None:
                break
            spot, node = spots[0], node[part]
        return places.position_of(spot)[0] if spot is not None else 0

    @cached_property
    def _positions(self) -> ParsedDocument:
        try:
            return read_json(self._text, keep_places=True)
        except UnreadableDocument as error:
            raise ImportFailure(error.problem.message, error.problem.position[0]) from None

    def _file_sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for index, file in enumerate(self._specification.get("files") or ()):
            if not isinstance(file, dict) or not isinstance(file.get("id"), str):
                raise ImportFailure("A file has no “id”.", self._line("specification", "files", index))
            size = file.get("sizeInBytes", 0)
            sizes[file["id"]] = int(size) if is_number(size) else 0
        return sizes

    def _read_tasks(self) -> dict[str, Task]:
        listed = self._specification.get("tasks")
        if not isinstance(listed, list) or not listed:
            raise ImportFailure("The workflow has no tasks.", self._key_line("specification"))
        if len(listed) > _MOST_TASKS:
            raise ImportFailure(
                f"The workflow has {len(listed):,} tasks; a pipeline has at most {_MOST_TASKS:,} treatments."
            )
        tasks: dict[str, Task] = {}
        for index, task in enumerate(listed):
            if not isinstance(task, dict) or not isinstance(task.get("id"), str):
                raise ImportFailure("A task has no “id”.", self._line("specification", "tasks", index))
            if task["id"] in tasks:
                raise ImportFailure(
                    f"Two tasks have the id {task['id'][:60]}.", self._line("specification", "tasks", index)
                )
            tasks[task["id"]] = Task(
                id=task["id"],
                index=index,
                parents=set(_ids(task, "parents")),
                inputs=_ids(task, "inputFiles"),
                outputs=_ids(task, "outputFiles"),
            )
        self._read_children(listed, tasks)
        self._read_execution(tasks)
        return tasks

    def _read_children(self, listed: list[Any], tasks: dict[str, Task]) -> None:
        for index, task in enumerate(listed):
            for child in _ids(task, "children"):
                if child in tasks:
                    tasks[child].parents.add(task["id"])
                else:
                    self._unknown(child, index)
        for read in tasks.values():
            for parent in sorted(read.parents - tasks.keys()):
                self._unknown(parent, read.index)
            read.parents &= tasks.keys()

    def _unknown(self, task: str, index: int) -> None:
        self._notes.add(
            self._line("specification", "tasks", index), f"the task {task}",
            "A task names it as parent or child, but the workflow has no such task.", "Correct the source, or do without.",
        )  # fmt: skip

    def _read_execution(self, tasks: Mapping[str, Task]) -> None:
        measured = self._execution.get("tasks")
        for entry in measured if isinstance(measured, list) else ():
            task = tasks.get(entry.get("id", "")) if isinstance(entry, dict) else None
            if task is None:
                continue
            runtime = entry.get("runtimeInSeconds", 0)
            task.execution, task.runtime = entry, float(runtime) if is_number(runtime) else 0.0


def _ids(task: Any, key: str) -> list[str]:
    found = task.get(key) if isinstance(task, dict) else None
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
