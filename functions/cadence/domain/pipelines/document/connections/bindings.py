"""Checks keys of a treatment that depend on each other: standard streams, `each`, `trigger`, `with`, `retry`."""

from collections.abc import Iterator

from cadence.domain.pipelines.document.connections.types import Flow, Scalar
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems
from cadence.domain.pipelines.document.pipeline import Port
from cadence.domain.pipelines.document.treatments.groups import each_input
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

_OF_A_COMMAND = (
    "run", "steps", "use", "shell", "image", "outputs", "stdin", "stdout", "services", "volumes", "cache", "secrets", "env",
    "pools", "cpu", "memory", "storage", "arch", "residency", "source", "reports",
)  # fmt: skip
_ALONE = {"with": "use", "parallel": "each"}


def check_bindings(draft: Draft, problems: Problems) -> None:
    """Adds a problem for each contradiction between keys, and for each name of a port that does not exist."""
    for body in draft.bodies():
        keys = body.body.keys()
        if "stdin" in keys or "stdout" in keys:
            problems.add_all(_standard_streams(body))
        if "each" in keys:
            problems.add_all(_each(body))
        if "trigger" in keys:
            problems.add_all(_trigger(body))
        if "retry" in keys:
            problems.add_all(_retry(body, draft))
        for key, other in _ALONE.items():
            if key in keys and other not in keys:
                message = f"{shown(key)} means nothing without {shown(other)}."
                problems.add(body.problem(Code.CONTRADICTION, message, (key,), "Leave it out.", at_key=True))


def _standard_streams(body: DraftTreatment) -> Iterator[DocumentProblem]:
    for key, side, ports in (("stdin", "input", body.inputs), ("stdout", "output", body.outputs)):
        name = body.body.get(key)
        if not isinstance(name, str) or ports is None:
            continue
        if name not in ports:
            message = f"{shown(key)} names no {side} of {body.words}: {shown(name)}."
            yield body.problem(Code.UNKNOWN_PORT, message, (key,), suggestion(name, ports) or f"Declare the {side}.")
            continue
        port = ports[name]
        fault = port and _unbindable(port, key)
        if fault:
            yield body.problem(Code.BAD_BINDING, f"The {side} {shown(name)} cannot be {key}: {fault}.", (key,))


def _unbindable(port: Port, key: str) -> str | None:
    if port.type is Scalar.VOID:
        return f"a {port.flow_type} has no content"
    if port.path is not None:
        return "it has a path; leave one of the two out"
    if port.optional:
        return "it may be left out; give it a default instead of optional: true"
    return None


def _each(body: DraftTreatment) -> Iterator[DocumentProblem]:
    name = each_input(body.body)
    if "matrix" in body.body:
        message = "One treatment cannot have both each and matrix."
        hint = "Let one treatment have the matrix and another, fed by it, each."
        yield body.problem(Code.CONTRADICTION, message, ("matrix",), hint, at_key=True)
    if isinstance(body.body["each"], dict) and "parallel" in body.body["each"] and "parallel" in body.body:
        message = "`parallel` is written twice."
        yield body.problem(Code.CONTRADICTION, message, ("parallel",), "Keep one of them.", at_key=True)
    if name is None or body.inputs is None:
        return
    if name not in body.inputs:
        message = f"`each` names no input of {body.words}: {shown(name)}."
        yield body.problem(Code.UNKNOWN_PORT, message, ("each",), suggestion(name, body.inputs) or "Declare the input.")
        return
    port = body.inputs[name]
    if port is None:
        return
    if port.flow is not Flow.BLOCK:
        hint = f"Declare one element: Block<{port.type}>. What feeds it may be a Block<Vec<{port.type}>> or a stream."
        yield body.problem(Code.BAD_EACH, f"The input {shown(name)} of `each` is a {port.flow_type}.", ("each",), hint)
    elif port.type in (Scalar.VOID, Scalar.BYTE):
        message = f"The input {shown(name)} of `each` is a {port.flow_type}, which has no elements worth an instance."
        yield body.problem(Code.BAD_EACH, message, ("each",), "Give it lines or values.")
    elif port.literal or port.default or port.optional:
        message = f"The input {shown(name)} of `each` has to be connected."
        hint = "Leave value, default and optional out; for values known beforehand use a matrix."
        yield body.problem(Code.BAD_EACH, message, ("each",), hint)


def _retry(body: DraftTreatment, draft: Draft) -> Iterator[DocumentProblem]:
    retry = {**mapping(draft.defaults.get("retry")), **mapping(body.body["retry"])}
    wait, longest = retry.get("wait"), retry.get("max_wait")
    if isinstance(wait, int) and isinstance(longest, int) and wait > longest:
        message = f"The first wait of {body.words} is {wait:,} seconds, but max_wait is {longest:,}."
        yield body.problem(
            Code.CONTRADICTION, message, ("retry",), "Make wait smaller, or max_wait larger.", at_key=True
        )


def _trigger(body: DraftTreatment) -> Iterator[DocumentProblem]:
    for key in _OF_A_COMMAND:
        if key in body.body:
            message = f"{shown(key)} means nothing beside trigger, which runs no command of its own."
            yield body.problem(Code.CONTRADICTION, message, (key,), "Leave it out.", at_key=True)
    document = mapping(body.body["trigger"]).get("document")
    for name, port in (body.inputs or {}).items():
        if port is not None and port.flow is Flow.STREAM and name != document:
            message = f"The input {shown(name)} becomes a parameter and cannot be a stream."
            yield body.problem(Code.BAD_BINDING, message, ("inputs", name), f"Declare it as Block<{port.type}>.")
