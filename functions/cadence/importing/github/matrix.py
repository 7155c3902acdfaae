"""A job's matrix: its axes and entries, without the legs of other systems than Linux."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cadence.importing.github.cel import translated
from cadence.importing.github.expressions import FunctionCall, GitHubExpressionError, MemberAccess
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import axis_name, only_expression
from cadence.importing.shared.yaml_source import listed, mapping, plain, texts, whole_number

OTHER_SYSTEM = re.compile(r"windows|macos", re.IGNORECASE)
ELSEWHERE = "Runners have Linux only: leave it where it is, or have a script reach such a machine, as by ssh."
_AXIS = re.compile(r"\bmatrix\.([\w-]+)((?:\.[\w-]+)*)")
_NOT_AXES = frozenset({"include", "exclude", "fail_fast", "max_parallel"})
_COMPUTED = (
    "Write the axes out, or make one treatment for each item of a stream with `each`. Scripts stop where they use a "
    "value."
)


def machine_labels(job: GitHubJob) -> list[str]:
    """The labels of the machines that a job wants."""
    value = job.body.get("runs-on")
    return texts(value if not isinstance(value, dict) else [value.get("group"), *texts(value.get("labels"))])


def matrix(job: GitHubJob) -> None:
    """Adds the matrix to the treatment; expressions know only the axes that it has."""
    if job.body.get("strategy") is not None:
        _matrix(job)
    made = job.treatment.body.get("matrix", {})
    known = {*made, *(name for entry in made.get("include", ()) for name in entry)}
    axes = {name: axis for name, axis in job.scope.axes.items() if axis in known}
    partial = frozenset(name for name, axis in axes.items() if axis not in made and not _everywhere(made, axis))
    job.scope = replace(job.scope, axes=axes, partial=partial)


def _everywhere(made: Mapping[str, Any], axis: str) -> bool:
    """Whether every combination has an axis that only `include` names: there are no others than its entries."""
    return not made.keys() - _NOT_AXES and all(axis in entry for entry in made.get("include", ()))


def _matrix(job: GitHubJob) -> None:
    strategy = mapping(job.body["strategy"])
    matrix, line = strategy.get("matrix"), job.line(strategy, "matrix")
    if not isinstance(matrix, dict):
        job.note(line, "strategy.matrix", "It is computed while the workflow runs.", _COMPUTED)
        return
    if _each(job, strategy, matrix):
        return
    matrix = _on_linux(job, matrix)
    axes = _axes(job, matrix)
    for key in ("include", "exclude"):
        entries = [
            entry
            for entry in listed(matrix.get(key))
            if isinstance(entry, dict) and entry and _is_known(job, entry, key, line)
        ]
        if entries:
            axes[key] = [{job.scope.axes[name]: value for name, value in entry.items()} for entry in entries]
    if not axes or axes.keys() <= {"exclude"}:
        job.note(line, "strategy.matrix", "It has no axis.", "Write the axes out.")
        return
    if "fail-fast" in strategy:
        axes["fail_fast"] = strategy["fail-fast"] is not False
    if (most := whole_number(strategy.get("max-parallel"))) is not None:
        axes["max_parallel"] = max(1, most)
    job.treatment.body["matrix"] = axes


def _each(job: GitHubJob, strategy: Mapping[str, Any], matrix: Mapping[str, Any]) -> bool:
    """Makes an instance for each item of a list that another job sends, if that is the only axis."""
    if len(matrix) != 1 or "uses" in job.body or "include" in matrix:
        return False
    ((axis, value),) = matrix.items()
    match only_expression(value) if isinstance(value, str) else None:
        case FunctionCall("fromjson", (MemberAccess(("needs", str(other), "outputs", str(name))),)) if (
            name in job.outputs_of_needs.get(other, ())
        ):
            producer, port = job.draft.treatments[job.scope.needs[other]], job.outputs_of_needs[other][name]
        case _:
            return False
    if not producer.body.keys().isdisjoint(("matrix", "each")):
        return False  # its output is a list of texts
    items = producer.output(f"{port}_items", "Block<Vec<string>>")
    script = producer.body["steps"][-1] if "steps" in producer.body else producer.body
    script["run"] += f'cp "$CADENCE_OUT_{port}" "$CADENCE_OUT_{items}"\n'
    job.items[axis] = job.treatment.input(axis_name(axis), "Block<string>")
    most = whole_number(strategy.get("max-parallel"))
    given = job.items[axis]
    job.treatment.body["each"] = {"input": given, "parallel": max(1, most)} if most is not None else given
    job.draft.connect(producer, items, job.treatment, given)
    if strategy.get("fail-fast") is False:
        job.note(
            job.line(strategy, "fail-fast"), "fail-fast: false", "After a failure no further instances of `each` are made.",
            "Give the treatment `soft_fail`, or nothing, if that is enough.",
        )  # fmt: skip
    return True


def _axes(job: GitHubJob, matrix: Mapping[str, Any]) -> dict[str, Any]:
    axes: dict[str, Any] = {}
    for axis, values in matrix.items():
        if axis in ("include", "exclude"):
            continue
        line, whole = job.line(matrix, axis), None
        if isinstance(values, list) and values:
            known = [value for value in values if _is_known(job, value, axis, line)]
            if known:
                axes[job.scope.axes[axis]] = known
            continue
        if isinstance(values, str):
            try:
                whole = translated(values, job.scope)
            except GitHubExpressionError:
                job.note(line, f"matrix.{axis}: {values}", "It is computed while the workflow runs.", _COMPUTED)
                continue
        if whole is not None and whole.startswith("${{"):
            axes[job.scope.axes[axis]] = whole
        else:
            job.note(line, f"matrix.{axis}", "Its values are not a list.", "Write them out.")
    return axes


def _is_known(job: GitHubJob, value: Any, axis: str, line: int) -> bool:
    """Whether a value of an axis can stand in the document: without an expression, which is known only in a run."""
    if "${{" not in json.dumps(value, default=str):
        return True
    job.note(
        line, f"matrix.{axis}: {plain(value) if isinstance(value, str) else 'a value'}",
        "The value is computed while the workflow runs.", "Write the value out; until then it is left out.",
    )  # fmt: skip
    return False


def _on_linux(job: GitHubJob, matrix: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the matrix without the legs whose machines have another system; the treatment never runs if none is left.

    The labels in `runs-on` tell the system, as far as they are values of the matrix.
    """
    wanted = " ".join(machine_labels(job))
    if OTHER_SYSTEM.search(wanted):
        return matrix  # no leg can be told from another
    kept = dict(matrix)
    for axis, path in _AXIS.findall(wanted):
        members = path.split(".")[1:]
        for key, values in kept.items():
            if isinstance(values, list) and key in (axis, "include", "exclude"):
                of_axis = key == axis
                kept[key] = [
                    value for value in values if not _elsewhere(value if of_axis else mapping(value).get(axis), members)
                ]
    if kept == matrix:
        return matrix
    emptied = any(matrix[key] and not kept[key] for key in kept if key not in ("include", "exclude"))
    if emptied or not any(values for key, values in kept.items() if key != "exclude"):
        job.never = True
    why = "treatment has when: false" if job.never else "legs for Windows and macOS are left out"
    job.note(
        job.line(job.body, "runs-on"), f"runs-on: {wanted}", f"The system is not Linux; the {why}.",
        ELSEWHERE,
    )  # fmt: skip
    return matrix if job.never else kept


def _elsewhere(value: Any, members: list[str]) -> bool:
    """Whether a value of an axis, or its member, is a label of machines with another system."""
    for member in members:
        value = mapping(value).get(member)
    return any(OTHER_SYSTEM.search(label) for label in texts(value))
