"""The environment variables that show a run's parameters and event to scripts, and which of them a script reads."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.run import Run

_COMMIT = {
    "CADENCE_REPOSITORY": "repository",
    "CADENCE_COMMIT": "commit",
    "CADENCE_BRANCH": "branch",
    "CADENCE_TAG": "tag",
    "CADENCE_PULL_REQUEST": "number",
    "CADENCE_BASE_BRANCH": "base_branch",
    "CADENCE_BASE_COMMIT": "base_commit",
}


def run_variables(run: Run) -> Mapping[str, str]:
    """Returns the variables with their values, as the agent sets them; those of the run's own identity are left out."""
    variables = {name: _text(run.event[key]) for name, key in _COMMIT.items() if run.event.get(key)}
    variables |= {f"CADENCE_PARAM_{_identifier(name)}": _text(value) for name, value in run.parameters.items()}
    return variables | {
        f"CADENCE_EVENT_{_identifier(name).upper()}": _text(value)
        for name, value in run.event.items()
        if isinstance(value, (str, bool, int))
    }


def used_variables(spec: TreatmentSpec, names: Iterable[str]) -> tuple[str, ...]:
    """Returns those of the variables that the treatment's script names, in alphabetical order."""
    wanted = frozenset(names)
    script = "\n".join([spec.run, *(step.run for step in spec.steps)])
    return tuple(sorted(wanted.intersection(re.findall(r"\w+", script)))) if wanted else ()


def _identifier(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
