"""Evaluates expressions, within a bound of work and memory that no expression and no data can break."""

import datetime
import math
from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.expression import cel_library
from cadence.domain.pipelines.expression.cost import check_cost
from cadence.domain.pipelines.expression.errors import ExpressionError
from cadence.domain.pipelines.expression.expression import Expression
from cadence.domain.pipelines.expression.functions import ExpressionFunctions
from cadence.domain.pipelines.expression.template import Template, read_template
from cadence.domain.pipelines.expression.text_of import text_of
from cadence.domain.shared.display import shown

MAX_WORK = 25_000_000
"""The most that all expressions of one evaluator may cost together, in units of some 30 nanoseconds."""
_LARGEST_INTEGER = 2**63 - 1
_LONGEST_TEXT = 100_000
_MOST_VALUES_SHOWN = 5


class Evaluator:
    """Evaluates expressions with a set of names. All evaluations share one bound of work."""

    def __init__(self, names: Mapping[str, Any], *, spent: "list[int] | None" = None) -> None:
        self._names = names
        self._spent = spent if spent is not None else [0]

    def with_names(self, names: Mapping[str, Any]) -> "Evaluator":
        """Returns an evaluator with further names; both share one bound of work."""
        return Evaluator({**self._names, **names}, spent=self._spent)

    def value(self, template: Template | str) -> Any:
        """Returns the value of a text with expressions: plain JSON data if it is one expression, else a text.

        Raises ExpressionError.
        """
        parsed = read_template(template) if isinstance(template, str) else template
        if parsed.whole is not None:
            return self.evaluate(parsed.whole)
        parts = [part if isinstance(part, str) else text_of(self.evaluate(part)) for part in parsed.parts]
        if sum(map(len, parts)) > _LONGEST_TEXT:
            raise ExpressionError(f"The text would be longer than {_LONGEST_TEXT:,} characters.")
        return "".join(parts)

    def evaluate(self, expression: Expression) -> Any:
        """Returns the value of an expression as plain JSON data.

        Raises only ExpressionError, whose message has the values that the expression used.
        """
        if expression.path is not None:
            self._spend(1)
            return self._lookup(expression.path)
        values = self._visible_values(expression)
        self._spend(check_cost(expression, values))
        functions = ExpressionFunctions()
        engine = cel_library.library()
        try:
            context = engine.Context(values, functions.by_name)
            result = cel_library.compiled(expression.code).execute(context)
        except (ValueError, TypeError, RuntimeError, ArithmeticError, LookupError) as error:
            problem = functions.problem or _evaluation_problem(error, expression, values)
            raise ExpressionError(f"{problem} ({self._values(expression)})" if expression.names else problem) from None
        return _json_data(result)

    def _spend(self, work: int) -> None:
        self._spent[0] += work
        if self._spent[0] > MAX_WORK:
            raise ExpressionError(
                "The expressions of this document take too long together.", "Compute what is large in a treatment."
            )

    def _lookup(self, path: tuple[str, ...]) -> Any:
        value: Any = self._names
        for index, part in enumerate(path):
            if not isinstance(value, Mapping):
                raise ExpressionError(f"{'.'.join(path[:index])} is no mapping: it is {shown(text_of(value))}.")
            if part not in value:
                raise _missing(path[:index], part, value)
            value = value[part]
        return value

    def _visible_values(self, expression: Expression) -> dict[str, Any]:
        """Returns the part of the names that the expression uses: the library takes a copy at each evaluation."""
        values: dict[str, Any] = {}
        whole = {use.path[0] for use in expression.names if len(use.path) == 1}
        for use in expression.names:
            root = use.path[0]
            members = self._names.get(root, {})
            if root in whole:
                values[root] = _small_numbers(members)
            else:
                part = values.setdefault(root, {})
                if use.path[1] in members:
                    part[use.path[1]] = _small_numbers(members[use.path[1]])
        return values

    def _values(self, expression: Expression) -> str:
        texts = {}
        for use in expression.names[:_MOST_VALUES_SHOWN]:
            try:
                texts[str(use)] = shown(text_of(self._lookup(use.path)))
            except ExpressionError:
                texts[str(use)] = "missing"
        return ", ".join(f"{name} is {value}" for name, value in texts.items())


def _missing(owner: tuple[str, ...], part: str, known: Mapping[str, Any]) -> ExpressionError:
    name = ".".join(owner)
    choices = ", ".join(sorted(map(str, known))[:20])
    message = f"{name} has no {shown(part)}" if owner else f"There is no {shown(part)}"
    return ExpressionError(
        f"{message}. There {'is' if len(known) == 1 else 'are'}: {choices}." if choices else f"{message}.",
        f"Test it first: has({name}.{part}) ? {name}.{part} : …" if owner and part.isidentifier() else None,
    )


def _evaluation_problem(error: Exception, expression: Expression, values: Mapping[str, Any]) -> str:
    """Returns the library's message, shortened to its useful part."""
    if isinstance(error, KeyError):
        for use in expression.names:
            value: Any = values
            for index, part in enumerate(use.path):
                if not isinstance(value, Mapping) or part not in value:
                    if isinstance(value, Mapping) and not use.tested:
                        missing = _missing(use.path[:index], part, value)
                        return f"{missing.message} {missing.hint or ''}".strip()
                    break
                value = value[part]
        return f"There is no key {shown(str(error.args[0]))}."
    if isinstance(error, ZeroDivisionError):
        return "It divides by zero."
    message = str(error).split(". ")[0].removesuffix(".")
    return f"It cannot be evaluated: {message[:200]}."


def _small_numbers(value: Any) -> Any:
    """Replaces whole numbers beyond 64 bits by texts: the library would silently convert them to fractions."""
    if isinstance(value, Mapping):
        return {name: _small_numbers(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_small_numbers(part) for part in value]
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and not -_LARGEST_INTEGER - 1 <= value <= _LARGEST_INTEGER
    ):
        return str(value)
    return value


def _json_data(value: Any) -> Any:
    """Returns the value as JSON data. Raises ExpressionError if JSON has no such value."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        if "\0" in value:
            raise ExpressionError("Its value holds a NUL character.")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ExpressionError("Its value is not a finite number.")
        return value
    if isinstance(value, list):
        return [_json_data(part) for part in value]
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise ExpressionError("Its value is a mapping whose keys are not all texts.")
        return {name: _json_data(part) for name, part in value.items()}
    kinds = {bytes: "bytes", datetime.datetime: "a time", datetime.timedelta: "a duration"}
    kind = next((name for cls, name in kinds.items() if isinstance(value, cls)), "of no kind that can be used")
    raise ExpressionError(f"Its value is {kind}.", "Make a text of it with string(…).")
