"""Checks residency: a treatment runs only in the places of its `residency`, and its outputs may be read only there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.connections.types import Scalar
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems
from cadence.domain.pipelines.document.pipeline import ANYWHERE, BUILTIN_OUTPUTS, Connection
from cadence.domain.shared.display import shown


def residency_of(body: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the places where a treatment may run; none if it may run anywhere (`any` overrides the defaults)."""
    written = body.get("residency", defaults.get("residency"))
    if isinstance(written, str):
        return () if written == ANYWHERE else (written,)
    return tuple(place for place in written if isinstance(place, str)) if isinstance(written, list) else ()


def in_words(places: Iterable[str]) -> str:
    """Returns places in words."""
    return " or ".join(places)


def check_residency(draft: Draft, connections: Iterable[Connection], problems: Problems) -> None:
    """Adds a problem for each connection through which data may leave the places of its residency."""
    if "residency" not in draft.defaults and not any("residency" in body.body for body in draft.bodies()):
        return
    problems.add_all(_leaving(draft, connections))


def _leaving(draft: Draft, connections: Iterable[Connection]) -> Iterator[DocumentProblem]:
    for connection in connections:
        source = draft.treatments.get(connection.source_treatment)
        target = draft.treatments.get(connection.target_treatment)
        if source is None or target is None or not _stays(source, connection.source_port):
            continue
        reason = _where_it_leaves_to(source, target, draft.defaults)
        if reason is None:
            continue
        remedy = f"declare that the output may leave: {connection.source_port}: {{type: …, residency: any}}."
        has_residency = "residency" in target.body
        yield target.problem(
            Code.RESIDENCY_LEFT,
            f"{connection.source_treatment}.{connection.source_port} has to stay in "
            f"{in_words(residency_of(source.body, draft.defaults))}, and {reason}.",
            ("residency",) if has_residency else (),
            remedy[0].upper() + remedy[1:]
            if _starts_a_run(target)
            else f"Give {shown(target.name)} the same residency, or {remedy}",
            at_key=not has_residency,
        )


def _where_it_leaves_to(source: DraftTreatment, target: DraftTreatment, defaults: Mapping[str, Any]) -> str | None:
    """Returns in words where the outputs of `source` may leave to; None if they stay."""
    places, allowed = residency_of(source.body, defaults), residency_of(target.body, defaults)
    if not places:
        return None
    if _starts_a_run(target):
        return "it becomes a parameter of another run, which is kept with that run"
    if not allowed:
        return f"{shown(target.name)} may run anywhere"
    others = [place for place in allowed if place not in places]
    return f"{shown(target.name)} may run in {in_words(others)}" if others else None


def _starts_a_run(target: DraftTreatment) -> bool:
    return "trigger" in target.body


def _stays(source: DraftTreatment, port: str) -> bool:
    """Whether an output has content and is not declared to leave."""
    if port in BUILTIN_OUTPUTS:
        return False
    output = (source.outputs or {}).get(port)
    return output is None or (output.type is not Scalar.VOID and not output.leaves)
