"""The action `re-actors/alls-green`: a job that succeeds if the jobs that it needs did, as far as they have to."""

import re
from typing import Any

from cadence.importing.github.expressions import FunctionCall, MemberAccess
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import only_expression
from cadence.importing.shared.yaml_source import listed, mapping, plain

_ACTION = "re-actors/alls-green@"
_ALWAYS = re.compile(r"\s*(\$\{\{)?\s*(always\(\)|!\s*cancelled\(\))\s*(\}\})?\s*")
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
    failures, skips = (set(re.split(r"[\s,]+", plain(given.get(key)))) for key in ("allowed-failures", "allowed-skips"))
    made: dict[str, Any] = {key: value for key, value in step.items() if key not in ("uses", "with")}
    made = {"name": plain(step["uses"]), **made, "run": 'echo "result=success" >> "$GITHUB_OUTPUT"'}
    body: dict[str, Any] = {**job.body, "steps": [*steps[:-1], made]}
    if "if" in job.body:
        wanted = [
            f"(needs['{name}'].result == 'success'"
            + (f" || needs['{name}'].result == 'failure'" if name in failures else "")
            + (f" || needs['{name}'].result == 'skipped')" if name in skips else ")")
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
