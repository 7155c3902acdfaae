"""Checks named steps: names stand once; `run` and `steps`, `always` and `on_failure` exclude each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem
from cadence.domain.shared.display import shown


def check_steps(draft: Draft) -> Iterator[DocumentProblem]:
    """Yields the problems of all steps, besides those of their shape."""
    for body in draft.bodies():
        steps = body.body.get("steps")
        if isinstance(steps, list):
            yield from _of_body(body, [mapping(step).get("name") for step in steps])
            yield from _on_failure(body, [mapping(step) for step in steps])


def _on_failure(body: DraftTreatment, steps: list[Mapping[str, Any]]) -> Iterator[DocumentProblem]:
    for index, step in enumerate(steps):
        if step.get("always") is True and step.get("on_failure") is True:
            message = f"The step {shown(str(step.get('name')))} has `always` and `on_failure`."
            hint = "Keep `always` to run it in any case, or `on_failure` to run it only after a failure."
            yield body.problem(Code.CONTRADICTION, message, ("steps", index, "on_failure"), hint, at_key=True)


def _of_body(body: DraftTreatment, names: list[object]) -> Iterator[DocumentProblem]:
    if "run" in body.body:
        message = f"The {body.words} has `run` and `steps`."
        hint = "Keep one of them: make the script a step, or write everything in `run`."
        yield body.problem(Code.CONTRADICTION, message, ("steps",), hint, at_key=True)
    seen: set[object] = set()
    for index, name in enumerate(names):
        if isinstance(name, str) and name in seen:
            message = f"The {body.words} has two steps named {shown(name)}."
            yield body.problem(Code.REPEATED_ITEM, message, ("steps", index, "name"), "Give each a name of its own.")
        seen.add(name if isinstance(name, str) else None)
