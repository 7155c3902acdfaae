"""Builds the `Pipeline` of a valid document, with defaults resolved."""

from collections.abc import Mapping
from typing import Any, cast

from cadence.domain.pipelines.document.connections.ports import Ports
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment
from cadence.domain.pipelines.document.pipeline import (
    DEFAULT_RUN_DURATION,
    Concurrency,
    Connection,
    Parameter,
    Pipeline,
    Port,
    TreatmentDeclaration,
)
from cadence.domain.pipelines.document.templates import holds_expressions
from cadence.domain.pipelines.specification import ConcurrencyPolicy
from cadence.domain.triggers import triggers

_MERGED = ("env", "retry")
"""Mappings in `defaults` whose single entries a treatment may override."""


def assemble(
    data: Mapping[str, Any],
    draft: Draft,
    connections: tuple[Connection, ...],
    parameters: Mapping[str, Parameter],
    *,
    expressive: bool = True,
) -> Pipeline:
    """Returns the pipeline of a document that passed every check.

    A document that is not `expressive` is known to hold no expressions.
    """
    treatments = {name: _treatment(draft.treatments[name], draft.defaults) for name in draft.treatments}
    concurrency = _concurrency(data.get("concurrency"))
    return Pipeline(
        name=data["name"],
        treatments=treatments,
        connections=connections,
        parameters=parameters,
        triggers=triggers.from_json(data.get("on") or {}),
        max_duration=data.get("max_duration", DEFAULT_RUN_DURATION),
        concurrency=concurrency,
        priority=data.get("priority", 0),
        registries=data.get("registries") or {},
        depends_on_run=(concurrency is not None and holds_expressions(concurrency.group))
        or any(
            "environment" in treatment.body or (expressive and holds_expressions(treatment.body))
            for treatment in treatments.values()
        ),
    )


def _treatment(draft: DraftTreatment, defaults: Mapping[str, Any]) -> TreatmentDeclaration:
    body = with_defaults(draft.body, defaults)
    return TreatmentDeclaration(
        name=draft.name,
        body=body,
        inputs=_ports(draft.inputs),
        outputs=_ports(draft.outputs),
        after=tuple(body.get("after", ())),
        program=draft.program,
    )


def with_defaults(body: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a treatment's body with the document's defaults for the keys that it does not set itself."""
    if not defaults:
        return body
    merged = {**defaults, **body}
    for key in _MERGED:
        if key in defaults and key in body:
            merged[key] = {**defaults[key], **body[key]}
    return merged


def _ports(ports: Ports | None) -> Mapping[str, Port]:
    """Returns the ports unchanged, with a narrower type: in a valid document each of them could be read."""
    return cast(Mapping[str, Port], ports or {})


def _concurrency(written: Any) -> Concurrency | None:
    match written:
        case None:
            return None
        case str():
            return Concurrency(written)
        case _:
            return Concurrency(written["group"], ConcurrencyPolicy(written.get("policy", ConcurrencyPolicy.QUEUE)))
