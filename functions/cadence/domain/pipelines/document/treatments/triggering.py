"""Checks `on`: the cron expressions of schedules, and the parameters that triggers give."""

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cadence.domain.pipelines.document.draft import Draft, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Severity
from cadence.domain.pipelines.document.pipeline import Parameter
from cadence.domain.pipelines.document.project_secrets import secrets_of
from cadence.domain.pipelines.document.syntax.literals import mismatch
from cadence.domain.pipelines.document.syntax.source import UnreadableDocument, decode
from cadence.domain.pipelines.document.syntax.text import guess, read
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown
from cadence.domain.triggers.cron import OFTEN_MINUTES, BadCron, NeverFires, read_cron
from cadence.domain.triggers.triggers import NO_TRIGGERS, Triggers, from_json

_EXPRESSION = "${{"


def check_triggers(
    data: Mapping[str, Any], parameters: Mapping[str, Parameter], draft: Draft
) -> Iterator[DocumentProblem]:
    """Yields the problems of the document's triggers. `parameters` are the document's valid ones."""
    on = mapping(data.get("on"))
    for index, entry in _entries(on, "schedule"):
        path: Path = ("on", "schedule", index)
        yield from _check_schedule(entry, path)
        yield from _check_parameters(mapping(entry.get("parameters")), parameters, path, expressions=False)
    for kind in ("pipeline", "webhook"):
        for index, entry in _entries(on, kind):
            given = mapping(entry.get("parameters"))
            yield from _check_parameters(given, parameters, ("on", kind, index), expressions=True)
    if "pull_request" in on:
        yield from _check_secrets(draft)
        yield from _check_documents(draft)
    yield from _check_own_name(data, draft)


def _entries(on: Mapping[str, Any], kind: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    entries = on.get(kind)
    if isinstance(entries, list):
        yield from ((index, mapping(entry)) for index, entry in enumerate(entries))


def _check_schedule(entry: Mapping[str, Any], path: Path) -> Iterator[DocumentProblem]:
    cron, timezone = entry.get("cron"), entry.get("timezone", "UTC")
    if isinstance(cron, str):
        try:
            often = read_cron(cron).often
        except NeverFires:
            message = f"{shown(cron)} never comes: there is no such day."
            yield DocumentProblem(code=Code.SCHEDULE_NEVER_FIRES, message=message, path=(*path, "cron"))
        except BadCron as error:
            message = f"{shown(cron)} is no cron expression: {error}."
            yield DocumentProblem(
                code=Code.BAD_CRON,
                message=message,
                path=(*path, "cron"),
                hint='Write five fields, such as "30 3 * * MON-FRI".',
            )
        else:
            if often:
                message = f"{shown(cron)} starts a run more often than every {OFTEN_MINUTES} minutes."
                yield DocumentProblem(
                    code=Code.SCHEDULE_OFTEN, message=message, path=(*path, "cron"), severity=Severity.WARNING
                )
    if isinstance(timezone, str) and not _is_zone(timezone):
        message = f"There is no time zone {shown(timezone)}."
        hint = "Use a name of the IANA database, such as Europe/Paris."
        yield DocumentProblem(code=Code.UNKNOWN_TIMEZONE, message=message, path=(*path, "timezone"), hint=hint)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _check_parameters(
    given: Mapping[str, Any], parameters: Mapping[str, Parameter], path: Path, *, expressions: bool
) -> Iterator[DocumentProblem]:
    for name, value in given.items():
        place: Path = (*path, "parameters", name)
        parameter = parameters.get(name)
        if parameter is None:
            message = f"The pipeline has no parameter {shown(name)}."
            yield DocumentProblem(
                code=Code.UNKNOWN_PARAMETER, message=message, path=place, hint=suggestion(name, parameters), at_key=True
            )
        elif not (expressions and isinstance(value, str) and _EXPRESSION in value):
            reason = mismatch(value, parameter.type)
            if reason is not None:
                message = f"The parameter {shown(name)}: {reason}."
                yield DocumentProblem(
                    code=Code.BAD_PARAMETER, message=message, path=place, hint=f"Its type is {parameter.type}."
                )
    for name, parameter in parameters.items():
        if parameter.required and name not in given:
            message = f"The parameter {shown(name)} has to be given here: a run that this starts has no other source."
            yield DocumentProblem(
                code=Code.MISSING_PARAMETER, message=message, path=path, hint=f"Its type is {parameter.type}."
            )


def _check_secrets(draft: Draft) -> Iterator[DocumentProblem]:
    for treatment in draft.treatments.values():
        if secrets_of(treatment.body) or treatment.body.get("id_token"):
            yield DocumentProblem(
                code=Code.SECRETS_IN_PULL_REQUEST,
                message=f"Treatment {shown(treatment.name)} has secrets, so pull requests from forks skip it.",
                path=(
                    *treatment.path,
                    next(key for key in ("secrets", "melodium", "id_token") if treatment.body.get(key)),
                ),
                hint="Leave to other treatments what such pull requests are to run.",
                at_key=True,
                severity=Severity.WARNING,
            )


def _check_documents(draft: Draft) -> Iterator[DocumentProblem]:
    for treatment in draft.treatments.values():
        if "document" in mapping(treatment.body.get("trigger")):
            yield DocumentProblem(
                code=Code.GENERATED_IN_PULL_REQUEST,
                message=f"Treatment {shown(treatment.name)} runs a document that another one sends, so pull requests "
                "from forks skip it.",
                path=(*treatment.path, "trigger", "document"),
                hint="Leave to other treatments what such pull requests are to run.",
                at_key=True,
                severity=Severity.WARNING,
            )


def _check_own_name(data: Mapping[str, Any], draft: Draft) -> Iterator[DocumentProblem]:
    """Yields a problem for each trigger with which a pipeline would start itself without end."""
    name = data.get("name")
    started: list[tuple[Any, Path]] = [
        (mapping(treatment.body.get("trigger")).get("pipeline"), (*treatment.path, "trigger", "pipeline"))
        for treatment in draft.treatments.values()
        if "trigger" in treatment.body
    ]
    started += [
        (entry.get("name"), ("on", "pipeline", index, "name"))
        for index, entry in _entries(mapping(data.get("on")), "pipeline")
    ]
    for pipeline, path in started:
        if isinstance(name, str) and pipeline == name:
            message = f"The pipeline {shown(name)} would start itself, without end."
            yield DocumentProblem(code=Code.TRIGGERS_ITSELF, message=message, path=path, hint="Name another pipeline.")


def triggers_of(source: bytes | str) -> Triggers:
    """Returns the triggers of a valid document; none for a document that cannot be read."""
    try:
        text = decode(source)
        return from_json(mapping(mapping(read(text, guess(text)).data).get("on")))
    except UnreadableDocument:
        return NO_TRIGGERS
