"""Checks of the expressions in a document: that they can be read, stand where they may, and name what is there."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Problems, Severity
from cadence.domain.pipelines.document.templates import SCRIPTS, is_place, texts_with_expressions
from cadence.domain.pipelines.document.treatments.matrix import axes
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.pipelines.expression import ExpressionError, NameUse, Template, read_template
from cadence.domain.shared.display import shown

RUN_FIELDS = frozenset({"id", "pipeline", "project"})
EVENT_FIELDS = (
    frozenset({"kind", "author", "branch", "commit", "ref", "repository", "repository_url", "sender"})
    | {"before", "message", "paths_from", "tag"}
    | {"base_branch", "base_commit", "base_ref", "base_repository", "base_repository_url", "fork", "number", "title"}
    | {"cron", "scheduled_at", "timezone"}
    | {"outputs", "pipeline", "run_id", "state", "treatment"}
)
"""What events may tell; which of it an event has depends on its kind."""
_ELSEWHERE: dict[str, tuple[str, str | None]] = {
    "parameters": ("There are no parameters here.", "Only event can be named."),
    "run": ("There is no run yet here.", "Only event can be named."),
    "matrix": (
        "There is no matrix here.",
        "matrix can be named in a treatment that has one, outside of the matrix itself.",
    ),
    "treatments": ("The state of a treatment can only be named in `when`.", None),
}
"""What to say of names that there are, but not at this place."""
_ENV_HINT = "Set a variable in env to the expression, and use that in the script."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionScope:
    """What expressions at a place may name. `None`: no such names there; parameters of `None` cannot be known."""

    parameters: Collection[str] | None
    event: bool = True
    run: bool = True
    axes: Collection[str] | None = None
    treatments: Collection[str] | None = None
    itself: str = ""
    of_definition: bool = False
    """Its matrix, and the treatments beside it, are those of whoever uses it."""


def check_expressions(data: Mapping[str, Any], draft: Draft, parameters: Collection[str], problems: Problems) -> None:
    """Adds what is wrong with any expression of the document to `problems`."""
    for treatment in draft.bodies():
        names = ExpressionScope(parameters=parameters, of_definition=treatment.section == "definitions")
        for found in _of_treatment(treatment, names, draft.treatments, problems):
            problems.add(treatment.problem(found.code, found.message, found.path, found.hint, severity=found.severity))
    names = ExpressionScope(parameters=parameters)
    problems.add_all(_of_defaults(draft.defaults, names, problems))
    problems.add_all(_of_document(data, names, problems))


def states_named(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The treatments whose states a body's `when` names, each once."""
    when = body.get("when")
    if not isinstance(when, str) or "treatments" not in when:
        return ()
    try:
        template = read_template(when)
    except ExpressionError:
        return ()
    uses = [use for expression in template.expressions for use in expression.names]
    return tuple(dict.fromkeys(use.path[1] for use in uses if use.path[0] == "treatments" and len(use.path) > 1))


def _of_treatment(
    treatment: DraftTreatment, names: ExpressionScope, treatments: Collection[str], told: Problems
) -> Iterator[DocumentProblem]:
    """The problems of its body, each with the path within it."""
    body = treatment.body
    when = body.get("when")
    if isinstance(when, str):
        yield from _condition_form(when, ("when",))
    inside = replace(names, axes=known_axes(body.get("matrix")))
    for key, value in body.items():
        for path, text in texts_with_expressions(value, (key,)):
            if key in SCRIPTS:
                yield from _in_script(text, path)
            elif not is_place(path):
                yield from _not_allowed(text, path)
            elif key == "matrix":
                yield from _checked(text, path, names, told)
            elif key == "when":
                yield from _checked(text, path, replace(inside, treatments=treatments, itself=treatment.name), told)
            else:
                yield from _checked(text, path, inside, told)


def known_axes(matrix: Any) -> Collection[str] | None:
    """What `matrix.` can name: the axes and what `include` adds; `None` without a matrix."""
    if not isinstance(matrix, dict):
        return None
    include = matrix.get("include")
    added = [name for entry in (include if isinstance(include, list) else []) for name in mapping(entry)]
    return tuple(dict.fromkeys([*axes(matrix), *added]))


def _of_defaults(defaults: Mapping[str, Any], names: ExpressionScope, told: Problems) -> Iterator[DocumentProblem]:
    for path, text in texts_with_expressions(dict(defaults)):
        if is_place(path):
            yield from _checked(text, ("defaults", *path), names, told)
        else:
            yield from _not_allowed(text, ("defaults", *path))


