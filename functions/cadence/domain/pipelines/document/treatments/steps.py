"""Checks the named steps of treatments: each name stands once, and steps and a script exclude each other."""

from collections.abc import Iterator

from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem
from cadence.domain.shared.display import shown


def check_steps(draft: Draft) -> Iterator[DocumentProblem]:
    """Yields the problems of all steps, besides those of their shape."""
    for body in draft.bodies():
        steps = body.body.get("steps")
        if isinstance(steps, list):
            yield from _of_body(body, [mapping(step).get("name") for step in steps])


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
