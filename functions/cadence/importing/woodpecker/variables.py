"""Woodpecker's variables: their values as expressions, and texts in which Woodpecker puts them in beforehand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cadence.importing.shared.cel import REPOSITORY, bare, event_value

BRANCH = f'(event.kind == "pull_request" ? {event_value("event.base_branch")} : {event_value("event.branch")})'
TAG = event_value("event.tag")
PREDEFINED = {
    "CI_COMMIT_SHA": event_value("event.commit"),
    "CI_COMMIT_REF": event_value("event.ref"),
    "CI_COMMIT_BRANCH": BRANCH,
    "CI_COMMIT_SOURCE_BRANCH": f'(event.kind == "pull_request" ? {event_value("event.branch")} : "")',
    "CI_COMMIT_TARGET_BRANCH": event_value("event.base_branch"),
    "CI_COMMIT_TAG": TAG,
    "CI_COMMIT_MESSAGE": event_value("event.message"),
    "CI_COMMIT_AUTHOR": event_value("event.author"),
    "CI_COMMIT_PULL_REQUEST": '(has(event.number) ? string(event.number) : "")',
    "CI_PREV_COMMIT_SHA": event_value("event.before"),
    "CI_REPO": REPOSITORY,
    "CI_REPO_CLONE_URL": event_value("event.repository_url"),
    "CI_PIPELINE_NUMBER": "run.id",
    "CI_PIPELINE_EVENT": f'({TAG} != "" ? "tag" : event.kind == "schedule" ? "cron" : event.kind == "api" ? "manual" : event.kind)',
    "CI_WORKFLOW_NAME": "run.pipeline",
}
PREDEFINED |= {"CI_BUILD_NUMBER": "run.id", "CI_BUILD_EVENT": PREDEFINED["CI_PIPELINE_EVENT"]}
NEAR = {
    "CI_PIPELINE_NUMBER": "It is the id of the run, which does not count up.",
    "CI_BUILD_NUMBER": "It is the id of the run, which does not count up.",
    "CI_REPO_DEFAULT_BRANCH": "It is main here; Cadence does not know the default branch.",
}
CI = "woodpecker"
FIXED = {"CI_REPO_DEFAULT_BRANCH": "main"}
IN_SCRIPT = {
    "CI_WORKSPACE": '"$PWD"',
    "CI_REPO_NAME": '"${CI_REPO##*/}"',
    "CI_REPO_OWNER": '"${CI_REPO%/*}"',
}
"""Variables that a script sets itself, with the shell words of their values."""

_PLACE = re.compile(r"(\$?)\$\{([A-Za-z_]\w*+)([^{}\n]*+)\}|(\$)\$(?=[A-Za-z_])")
_BEGINNING = re.compile(r":0:(\d{1,3})")
_OF_BASH = re.compile(r"^(:-?\d|[,^/@])")


@dataclass
class WoodpeckerVariables:
    """The variables of a workflow; `axes` are those of its matrix, by name, `partial` those that not all rows have."""

    axes: Mapping[str, str] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()

    def axis(self, name: str) -> str:
        """The CEL text of the value of an axis."""
        value = f"matrix.{self.axes[name]}"
        return f'(has({value}) ? {value} : "")' if self.axes[name] in self.partial else value

    def expression(self, name: str) -> str | None:
        """The CEL text of a variable's value; None if it is not known before the script runs."""
        if name in self.axes:
            return bare(self.axis(name))
        return bare(PREDEFINED[name]) if name in PREDEFINED else None

    def text(self, text: str) -> tuple[str, list[str]]:
        """A text with expressions for its variables, and the names of those that have none.

        >>> WoodpeckerVariables({"GO": "go"}).text("golang:${GO}-$${X}")
        ('golang:${{ matrix.go }}-${X}', [])
        """
        unknown: list[str] = []

        def put_in(match: re.Match[str]) -> str:
            escaped, name, operation, dollar = match.groups()
            if escaped or dollar:
                return match[0][1:].replace("$$", "$")
            found = self.expression(name)
            if name == "CI" and not operation:
                return CI
            if name in FIXED and not operation:
                return FIXED[name]
            if found is None or operation:
                unknown.append(name)
                return ""
            return f"${{{{ {found} }}}}"

        return _PLACE.sub(put_in, text), unknown


def for_shell(script: str) -> str:
    """A script in which the shell does what Woodpecker does beforehand, also within single quotes.

    >>> print(for_shell("echo '${CI_REPO}' ${CI_COMMIT_SHA:0:8} $${HOME}"))
    echo ''"${CI_REPO}"'' $(printf %.8s "${CI_COMMIT_SHA}") ${HOME}
    """
    parts, quote, start = [], "", 0
    for match in _PLACE.finditer(script):
        escaped, name, operation, dollar = match.groups()
        before = script[start : match.start()]
        start, quote = match.end(), _quote_after(before, quote)
        beginning = _BEGINNING.fullmatch(operation or "")
        text = f'$(printf %.{beginning[1]}s "${{{name}}}")' if beginning else match[0]
        parts.append(before)
        parts.append(
            match[0][1:].replace("$$", "$") if escaped or dollar else f"'\"{text}\"'" if quote == "'" else text
        )
    return "".join([*parts, script[start:]])


def _quote_after(text: str, quote: str) -> str:
    """The quotation mark in which the shell is after a text that begins in `quote`; each line begins without one."""
    escaped = False
    for symbol in text:
        if symbol == "\n":
            quote = ""
        elif escaped:
            escaped = False
            continue
        elif quote:
            quote = "" if symbol == quote else quote
        elif symbol in "'\"":
            quote = symbol
        escaped = symbol == "\\" and quote != "'"
    return quote


def put_in_beforehand(script: str) -> set[str]:
    """The variables that Woodpecker puts into a script before it runs."""
    return {match[2] for match in _PLACE.finditer(script) if match[2] and not match[1]}


def needs_bash_for_variables(script: str) -> bool:
    """Whether a script changes values in ways that Woodpecker and bash know, but not every shell."""
    return any(
        _OF_BASH.match(match[3]) and not _BEGINNING.fullmatch(match[3])
        for match in _PLACE.finditer(script)
        if match[3] and not match[1]
    )
