"""GitLab's conditions (`rules`, `only`, `except`) as a treatment's `when`."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cadence.importing.gitlab.variables import SOURCES, UnknownVariable, Variables
from cadence.importing.shared.cel import all_of, event_value
from cadence.importing.shared.yaml_source import texts

_LONGEST = 2_000
_DEEPEST = 40
_TOKEN = re.compile(
    r"""\s*(?:(?P<variable>\$\w+)|(?P<text>"[^"]*"|'[^']*')|(?P<regex>/(?:[^/\\]|\\.)*/[a-z]*)|(?P<null>null)\b"""
    r"""|(?P<symbol>&&|\|\||==|!=|=~|!~|[()])|(?P<end>\Z)|(?P<other>.))"""
)
_REFS = {
    "branches": f'{event_value("event.branch")} != ""',
    "tags": f'{event_value("event.ref")}.startsWith("refs/tags/")',
    "merge_requests": 'event.kind == "pull_request"',
    "pushes": 'event.kind == "push"',
    "schedules": 'event.kind == "schedule"',
    "web": 'event.kind == "api"',
    "api": 'event.kind == "api"',
}


class RuleError(ValueError):
    """A condition that has no counterpart; the message states why."""


def rule_condition(text: str, variables: Variables) -> str:
    """The CEL text of a rule's `if`. Raises `RuleError`."""
    if len(text) > _LONGEST:
        raise RuleError(f"it is longer than {_LONGEST:,} characters")
    return _RuleReader(text, variables).read()


def ref_conditions(refs: Iterable[str], variables: Variables) -> list[str]:
    """The CEL text of each of `only: refs`. Raises `RuleError`."""
    found = []
    for ref in refs:
        if ref in _REFS:
            found.append(_REFS[ref])
        elif ref.startswith("/"):
            found.append(f"{event_value('event.branch')}.matches({_regex(ref)})")
        elif ref.startswith("$"):
            found.append(rule_condition(ref, variables))
        elif re.fullmatch(r"[a-z_]+_?(triggers|pipelines|events|chat|external)|triggers|pipelines|chat|external", ref):
            raise RuleError(f"runs are not started by “{ref}”")
        else:
            found.append(f"{event_value('event.branch')} == {json.dumps(ref.partition('@')[0])}")
    return found


def only_except(body: Mapping[str, Any], variables: Variables) -> str | None:
    """The CEL text of `only` and `except`; `None` if there is no condition. Raises `RuleError`."""
    parts = []
    for key, negated in (("only", False), ("except", True)):
        value = body.get(key)
        if value is None:
            continue
        settings = value if isinstance(value, dict) else {"refs": value}
        if settings.keys() - {"refs", "variables"}:
            raise RuleError(f"{key} has {', '.join(sorted(settings.keys() - {'refs', 'variables'}))}")
        conditions = ref_conditions(texts(settings.get("refs")), variables)
        conditions += [rule_condition(text, variables) for text in texts(settings.get("variables"))]
        if conditions:
            either = " || ".join(conditions)
            parts.append(f"!({either})" if negated else either)
    return all_of(parts) or None


def mentions_merge_requests(value: Any) -> bool:
    """Whether a condition is about merge requests, which must start the pipeline then."""
    if isinstance(value, str):
        return "merge_request" in value or "CI_MERGE_REQUEST" in value
    if isinstance(value, dict):
        return any(
            mentions_merge_requests(item)
            for key, item in value.items()
            if key not in ("script", "before_script", "after_script")
        )
    return isinstance(value, list) and any(map(mentions_merge_requests, value))


class _RuleReader:
    def __init__(self, text: str, variables: Variables) -> None:
        self._tokens = [(match.lastgroup or "", match[match.lastgroup or 0]) for match in _TOKEN.finditer(text)]
        self._variables = variables
        self._next = 0

    def read(self) -> str:
        cel = self._either(0)
        if self._take()[0] != "end":
            raise RuleError("there is something after its end")
        return cel

    def _either(self, depth: int) -> str:
        if depth > _DEEPEST:
            raise RuleError("it is nested too deeply")
        parts = [self._both(depth)]
        while self._accept("||"):
            parts.append(self._both(depth))
        return " || ".join(parts)

    def _both(self, depth: int) -> str:
        parts = [self._one(depth)]
        while self._accept("&&"):
            parts.append(self._one(depth))
        return " && ".join(parts)

    def _one(self, depth: int) -> str:
        if self._accept("("):
            inner = self._either(depth + 1)
            if not self._accept(")"):
                raise RuleError("a parenthesis is not closed")
            return f"({inner})"
        left = self._value()
        for operator in ("==", "!=", "=~", "!~"):
            if self._accept(operator):
                return self._compared(left, operator, self._value())
        return self._not_empty(left)

    def _compared(self, left: tuple[str, str], operator: str, right: tuple[str, str]) -> str:
        if operator in ("=~", "!~"):
            if right[0] != "regex":
                raise RuleError("a pattern has to stand there itself, not in a variable")
            matches = f"{self._cel(left)}.matches({_regex(right[1])})"
            return matches if operator == "=~" else f"!{matches}"
        if "null" in (left[0], right[0]):
            other = right if left[0] == "null" else left
            present = self._not_empty(other)
            return present if operator == "!=" else f"!({present})"
        if ("variable", "$CI_PIPELINE_SOURCE") in (left, right):
            left, right = (self._source(side) for side in (left, right))
        if ("variable", "$CI_COMMIT_TAG") in (left, right):
            raise RuleError("tags have no text of their own to compare")
        return f"{self._cel(left)} {operator} {self._cel(right)}"

    def _source(self, token: tuple[str, str]) -> tuple[str, str]:
        if token[0] != "text":
            return token
        text = token[1][1:-1]
        return "text", f'"{SOURCES.get(text, text)}"'

    def _not_empty(self, token: tuple[str, str]) -> str:
        if token[1] == "$CI_COMMIT_TAG":
            return _REFS["tags"]
        if token[1] == "$CI_MERGE_REQUEST_IID" or token[1] == "$CI_MERGE_REQUEST_ID":
            return _REFS["merge_requests"]
        return f'{self._cel(token)} != ""'

    def _cel(self, token: tuple[str, str]) -> str:
        kind, text = token
        if kind == "text":
            return json.dumps(text[1:-1], ensure_ascii=False)
        if text == "$CI_DEFAULT_BRANCH":
            return '"main"'
        try:
            return self._variables.cel(text[1:])
        except UnknownVariable as error:
            raise RuleError(f"the variable {error} is not known here") from None

    def _value(self) -> tuple[str, str]:
        token = self._take()
        if token[0] not in ("variable", "text", "regex", "null"):
            raise RuleError(f"there is {token[1] or 'its end'} where a value belongs")
        return token

    def _take(self) -> tuple[str, str]:
        token = self._tokens[min(self._next, len(self._tokens) - 1)]
        self._next += 1
        return token

    def _accept(self, symbol: str) -> bool:
        found = self._tokens[min(self._next, len(self._tokens) - 1)] == ("symbol", symbol)
        self._next += found
        return found


def _regex(text: str) -> str:
    pattern, end, flags = text[1:].rpartition("/")
    if not end:
        raise RuleError(f"the pattern {text} has no / at its end")
    pattern = pattern.replace("\\/", "/")
    if re.search(r"\(\?[=!<]|\\[1-9]", pattern):
        raise RuleError("its pattern looks around or back, which CEL cannot")
    return json.dumps(f"(?i){pattern}" if "i" in flags else pattern, ensure_ascii=False)
