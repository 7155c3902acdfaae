"""The check of a pipeline document: everything that is wrong with it at once, or the pipeline it describes."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cadence.domain.document.assembling import assemble
from cadence.domain.document.bindings import check_bindings
from cadence.domain.document.connecting import check_connections
from cadence.domain.document.draft import mapping
from cadence.domain.document.environment import check_environment
from cadence.domain.document.findings import (
    MAX_FINDINGS,
    Code,
    EnoughProblems,
    Finding,
    Path,
    Problem,
    Problems,
    Severity,
    pointer,
)
from cadence.domain.document.libraries import Libraries
from cadence.domain.document.offering import Context, check_pools, check_secrets
from cadence.domain.document.parameters import read_parameters
from cadence.domain.document.pipeline import Pipeline
from cadence.domain.document.reading import read_draft
from cadence.domain.document.schema import check_shape
from cadence.domain.document.sizes import check_sizes
from cadence.domain.document.source import Misreading, Places, Unreadable, decode
from cadence.domain.document.text import Media, guess, read


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check; `pipeline` is `None` if any finding is an error. Findings are in order of position."""

    pipeline: Pipeline | None
    findings: tuple[Finding, ...]


def validate(source: bytes | str, media: Media | None = None, context: Context | None = None) -> Checked:
    """Checks a document, never raising for what is in it.

    Without `media`, a text that begins with { or [ is taken for JSON, and any other for YAML.
    """
    try:
        text = decode(source)
        kind = media or guess(text)
        reading = read(text, kind)
    except Unreadable as error:
        return Checked(None, (_misread(error.problem),))
    problems, pipeline = Problems(), None
    with suppress(EnoughProblems):
        if "${{" in text:
            problems.add_all(_expressions(reading.data))
        pipeline = _check(reading.data, context or Context(), problems, readable=not reading.misreadings)
    if not problems and not reading.misreadings:
        return Checked(pipeline, ())
    places = read(text, kind, keep_places=True).places
    findings = [*map(_misread, reading.misreadings), *(_located(problem, places) for problem in problems)]
    findings.sort(key=lambda finding: (finding.line, finding.column, finding.code))
    return Checked(pipeline, _bounded(findings))


def _check(data: Any, context: Context, problems: Problems, *, readable: bool) -> Pipeline | None:
    problems.add_all(check_shape(data))
    document = mapping(data)
    problems.add_all(_inactive_triggers(document))
    parameters = read_parameters(document, problems)
    draft = read_draft(document, Libraries(context.libraries), problems)
    check_bindings(draft, problems)
    connections = check_connections(draft, problems)
    check_environment(draft, problems)
    problems.add_all(check_sizes(draft))
    check_secrets(draft, context, problems)
    check_pools(draft, context, problems)
    if not readable or any(problem.severity is Severity.ERROR for problem in problems):
        return None
    return assemble(document, draft, connections, parameters)


def _expressions(value: Any, path: Path = ()) -> Iterator[Problem]:
    """`${{ … }}` would otherwise reach the shell as it stands."""
    if isinstance(value, str):
        if "${{" in value:
            yield Problem(
                Code.NOT_SUPPORTED_YET,
                "Expressions (${{ … }}) are not supported yet.",
                path,
                "In scripts, use environment variables such as $CADENCE_PARAM_name.",
            )
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _expressions(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _expressions(member, (*path, index))


def _inactive_triggers(document: Any) -> Iterator[Problem]:
    for event in ("pull_request", "schedule"):
        if event in mapping(document.get("on")):
            yield Problem(
                Code.TRIGGER_NOT_ACTIVE,
                f"{event} is checked, but starts no runs yet.",
                ("on", event),
                at_key=True,
                severity=Severity.WARNING,
            )


def _misread(misreading: Misreading) -> Finding:
    line, column = misreading.position
    return Finding(
        misreading.code, Severity.ERROR, misreading.message, pointer(misreading.path), line, column, misreading.hint
    )


def _located(problem: Problem, places: Places | None) -> Finding:
    line, column = places.find(problem) if places else (1, 1)
    return Finding(problem.code, problem.severity, problem.message, pointer(problem.path), line, column, problem.hint)


def _bounded(findings: list[Finding]) -> tuple[Finding, ...]:
    if len(findings) <= MAX_FINDINGS:
        return tuple(findings)
    last = findings[MAX_FINDINGS - 1]
    more = Finding(
        Code.TOO_MANY_FINDINGS,
        Severity.ERROR,
        f"There are more findings than the {MAX_FINDINGS:,} shown.",
        "",
        last.line,
        last.column,
        "Fix these first.",
    )
    return (*findings[:MAX_FINDINGS], more)
