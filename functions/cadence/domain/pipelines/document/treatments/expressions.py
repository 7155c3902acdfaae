"""Checks the expressions in a document: their syntax, their places, and the names that they use."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.domain.pipelines.document.connections.types import Flow, Scalar
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Problems, Severity
from cadence.domain.pipelines.document.pipeline import BUILTIN_OUTPUTS
from cadence.domain.pipelines.document.templates import is_place, is_script, texts_with_expressions
from cadence.domain.pipelines.document.treatments.matrix import axes
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.pipelines.expression import ExpressionError, NameUse, Template, read_template
from cadence.domain.shared.display import shown

RUN_FIELDS = frozenset({"id", "pipeline", "project"})
EVENT_FIELDS = (
    frozenset({"kind", "author", "branch", "commit", "ref", "repository", "repository_url", "sender"})
    | {"before", "changed_files", "message", "paths_from", "tag"}
    | {"base_branch", "base_commit", "base_ref", "base_repository", "base_repository_url", "fork", "number", "title"}
    | {"label", "labels", "merge_commit", "merged", "name", "page", "prerelease"}
    | {"cron", "scheduled_at", "timezone"}
    | {"outputs", "pipeline", "run_id", "state", "treatment"}
    | {"data", "id", "source", "subject", "time", "type", "webhook"}
)
"""The fields of all events; which of them an event has depends on its kind."""
_ELSEWHERE: dict[str, tuple[str, str | None]] = {
    "parameters": ("There are no parameters here.", "Only event can be named."),
    "run": ("There is no run yet here.", "Only event can be named."),
    "matrix": (
        "There is no matrix here.",
        "matrix can be named in a treatment that has one, outside of the matrix itself.",
    ),
    "treatments": (
        "The state and the outputs of a treatment can only be named in the `when` of a treatment.",
        "Connect the output to an input, and read that in the script.",
    ),
}
"""Message and hint for names that exist, but not at this place."""
_ENV_HINT = "Set a variable in env to the expression, and use that in the script."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionScope:
    """The names that expressions at a place may use.

    `None`: there are no such names at this place; for `parameters`: they are not known.
    """

    parameters: Collection[str] | None
    event: bool = True
    run: bool = True
    axes: Collection[str] | None = None
    treatments: Mapping[str, DraftTreatment] | None = None
    itself: str = ""
    of_definition: bool = False
    """Whether the place is in a definition, whose matrix and treatments are those of its users."""


def check_expressions(data: Mapping[str, Any], draft: Draft, parameters: Collection[str], problems: Problems) -> None:
    """Adds a problem for each mistake in an expression of the document."""
    for treatment in draft.bodies():
        names = ExpressionScope(parameters=parameters, of_definition=treatment.section == "definitions")
        for problem in _of_treatment(treatment, names, draft.treatments, problems):
            problems.add(
                treatment.problem(problem.code, problem.message, problem.path, problem.hint, severity=problem.severity)
            )
    names = ExpressionScope(parameters=parameters)
    problems.add_all(_of_defaults(draft.defaults, names, problems))
    problems.add_all(_of_document(data, names, problems))


def treatments_named(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the treatments whose states or outputs a body's `when` names, each once."""
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
    treatment: DraftTreatment, names: ExpressionScope, treatments: Mapping[str, DraftTreatment], problems: Problems
) -> Iterator[DocumentProblem]:
    """Yields the problems of a treatment's body, each with the path within the body."""
    body = treatment.body
    when = body.get("when")
    if isinstance(when, str):
        yield from _condition_form(when, ("when",))
    for index, step in enumerate(body["steps"] if isinstance(body.get("steps"), list) else ()):
        if isinstance(condition := mapping(step).get("when"), str):
            yield from _condition_form(condition, ("steps", index, "when"))
    body_names = replace(names, axes=known_axes(body.get("matrix")))
    for key, value in body.items():
        for path, text in texts_with_expressions(value, (key,)):
            if is_script(path):
                yield from _in_script(text, path)
            elif not is_place(path):
                yield from _not_allowed(text, path)
            elif key == "matrix":
                yield from _checked(text, path, names, problems)
            elif key == "when":
                yield from _checked(
                    text, path, replace(body_names, treatments=treatments, itself=treatment.name), problems
                )
            else:
                yield from _checked(text, path, body_names, problems)


def known_axes(matrix: Any) -> Collection[str] | None:
    """Returns the names after `matrix.`: the axes, and the names that `include` adds; `None` without a matrix."""
    if not isinstance(matrix, dict):
        return None
    include = matrix.get("include")
    added = [name for entry in (include if isinstance(include, list) else []) for name in mapping(entry)]
    return tuple(dict.fromkeys([*axes(matrix), *added]))


def _of_defaults(defaults: Mapping[str, Any], names: ExpressionScope, problems: Problems) -> Iterator[DocumentProblem]:
    for path, text in texts_with_expressions(dict(defaults)):
        if is_place(path):
            yield from _checked(text, ("defaults", *path), names, problems)
        else:
            yield from _not_allowed(text, ("defaults", *path))


