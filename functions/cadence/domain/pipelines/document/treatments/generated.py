"""Checks treatments that run a document which another treatment sends, and such documents themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.connections.types import Flow, Scalar
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem
from cadence.domain.pipelines.document.treatments.groups import is_group
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

LARGEST_GENERATED = 1_000_000
"""Bytes of a document that a treatment sends."""
MOST_GENERATED = 20
"""Treatments of a document that run documents which others send."""

_MEANINGLESS = ("pipeline", "wait")


def check_generating(draft: Draft) -> Iterator[DocumentProblem]:
    """Yields what is wrong with treatments that have `trigger: {document: …}`."""
    for body in draft.bodies():
        trigger = mapping(body.body.get("trigger"))
        if "document" in trigger:
            yield from _check(body, trigger)
    count = sum("document" in mapping(treatment.body.get("trigger")) for treatment in draft.treatments.values())
    if count > MOST_GENERATED:
        yield DocumentProblem(
            code=Code.TOO_MANY_TREATMENTS,
            message=f"{count} treatments run documents that others send; at most {MOST_GENERATED} can.",
            path=("treatments",),
            hint="Let one document have more treatments.",
            at_key=True,
        )


def check_generated(draft: Draft) -> Iterator[DocumentProblem]:
    """Yields a problem for each treatment that a document which a treatment sent must not have."""
    for treatment in draft.treatments.values():
        if "trigger" in treatment.body:
            yield DocumentProblem(
                code=Code.GENERATED_TRIGGER,
                message=f"{shown(treatment.name)} starts a run, which a document that a treatment sent cannot do.",
                path=(*treatment.path, "trigger"),
                hint="Start the run from the pipeline whose treatment sends the document.",
                at_key=True,
            )


def _check(body: DraftTreatment, trigger: Mapping[str, Any]) -> Iterator[DocumentProblem]:
    name = trigger["document"]
    for key in _MEANINGLESS:
        if key in trigger:
            message = f"{shown(key)} means nothing beside `document`: the run of that document is a part of this one."
            yield body.problem(Code.CONTRADICTION, message, ("trigger", key), "Leave it out.", at_key=True)
    if is_group(body.body):
        key = "matrix" if "matrix" in body.body else "each"
        message = "A treatment that runs a document which another one sends has no instances."
        yield body.problem(Code.CONTRADICTION, message, (key,), "Let the document have the matrix.", at_key=True)
    if not isinstance(name, str) or body.inputs is None:
        return
    if name not in body.inputs:
        message = f"`document` names no input of {body.words}: {shown(name)}."
        hint = suggestion(name, body.inputs) or f"Declare the input: {name}: Block<string>."
        yield body.problem(Code.UNKNOWN_PORT, message, ("trigger", "document"), hint)
        return
    port = body.inputs[name]
    if port is None:
        return
    at = ("inputs", name)
    if port.flow is not Flow.BLOCK or port.type is not Scalar.STRING:
        message = f"The input {shown(name)} is a {port.flow_type}, and a document is text."
        yield body.problem(Code.BAD_BINDING, message, at, "Declare it as Block<string>.")
    elif port.literal or port.default or port.optional:
        message = f"The input {shown(name)} of `document` has to be connected."
        yield body.problem(Code.BAD_BINDING, message, at, "Leave value, default and optional out.")