def _of_document(data: Mapping[str, Any], names: ExpressionScope, told: Problems) -> Iterator[DocumentProblem]:
    concurrency = data.get("concurrency")
    for path, text in texts_with_expressions(concurrency, ("concurrency",)):
        if path in (("concurrency",), ("concurrency", "group")):
            yield from _checked(text, path, names, told)
    for path, text in texts_with_expressions(data.get("on"), ("on",)):
        if path[:2] == ("on", "pipeline") and path[3:4] == ("parameters",):
            yield from _checked(text, path, ExpressionScope(parameters=None, run=False), told)
        else:
            yield from _not_allowed(text, path)
    for name, parameter in mapping(data.get("parameters")).items():
        for path, text in texts_with_expressions(mapping(parameter).get("default")):
            yield from _not_allowed(text, ("parameters", name, "default", *path))


def _condition_form(when: str, path: Path) -> Iterator[DocumentProblem]:
    try:
        alone = "${{" in when and read_template(when).whole is not None
    except ExpressionError:
        return
    if not alone:
        hint = "Write ${{ … }} around all of it."
        yield DocumentProblem(
            code=Code.BAD_EXPRESSION, message="A condition is one expression and nothing else.", path=path, hint=hint
        )


def _in_script(text: str, path: Path) -> Iterator[DocumentProblem]:
    if "${{" in text.replace("$${{", ""):
        message = "A script cannot hold expressions: whoever chose a value could add commands to it."
        yield DocumentProblem(
            code=Code.EXPRESSION_IN_SCRIPT, message=message, path=path, hint=f"{_ENV_HINT} $${{{{ stands for ${{{{."
        )


def _not_allowed(text: str, path: Path) -> Iterator[DocumentProblem]:
    if "${{" in text.replace("$${{", ""):
        message = f"There can be no expression here: {shown(text)}."
        hint = "docs/pipelines.md tells where there can be one."
        yield DocumentProblem(code=Code.EXPRESSION_NOT_ALLOWED, message=message, path=path, hint=hint)


def _checked(text: str, path: Path, names: ExpressionScope, told: Problems) -> Iterator[DocumentProblem]:
    try:
        template = read_template(text)
    except ExpressionError as error:
        code = Code.UNKNOWN_NAME if error.unknown else Code.BAD_EXPRESSION
        yield DocumentProblem(code=code, message=error.message, path=path, hint=error.hint)
        return
    yield from _unknown_names(template, path, names, told)


def _unknown_names(template: Template, path: Path, names: ExpressionScope, told: Problems) -> Iterator[DocumentProblem]:
    for use in dict.fromkeys(use for expression in template.expressions for use in expression.names):
        wrong = _wrong(use, names, told)
        if wrong is not None:
            message, hint = wrong
            sure = use.path[0] != "event" or not names.event
            severity = Severity.ERROR if sure else Severity.WARNING
            yield DocumentProblem(code=Code.UNKNOWN_NAME, message=message, path=path, hint=hint, severity=severity)


def _wrong(use: NameUse, names: ExpressionScope, told: Problems) -> tuple[str, str | None] | None:
    """What is wrong with a name, and what to do."""
    root, *rest = use.path
    if names.of_definition and root in ("matrix", "treatments"):
        return None
    known: dict[str, Collection[str] | None] = {"parameters": names.parameters}
    if names.event:
        known["event"] = EVENT_FIELDS
    if names.run:
        known["run"] = RUN_FIELDS
    if names.axes is not None:
        known["matrix"] = names.axes
    if root == "treatments" and names.treatments is not None:
        return _wrong_state(use, names, told)
    if known.get(root) is None:
        return _ELSEWHERE.get(root) or (f"There is no name {shown(root)}.", suggestion(root, known, told))
    members = known[root]
    if rest and members is not None and rest[0] not in members:
        kinds = {"parameters": "parameter", "matrix": "axis", "event": "field of events", "run": "field of run"}
        return f"There is no {kinds[root]} {shown(rest[0])}.", suggestion(rest[0], members, told)
    return None


def _wrong_state(use: NameUse, names: ExpressionScope, told: Problems) -> tuple[str, str | None] | None:
    known = names.treatments or ()
    match use.path:
        case (_, str(name), "state"):
            if name == names.itself:
                return "A treatment cannot wait for its own state.", None
            if name not in known:
                return f"There is no treatment {shown(name)}.", suggestion(name, known, told)
            return None
        case (_, str(name), *_):
            dashed = [one for one in known if one.replace("-", "_").startswith(name) and "-" in one]
            example = dashed[0] if dashed else name
            return f"{shown(str(use))} is no state.", f"Write treatments['{example}'].state."
        case _:
            return "Only the state of a treatment can be named.", "Write treatments.name.state."
