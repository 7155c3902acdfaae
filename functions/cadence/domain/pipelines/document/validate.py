"""Checks a pipeline document: returns all its mistakes at once, or the pipeline that it describes."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from cadence.domain.pipelines.document.assembling import assemble
from cadence.domain.pipelines.document.connections.bindings import check_bindings
from cadence.domain.pipelines.document.connections.connecting import check_connections
from cadence.domain.pipelines.document.connections.joined import check_joined_files
from cadence.domain.pipelines.document.connections.pairing import check_pairs
from cadence.domain.pipelines.document.draft import mapping
from cadence.domain.pipelines.document.findings import (
    MAX_FINDINGS,
    Code,
    DocumentProblem,
    EnoughProblems,
    Finding,
    Problems,
    Severity,
    pointer,
)
from cadence.domain.pipelines.document.libraries import Libraries
from cadence.domain.pipelines.document.pipeline import Pipeline
from cadence.domain.pipelines.document.project_checks import (
    Context,
    check_environments,
    check_pools,
    check_source,
)
from cadence.domain.pipelines.document.project_secrets import NamedSecret, check_registries, check_secrets
from cadence.domain.pipelines.document.syntax.amounts import check_amount
from cadence.domain.pipelines.document.syntax.reading import read_draft
from cadence.domain.pipelines.document.syntax.schema import check_counts, check_shape
from cadence.domain.pipelines.document.syntax.source import (
    EnoughMisreadings,
    Misreading,
    SourcePositions,
    UnreadableDocument,
    decode,
)
from cadence.domain.pipelines.document.syntax.text import Media, guess, read
from cadence.domain.pipelines.document.syntax.torn_types import without_torn_types
from cadence.domain.pipelines.document.treatments.concurrent import check_concurrent
from cadence.domain.pipelines.document.treatments.containers import check_containers
from cadence.domain.pipelines.document.treatments.environment import check_environment
from cadence.domain.pipelines.document.treatments.expressions import check_expressions
from cadence.domain.pipelines.document.treatments.generated import check_generated, check_generating
from cadence.domain.pipelines.document.treatments.matrices import check_matrices
from cadence.domain.pipelines.document.treatments.parameters import read_parameters
from cadence.domain.pipelines.document.treatments.programs import ProgramChecks
from cadence.domain.pipelines.document.treatments.residency import check_residency
from cadence.domain.pipelines.document.treatments.sizes import check_sizes
from cadence.domain.pipelines.document.treatments.steps import check_steps
from cadence.domain.pipelines.document.treatments.triggering import check_triggers

_SEPARATORS = ",:\n"
_MANY = 50_000
"""The number of separators from which on places are kept at the first reading: reading twice would take too long."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check; `pipeline` is `None` if any finding is an error. Findings are in order of position.

    `secrets` are what the names of secrets mean for the treatments, if the project's secrets are known.
    """

    pipeline: Pipeline | None
    findings: tuple[Finding, ...]
    secrets: tuple[NamedSecret, ...] = ()


def validate(source: bytes | str, media: Media | None = None, context: Context | None = None) -> Checked:
    """Checks a document. Never raises for its content.

    Without `media`, a text that begins with { or [ is taken for JSON, and any other for YAML.
    """
    with _collector_paused():
        return _validate(source, media, context or Context())


def _validate(source: bytes | str, media: Media | None, context: Context) -> Checked:
    try:
        text = decode(source)
        kind = media or guess(text)
        reading = read(text, kind, keep_places=sum(map(text.count, _SEPARATORS)) > _MANY)
    except UnreadableDocument as error:
        return Checked(None, (_misread(error.problem),))
    except EnoughMisreadings as error:
        return Checked(None, _bounded([_misread(misreading) for misreading in error.misreadings]))
    problems, pipeline = Problems(), None
    secrets: list[NamedSecret] = []
    with suppress(EnoughProblems):
        # Most documents have no expressions, and looking for them everywhere takes as long as the other checks.
        expressive = "${{" in text or "when" in text or bool(context.libraries)
        readable = not reading.misreadings
        pipeline = _check(reading.data, context, problems, secrets, readable=readable, expressive=expressive)
    if not problems and not reading.misreadings:
        return Checked(pipeline, (), tuple(secrets))
    places = reading.places or read(text, kind, keep_places=True).places
    findings = [*map(_misread, reading.misreadings), *(_located(problem, places) for problem in problems)]
    findings.sort(key=lambda finding: (finding.file or "", finding.line, finding.column, finding.code))
    return Checked(pipeline, _bounded(without_torn_types(findings)), tuple(secrets))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pauses the garbage collector: the objects of a document are kept to the end and hold no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _check(
    data: Any,
    context: Context,
    problems: Problems,
    secrets: list[NamedSecret],
    *,
    readable: bool,
    expressive: bool,
) -> Pipeline | None:
    problems.add_all(check_counts(data))
    too_large = bool(problems)
    for problem in () if too_large else check_shape(data):
        problems.add(problem)
        too_large = too_large or problem.too_large
    if too_large:
        return None
    document = mapping(data)
    parameters = read_parameters(document, problems)
    draft = read_draft(
        document, Libraries(context.libraries, context.path), ProgramChecks(context.programs, problems), problems
    )
    if expressive and (too_much := check_amount(document, draft)) is not None:
        problems.add(too_much)
        return None
    check_bindings(draft, problems)
    problems.add_all(check_triggers(document, parameters, draft))
    problems.add_all(check_generating(draft))
    connections = check_connections(draft, problems)
    check_environment(draft, problems)
    problems.add_all(check_steps(draft))
    if expressive:
        check_expressions(document, draft, parameters, problems)
    combinations = check_matrices(draft, problems)
    check_residency(draft, connections, problems)
    check_pairs(draft, connections, combinations, problems)
    problems.add_all(check_joined_files(draft, connections))
    check_containers(draft, problems)
    check_concurrent(draft, connections, combinations, context, problems)
    problems.add_all(check_sizes(draft))
    secrets += check_secrets(draft, context, problems)
    secrets += check_registries(document, context, problems)
    check_pools(draft, context, problems)
    check_environments(draft, context, problems)
    check_source(draft, context, problems)
    if context.is_generated:
        problems.add_all(check_generated(draft))
    if not readable or any(problem.severity is Severity.ERROR for problem in problems):
        return None
    return assemble(document, draft, connections, parameters, expressive=expressive)


def _misread(misreading: Misreading) -> Finding:
    line, column = misreading.position
    return Finding(
        code=misreading.code,
        severity=Severity.ERROR,
        message=misreading.message,
        pointer=pointer(misreading.path),
        line=line,
        column=column,
        hint=misreading.hint,
    )


def _located(problem: DocumentProblem, places: SourcePositions | None) -> Finding:
    other = problem.place
    if other is not None:
        line, column = other.line, other.column
    else:
        line, column = places.find(problem) if places else (1, 1)
    return Finding(
        code=problem.code,
        severity=problem.severity,
        message=problem.message,
        pointer=pointer(problem.path),
        line=line,
        column=column,
        hint=problem.hint,
        file=other.file if other else None,
    )


def _bounded(findings: list[Finding]) -> tuple[Finding, ...]:
    if len(findings) <= MAX_FINDINGS:
        return tuple(findings)
    last = findings[MAX_FINDINGS - 1]
    more = Finding(
        code=Code.TOO_MANY_FINDINGS,
        severity=Severity.ERROR,
        message=f"There are more findings than the {MAX_FINDINGS:,} shown.",
        pointer="",
        line=last.line,
        column=last.column,
        hint="Fix these first.",
    )
    return (*findings[:MAX_FINDINGS], more)