def _of_document(data: Mapping[str, Any], names: ExpressionScope, problems: Problems) -> Iterator[DocumentProblem]:
    concurrency = data.get("concurrency")
    for path, text in texts_with_expressions(concurrency, ("concurrency",)):
        if path in (("concurrency",), ("concurrency", "group")):
            yield from _checked(text, path, names, problems)
    for path, text in texts_with_expressions(data.get("on"), ("on",)):
        if path[:2] in (("on", "pipeline"), ("on", "webhook")) and path[3:4] == ("parameters",):
            yield from _checked(text, path, ExpressionScope(parameters=None, run=False), problems)
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
        message = "A script cannot hold expressions: their values could add commands to it."
        yield DocumentProblem(
            code=Code.EXPRESSION_IN_SCRIPT, message=message, path=path, hint=f"{_ENV_HINT} $${{{{ stands for ${{{{."
        )


def _not_allowed(text: str, path: Path) -> Iterator[DocumentProblem]:
    if "${{" in text.replace("$${{", ""):
        message = f"There can be no expression here: {shown(text)}."
        hint = "docs/pipelines.md lists the places of expressions."
        yield DocumentProblem(code=Code.EXPRESSION_NOT_ALLOWED, message=message, path=path, hint=hint)


def _checked(text: str, path: Path, names: ExpressionScope, problems: Problems) -> Iterator[DocumentProblem]:
    try:
        template = read_template(text)
    except ExpressionError as error:
        code = Code.UNKNOWN_NAME if error.unknown else Code.BAD_EXPRESSION
        yield DocumentProblem(code=code, message=error.message, path=path, hint=error.hint)
        return
    yield from _unknown_names(template, path, names, problems)


def _unknown_names(
    template: Template, path: Path, names: ExpressionScope, problems: Problems
) -> Iterator[DocumentProblem]:
    for use in dict.fromkeys(use for expression in template.expressions for use in expression.names):
        mistake = _name_mistake(use, names, problems)
        if mistake is not None:
            message, hint = mistake
            certain = use.path[0] != "event" or not names.event
            severity = Severity.ERROR if certain else Severity.WARNING
            yield DocumentProblem(code=Code.UNKNOWN_NAME, message=message, path=path, hint=hint, severity=severity)


def _name_mistake(use: NameUse, names: ExpressionScope, problems: Problems) -> tuple[str, str | None] | None:
    """Returns the message and the hint for a name that cannot be used; None if it can."""
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
        return _treatment_mistake(use, names, names.treatments, problems)
    if known.get(root) is None:
        return _ELSEWHERE.get(root) or (f"There is no name {shown(root)}.", suggestion(root, known, problems))
    members = known[root]
    if rest and members is not None and rest[0] not in members:
        kinds = {"parameters": "parameter", "matrix": "axis", "event": "field of events", "run": "field of run"}
        return f"There is no {kinds[root]} {shown(rest[0])}.", suggestion(rest[0], members, problems)
    return None


def _treatment_mistake(
    use: NameUse, names: ExpressionScope, known: Mapping[str, DraftTreatment], problems: Problems
) -> tuple[str, str | None] | None:
    match use.path:
        case (_, str(name), "state") | (_, str(name), "outputs", _, *_):
            if name == names.itself:
                return f"A treatment cannot wait for its own {'state' if len(use.path) == 3 else 'outputs'}.", None
            if name not in known:
                return f"There is no treatment {shown(name)}.", suggestion(name, known, problems)
            return _output_mistake(known[name], use.path[3], problems) if len(use.path) > 3 else None
        case (_, str(name), *_):
            dashed = [
                treatment for treatment in known if treatment.replace("-", "_").startswith(name) and "-" in treatment
            ]
            owner = f"treatments[{(dashed[0] if dashed else name)!r}]"
            return f"{shown(str(use))} is no state and no output.", f"Write {owner}.state or {owner}.outputs.name."
        case _:
            return (
                "Only the state and the outputs of a treatment can be named.",
                "Write treatments.name.state or treatments.name.outputs.name.",
            )


def _output_mistake(treatment: DraftTreatment, port: str, problems: Problems) -> tuple[str, str | None] | None:
    """Returns what is wrong with an output in a condition; None if the condition can read its value."""
    if treatment.outputs is None and port not in BUILTIN_OUTPUTS:
        return None
    outputs = {**(treatment.outputs or {}), **BUILTIN_OUTPUTS}
    if port not in outputs:
        hint = suggestion(port, treatment.outputs or {}, problems)
        return f"Treatment {shown(treatment.name)} has no output {shown(port)}.", hint
    declared = outputs[port]
    if declared is None:
        return None
    if declared.type is Scalar.VOID:
        return f"The output {treatment.name}.{port} has no value.", f"Compare treatments[{treatment.name!r}].state."
    if declared.flow is Flow.STREAM:
        return (
            f"{treatment.name}.{port} is a stream, and a condition reads blocks only.",
            "Write the value that decides to an output of its own, such as Block<bool>.",
        )
    return None
