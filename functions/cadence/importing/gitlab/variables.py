"""GitLab's variables: their names in Cadence, and texts with variables as expressions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.importing.shared.cel import bare, event_value
from cadence.importing.shared.yaml_source import mapping, plain

PREDEFINED = {
    "CI_COMMIT_SHA": "event.commit",
    "CI_COMMIT_REF_NAME": "event.branch",
    "CI_COMMIT_BRANCH": "event.branch",
    "CI_COMMIT_BEFORE_SHA": "event.before",
    "CI_COMMIT_MESSAGE": "event.message",
    "CI_COMMIT_AUTHOR": "event.author",
    "CI_PIPELINE_SOURCE": "event.kind",
    "CI_PIPELINE_ID": "run.id",
    "CI_PROJECT_PATH": "event.repository",
    "CI_REPOSITORY_URL": "event.repository_url",
    "CI_PROJECT_NAME": "run.project",
    "GITLAB_USER_LOGIN": "event.sender",
}
NEAR = {
    "CI_COMMIT_REF_SLUG": ("event.branch", "It is the branch as it is, not made fit for host names."),
    "CI_COMMIT_SHORT_SHA": ("event.commit", "It is the whole commit, not its first eight characters."),
}
SOURCES = {
    "merge_request_event": "pull_request",
    "push": "push",
    "schedule": "schedule",
    "web": "manual",
    "api": "manual",
}

_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)|%([A-Za-z_][A-Za-z0-9_]*)%")
_DEEPEST = 10


class UnknownVariable(ValueError):
    """A variable that has no counterpart; the message is its name."""


@dataclass(frozen=True)
class Variables:
    """The variables of a job: those of the file by name, those of the matrix by axis, and parameters of runs."""

    values: Mapping[str, Any] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)

    def cel(self, name: str) -> str:
        """The CEL text of a variable's value. Raises `UnknownVariable`."""
        if name in self.axes:
            return f"string(matrix.{self.axes[name]})"
        if name in PREDEFINED:
            return event_value(PREDEFINED[name])
        if name in NEAR:
            return event_value(NEAR[name][0])
        return json.dumps(self._value(name, _DEEPEST), ensure_ascii=False)

    def text(self, text: str) -> str:
        """A text with its variables replaced by values or expressions. Raises `UnknownVariable`."""
        return self._expanded(text, _DEEPEST)

    def used_near(self, text: str) -> list[str]:
        return [name for name in NEAR if re.search(rf"\b{name}\b", text)]

    def _expanded(self, text: str, depth: int) -> str:
        if depth == 0:
            raise UnknownVariable(f"{text[:40]} (it names itself)")

        def put_in(match: re.Match[str]) -> str:
            name = match[1] or match[2] or match[3]
            if name is None:
                return "$"
            if name in self.axes or name in PREDEFINED or name in NEAR:
                return f"${{{{ {bare(self.cel(name))} }}}}"
            return self._value(name, depth)

        return _REFERENCE.sub(put_in, text)

    def _value(self, name: str, depth: int) -> str:
        if name in self.fixed:
            return self.fixed[name]
        if name not in self.values:
            raise UnknownVariable(name)
        return self._expanded(value_of(self.values[name]), depth - 1)


def value_of(entry: Any) -> str:
    """A variable's value: `{value: …}` or the value itself."""
    return plain(mapping(entry).get("value", "")) if isinstance(entry, dict) else plain(entry)


def names_in(text: str) -> set[str]:
    return {name for match in _REFERENCE.finditer(text) if (name := match[1] or match[2])}
