"""Translates expressions of GitHub Actions into those of Cadence (CEL), as far as they have counterparts."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.importing.github.event_members import ACTIONS, EVENT_KINDS, GITHUB, LABELS, TRUTHS, of_payload
from cadence.importing.github.expressions import (
    Binary,
    Expression,
    FunctionCall,
    GitHubExpressionError,
    Index,
    LiteralValue,
    MemberAccess,
    Negation,
    parse,
)
from cadence.importing.github.json_values import (
    falsy,
    is_number,
    json_compared,
    json_literal,
    member,
    output_compared,
)
from cadence.importing.github.templates import is_true, placed, split
from cadence.importing.shared.cel import FAILED, all_of, bare, output, state

_HAPPENED = '(has(event.type) ? event.type : "")'
_RUNNER = {"os": '"Linux"', "arch": '"X64"'}
_RESULTS = {"success": "succeeded", "failure": "failed", "cancelled": "cancelled", "skipped": "skipped"}
_LONGEST = 4_000
"""Characters of CEL, well above what a document may have: a value that stands twice in another doubles each time."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STATUS = frozenset({"success", "failure", "always", "cancelled"})


@dataclass(frozen=True, kw_only=True)
class TranslationScope:
    """The scope in which an expression is translated.

    `needs` maps jobs to treatments, `env` the variables that are known, `parameters` inputs to parameters, `axes` the
    matrix's axes to those of the document; those of `partial` only some combinations have. `states` is true in the `if`
    of a job, which may refer to the states of other treatments and to their `outputs` (ports by job and output).
    `dispatched` are the types of `repository_dispatch` that start the workflow.
    """

    needs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    job: str = ""
    states: bool = False
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dispatched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TranslatedCondition:
    """A job's `if`: the CEL text (`None` for always true), and whether the job waits for the end of its needs even if
    they fail.
    """

    cel: str | None
    settles: bool


def _either(parts: Iterable[str]) -> str:
    joined = " || ".join(parts)
    return f"({joined})" if "||" in joined else joined


def expression(text: str, scope: TranslationScope) -> str:
    """The CEL text of an expression's value. Raises `GitHubExpressionError`."""
    return bare(_Translator(scope).value(parse(text)))


def condition(text: str, scope: TranslationScope) -> TranslatedCondition:
    """The CEL text of a job's or step's `if`. Raises `GitHubExpressionError`."""
    inner = text.strip()
    if inner.startswith("${{") and inner.endswith("}}") and inner.count("${{") == 1:
        inner = inner[3:-2]
    elif "${{" in inner:
        inner = inner.replace("${{", "(").replace("}}", ")")
    parsed = parse(inner)
    settles = bool(_calls(parsed) & (_STATUS - {"success"}))
    translator = _Translator(scope, settles=settles)
    cel = bare(translator.truth(parsed))
    if settles and scope.needs and scope.states:
        settled = [f'{state(name)} != ""' for name in scope.needs.values() if state(name) not in cel]
        cel = all_of([*settled, *([] if cel == "true" else [cel])])
    return TranslatedCondition(None if cel == "true" else cel, settles)


def _calls(node: Expression) -> set[str]:
    match node:
        case FunctionCall(function, arguments):
            return {function}.union(*map(_calls, arguments))
        case Negation(operand):
            return _calls(operand)
        case Index(operand, key):
            return _calls(operand) | (_calls(key) if key else set())
        case Binary(_, left, right):
            return _calls(left) | _calls(right)
        case _:
            return set()


def _operands(node: Expression, operator: str) -> Iterator[Expression]:
    """The operands that an operator joins, also those within its left operand."""
    match node:
        case Binary(joining, left, right) if joining == operator:
            yield from _operands(left, operator)
            yield right
        case _:
            yield node


