"""When a step of GitHub Actions runs: its `if` as settings of a named step."""

import re
from typing import Any

from cadence.importing.github.cel import condition
from cadence.importing.github.expressions import GitHubExpressionError
from cadence.importing.github.job import GitHubJob

LEFT_OUT = "if false; then"
"""The beginning of the lines of a step whose condition cannot be translated."""
# No step runs in a run that is cancelled.
_NOT_CANCELLED = re.compile(r"!\s*cancelled\(\)")
_EITHER = re.compile(r"(success|failure|cancelled)\(\)\s*\|\|\s*(success|failure|cancelled)\(\)")
_STATUS = re.compile(r"\b(success|failure|always|cancelled)\(\)")


def with_condition(job: GitHubJob, text: str, line: int, settings: dict[str, Any], lines: list[str]) -> list[str]:
    """Adds to `settings` when the step runs. Returns its lines, which do nothing if that cannot be translated."""
    text = _without_either(text)
    rest = _after_failure(text)
    if rest is not None:
        settings["on_failure"] = True
        if not rest:
            return lines
    try:
        found = condition(_NOT_CANCELLED.sub("always()", text if rest is None else rest), job.scope)
    except GitHubExpressionError as error:
        job.note(
            line, f"if: {text}", f"The condition of the step cannot be translated: {error}.",
            "The step is left out until the script says when it runs.",
        )  # fmt: skip
        words = " ".join(text.replace("${{", " ").replace("}}", " ").split())
        return [f"{LEFT_OUT} # was: {words[:80]}", *lines, "fi"]
    if found.settles:
        settings["always"] = True
    if found.cel is not None:
        settings["when"] = f"${{{{ {found.cel} }}}}"
    return lines


def _inner(text: str) -> str:
    return re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", text, flags=re.DOTALL).strip()


def _without_either(text: str) -> str:
    """Returns a condition with one function for two that are joined by `||`: where they are all of it, or in brackets.

    >>> _without_either("(success() || failure()) && github.actor == 'ada'")
    "always() && github.actor == 'ada'"
    """

    def one(match: re.Match[str]) -> str:
        names = set(match.groups())
        if names == {"success", "failure"}:
            return "always()"
        return "failure()" if names == {"failure", "cancelled"} else match[0]

    if whole := _EITHER.fullmatch(_inner(text)):
        return one(whole)
    return re.sub(rf"(?<![\w])\(\s*{_EITHER.pattern}\s*\)", one, text)


def _after_failure(text: str) -> str | None:
    """Returns what a condition asks besides that an earlier step failed; None if it does not ask for that alone.

    >>> _after_failure("${{ failure() && github.ref == 'refs/heads/main' }}")
    "github.ref == 'refs/heads/main'"
    """
    parts = [part.strip() for part in _inner(text).split("&&")]
    others = [part for part in parts if part != "failure()"]
    simple = all(
        part.count("(") == part.count(")") and part.count("'") % 2 == 0 and "||" not in part for part in others
    )
    if len(others) == len(parts) or not simple or any(_STATUS.search(part) for part in others):
        return None
    return " && ".join(others)
