"""The action `re-actors/alls-green`: a job that succeeds if the jobs that it needs did, as far as they have to."""

import json
import re
from typing import Any

from cadence.importing.github.expressions import FunctionCall, MemberAccess
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import only_expression, split
from cadence.importing.shared.yaml_source import listed, mapping, plain

_ACTION = "re-actors/alls-green@"
_ALWAYS = re.compile(r"\s*(\$\{\{)?\s*(always\(\)|!\s*cancelled\(\))\s*(\}\})?\s*")
_CHOSEN = re.compile(r"\s*(?P<condition>(?:(?!\|\|).)+)&&\s*'(?P<names>[^']*)'\s*\|\|\s*''\s*", re.DOTALL)
"""Names of jobs that an expression gives only if a condition holds."""
_NEEDS = FunctionCall("tojson", (MemberAccess(("needs",)),))


def all_green(job: GitHubJob) -> None:
    """Has a job that ends with the action ask in its condition what the action asks of the jobs before.

    The treatment is skipped where the action fails. Other jobs stay as they are.
    """
    steps = [step for step in listed(job.body.get("steps")) if isinstance(step, dict)]
    if not steps or not plain(steps[-1].get("uses")).lower().startswith(_ACTION) or any("if" in step for step in steps):
        return
    step, given = steps[-1], mapping(steps[-1].get("with"))
    condition = plain(job.body.get("if", "always()"))
    if only_expression(plain(given.get("jobs"))) != _NEEDS or not _ALWAYS.fullmatch(condition) or not job.scope.needs:
        return
    failures, skips = (_allowed(plain(given.get(key))) for key in ("allowed-failures", "allowed-skips"))
    if failures is None or skips is None:
        return
    made: dict[str, Any] = {key: value for key, value in step.items() if key not in ("uses", "with")}
    made = {"name": plain(step["uses"]), **made, "run": 'echo "result=success" >> "$GITHUB_OUTPUT"'}
    body: dict[str, Any] = {**job.body, "steps": [*steps[:-1], made]}
    if "if" in job.body:
        wanted = [
            f"(needs['{name}'].result == 'success'"
            + "".join(
                f" || {_when(condition)}needs['{name}'].result == 'failure'" for condition in failures.get(name, ())
            )
            + "".join(f" || {_when(condition)}needs['{name}'].result == 'skipped'" for condition in skips.get(name, ()))
            + ")"
            for name in job.scope.needs
        ]
        body["if"] = " && ".join(["always()", *wanted])
        job.note(
            job.line(step), plain(step["uses"]), "The treatment is skipped where the action fails.",
            "Nothing, unless a program asks for its state: have it ask for the state of the run.",
        )  # fmt: skip
    job.source.register(made, job.line(step))
    job.source.register(body, job.treatment.line)
    job.body = body


def _allowed(text: str) -> dict[str, list[str]] | None:
    """Returns the jobs of a list, each with the conditions in which it is one of them; an empty one always holds.

    None for a list that is made in another way than by `condition && 'jobs' || ''`.
    """
    found: dict[str, list[str]] = {}
    for index, part in enumerate(split(text)):
        chosen = _CHOSEN.fullmatch(part) if index % 2 else None
        if index % 2 and (chosen is None or only_expression(f"${{{{{part}}}}}") is None):
            return None
        for name in _names(chosen["names"] if chosen else part):
            found.setdefault(name, []).append(chosen["condition"].strip() if chosen else "")
    return found


def _names(text: str) -> list[str]:
    """The names in a list: JSON, or separated by commas, as the action reads it."""
    try:
        names = json.loads(text)
    except ValueError:
        names = text.split(",")
    return [name.strip() for name in names if isinstance(name, str) and name.strip()] if isinstance(names, list) else []


def _when(condition: str) -> str:
    return f"({condition}) && " if condition else ""