class _Translator:
    def __init__(self, scope: TranslationScope, *, settles: bool = False) -> None:
        self._scope, self._settles = scope, settles
        self._variables: dict[str, str] = {}
        """Variables of `env` in CEL: each is translated once, however many others refer to it."""
        self._open: set[str] = set()

    def value(self, node: Expression) -> str:
        """Returns the CEL text. Raises GitHubExpressionError without a counterpart, or if the text is far too long."""
        text = self._value(node)
        if len(text) > _LONGEST:
            raise GitHubExpressionError("its translation is too long")
        return text

    def _value(self, node: Expression) -> str:
        match node:
            case LiteralValue(value):
                return json.dumps(value, ensure_ascii=False)
            case MemberAccess():
                return self._access(node)
            case FunctionCall(function, arguments):
                return self._call(function, arguments)
            case Index():
                return member(node, self.value)
            case Negation(operand):
                inner = bare(self.truth(operand))
                if inner.startswith("!(") and bare(inner[1:]) != inner[1:]:
                    return inner[1:]
                return f"!({inner})" if " " in inner else f"!{inner}"
            case Binary():
                return self._binary(node)

    def _binary(self, node: Binary) -> str:
        match node:
            case Binary("&&" | "||") if self._is_truth(node):
                return self._joined(node)
            case Binary("||", Binary("&&", chosen, first), second):
                holds = self.truth(chosen) if is_true(first) else f"{self.truth(chosen)} && {self.truth(first)}"
                return f"({holds} ? {self.value(first)} : {self.value(second)})"
            case Binary("||", left, right):
                return f"({self.truth(left)} ? {self.value(left)} : {self.value(right)})"
            case Binary("&&", left, right):
                return f"({self.truth(left)} ? {self.value(right)} : {self.value(left)})"
            case Binary(operator, left, right):
                return self._comparison(operator, left, right)

    def _joined(self, node: Binary) -> str:
        """A conjunction or disjunction of truths, without those that decide nothing."""
        neutral, deciding = ("true", "false") if node.operator == "&&" else ("false", "true")
        parts = [part for part in map(self.truth, _operands(node, node.operator)) if part != neutral]
        if deciding in parts or len(parts) < 2:
            return deciding if deciding in parts else parts[0] if parts else neutral
        return f"({f' {node.operator} '.join(parts)})"

    def _comparison(self, operator: str, left: Expression, right: Expression) -> str:
        if isinstance(left, LiteralValue) and operator in ("==", "!="):
            left, right = right, left
        match left, right:
            case Index(), _ if operator in ("==", "!="):
                return json_compared(left, right, operator, self.value)
            case _, Index() if operator in ("==", "!="):
                return json_compared(right, left, operator, self.value)
            case _, LiteralValue(str() as text) if operator in ("==", "!="):
                return self._compared(left, operator, text)
            case MemberAccess(("needs", _, "outputs", _)), _:
                return output_compared(left, right, operator, self.value)
            case MemberAccess(("github", *_)), LiteralValue(int() as number) if not isinstance(number, bool):
                return f'{self.value(left)} {operator} "{number}"'  # numbers of the event are texts here
            case _:
                return f"{self.value(left)} {operator} {self.value(right)}"

    def truth(self, node: Expression) -> str:
        """The node as a boolean expression."""
        if self._is_truth(node):
            return self.value(node)
        match node:
            case LiteralValue(value):
                return json.dumps(bool(value))
            case Binary("&&" | "||"):
                return self._joined(node)
            case Index() | FunctionCall("fromjson", _):
                return f"!{falsy(self.value(node))}"
            case MemberAccess(("inputs", *_)) | MemberAccess(("github", "event", "inputs", *_)):
                return f'{self.value(node)} != ""'
            case MemberAccess(("matrix", str(axis), *rest)) if axis in self._scope.axes and None not in rest:
                value = self._of_matrix(axis, rest)
                there = f"has({self._of_matrix(axis, [])}) && " if axis in self._scope.partial else ""
                return f'({there}{value} != "" && {value} != false && {value} != 0 && {value} != null)'
            case _:
                return f'{self.value(node)} != ""'

    def _is_truth(self, node: Expression) -> bool:
        match node:
            case LiteralValue(bool()):
                return True
            case Negation() | Binary("==" | "!=" | "<" | "<=" | ">" | ">=", _, _):
                return True
            case Binary("&&" | "||", left, right):
                return self._is_truth(left) and self._is_truth(right)
            case FunctionCall(function, _):
                return function in _STATUS or function in ("contains", "startswith", "endswith")
            case MemberAccess(("inputs", str(name))) | MemberAccess(("github", "event", "inputs", str(name))):
                return name in self._scope.booleans
            case MemberAccess(("github", *rest)):
                return _named(rest) in TRUTHS
            case _:
                return False

    def _compared(self, node: Expression, operator: str, text: str) -> str:
        match node:
            case MemberAccess(("github", "event_name")):
                text = EVENT_KINDS.get(text, text)
            case MemberAccess(("github", "event", "workflow_run", "conclusion")) if text in _RESULTS:
                return f'(has(event.state) ? event.state : "") {operator} {json.dumps(_RESULTS[text])}'
            case MemberAccess(("github", "event", "action")) if text in ACTIONS or text in self._scope.dispatched:
                happened = text if text in self._scope.dispatched else ACTIONS[text]
                return f"{_HAPPENED} {operator} {json.dumps(happened, ensure_ascii=False)}"
            case MemberAccess(("github", *path)) if _named(path) in TRUTHS:
                # GitHub compares numbers then, and no text but an empty one or a number is any.
                if not text.strip() or is_number(text):
                    raise GitHubExpressionError(f"{node} is true or false, and compared with a number")
                return json.dumps(operator == "!=")
            case MemberAccess(("needs", None, "result")):
                raise GitHubExpressionError("needs.*.result is a list")
            case MemberAccess(("needs", str(), "result")):
                if text == "failure":
                    state = f"{self.value(node)} in {FAILED}"
                    return state if operator == "==" else f"!({state})"
                text = _RESULTS.get(text, text)
            case MemberAccess(("inputs" | "github", *path)) if path[-1] in self._scope.booleans and text in (
                "true",
                "false",
            ):
                return f"{self.value(node)} {operator} {text}"
            case _:
                pass
        return f"{self.value(node)} {operator} {json.dumps(text, ensure_ascii=False)}"

    def _access(self, node: MemberAccess) -> str:
        match node.path:
            case ("github", "event", "inputs", str(name)) | ("inputs", str(name)):
                if name in self._scope.parameters:
                    return f"parameters.{self._scope.parameters[name]}"
            case ("github", *rest):
                if (found := self._of_github(rest)) is not None:
                    return found
            case ("runner", str(name)) if name in _RUNNER:
                return _RUNNER[name]
            case ("matrix", str(axis), *rest) if axis in self._scope.axes and None not in rest:
                value = self._of_matrix(axis, rest)
                there = f"has({self._of_matrix(axis, [])})"
                return f'({there} ? {value} : "")' if axis in self._scope.partial else value
            case ("env", str(name)) if name in self._scope.env:
                return self._variable(name)
            case ("needs", str(job), *rest) if job in self._scope.needs and self._scope.states:
                if (found := self._of_job(job, rest)) is not None:
                    return found
            case _:
                pass
        raise GitHubExpressionError(f"{node} has no counterpart")

    def _of_github(self, path: list[str | None]) -> str | None:
        match path:
            case ["job"]:
                return json.dumps(self._scope.job)
            case ["event", "client_payload", *rest] if all(part and _NAME.fullmatch(part) for part in rest):
                return of_payload([part or "" for part in rest])
            case _:
                return GITHUB.get(_named(path)) or TRUTHS.get(_named(path))

    def _of_job(self, job: str, path: list[str | None]) -> str | None:
        """The state of another job, or an output of it, which is empty if it did not succeed."""
        match path:
            case ["result"]:
                return state(self._scope.needs[job])
            case ["outputs", str(name)] if name in self._scope.outputs.get(job, ()):
                value = output(self._scope.needs[job], self._scope.outputs[job][name])
                return f'(has({value}) ? {value} : "")' if self._settles else value
            case _:
                return None

    def _of_matrix(self, axis: str, rest: Iterable[str | None]) -> str:
        return ".".join(["matrix", self._scope.axes[axis], *(part or "" for part in rest)])

    def _variable(self, name: str) -> str:
        value = self._scope.env[name]
        if not isinstance(value, str) or "${{" not in value:
            return json.dumps(value if isinstance(value, str) else json.dumps(value), ensure_ascii=False)
        if name in self._open:
            raise GitHubExpressionError(f"env.{name} refers to itself")
        if name not in self._variables:
            self._open.add(name)
            parts = [
                json.dumps(part, ensure_ascii=False) if index % 2 == 0 else f"string({bare(self.value(parse(part)))})"
                for index, part in enumerate(split(value))
                if part
            ]
            self._open.remove(name)
            self._variables[name] = parts[0] if len(parts) == 1 else "(" + " + ".join(parts) + ")"
        return self._variables[name]

    def _call(self, function: str, arguments: tuple[Expression, ...]) -> str:
        match function, arguments:
            case (("success" | "always" | "failure" | "cancelled"), ()):
                return self._status(function)
            case "contains", (whole, part):
                return self._contains(whole, part)
            case "startswith", (whole, part):
                return self._searched(whole, "startsWith", part)
            case "endswith", (whole, part):
                return self._searched(whole, "endsWith", part)
            case "format", (LiteralValue(str() as template), *values):
                return self._format(template, values)
            case "fromjson", (LiteralValue(str() as text),):
                return json_literal(text)
            case "fromjson", (text,):
                return f"fromJson({bare(self.value(text))})"
            case "tojson", (MemberAccess(("github",) | ("github", "event")),):
                return "toJson(event)"
            case "tojson", (value,):
                return f"toJson({bare(self.value(value))})"
            case _:
                raise GitHubExpressionError(f"{function}() has no counterpart")

    def _contains(self, whole: Expression, part: Expression) -> str:
        match whole, part:
            case ((FunctionCall("fromjson", _) | Index()), _):
                return f"{self.value(part)} in {self.value(whole)}"
            case MemberAccess(("needs", None, "result")), LiteralValue(str() as text) if (
                self._scope.needs and self._scope.states
            ):
                wanted = FAILED if text == "failure" else f'["{_RESULTS.get(text, text)}"]'
                return "(" + " || ".join(f"{state(name)} in {wanted}" for name in self._scope.needs.values()) + ")"
            case MemberAccess(("github", *rest)), LiteralValue(str() as text) if _named(rest) == LABELS:
                label = json.dumps(text.lower(), ensure_ascii=False)
                return f"(has(event.labels) && event.labels.exists(label, label.lowerAscii() == {label}))"
            case _:
                return self._searched(whole, "contains", part)

    def _status(self, function: str) -> str:
        """The CEL text of a function that asks how the needs of a job ended."""
        states = [state(name) for name in self._scope.needs.values()] if self._scope.states else []
        match function:
            case "success" if self._settles and states:
                return "(" + " && ".join(f'{one} == "succeeded"' for one in states) + ")"
            case "success" | "always":
                return "true"
            case "failure" if states:
                return _either(f"{one} in {FAILED}" for one in states)
            case "cancelled" if states:
                return _either(f'{one} == "cancelled"' for one in states)
            case _:
                raise GitHubExpressionError(f"{function}() has no counterpart")

    def _searched(self, whole: Expression, function: str, part: Expression) -> str:
        """A search in a text; texts that people write are compared without regard to case, as GitHub does."""
        text, wanted = self._text(whole), self.value(part)
        if "event.message" not in text:
            return f"{text}.{function}({wanted})"
        wanted = wanted.lower() if isinstance(part, LiteralValue) else f"{wanted}.lowerAscii()"
        return f"{text}.lowerAscii().{function}({wanted})"

    def _text(self, node: Expression) -> str:
        value = self.value(node)
        return value if " " not in value or bare(value) != value else f"({value})"

    def _format(self, template: str, values: list[Expression]) -> str:
        parts = []
        for index, piece in enumerate(re.split(r"\{(\d+)\}", template)):
            if index % 2 == 0 and piece:
                parts.append(json.dumps(piece, ensure_ascii=False))
            elif index % 2:
                if int(piece) >= len(values):
                    raise GitHubExpressionError(f"format() has no value for {{{piece}}}")
                parts.append(f"string({self.value(values[int(piece)])})")
        return f"({' + '.join(parts)})" if parts else '""'


def _named(path: Iterable[str | None]) -> str:
    return ".".join(part or "*" for part in path)


def translated(text: str, scope: TranslationScope) -> str:
    """A text with expressions, each of them in CEL.

    Raises `GitHubExpressionError` for the first without a counterpart.
    """
    parts = split(text)
    return "".join(part if index % 2 == 0 else placed(expression(part, scope)) for index, part in enumerate(parts))
