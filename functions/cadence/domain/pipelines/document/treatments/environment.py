"""Checks the environment variables that a treatment sets from `env` and `secrets`."""

import re
from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.document.draft import Draft, mapping
from cadence.domain.pipelines.document.findings import Code, Problems
from cadence.domain.shared.display import shown

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_RESERVED_PREFIX = "CADENCE_"


def check_environment(draft: Draft, problems: Problems) -> None:
    """Checks that names are usable in a shell, not Cadence's own, and set only once."""
    for treatment in draft.bodies():
        env = mapping(treatment.body.get("env"))
        secrets = mapping(treatment.body.get("secrets"))
        steps = treatment.body.get("steps")
        of_steps = [
            (("steps", index, "env"), mapping(mapping(step).get("env")))
            for index, step in enumerate(steps if isinstance(steps, list) else ())
        ]
        places: list[tuple[tuple[str | int, ...], Mapping[str, Any]]] = [(("env",), env), (("secrets",), secrets)]
        for place, variables in [*places, *of_steps]:
            for name in variables:
                keys = (*place, name)
                if _VARIABLE.fullmatch(name) is None:
                    problems.add(
                        treatment.problem(
                            Code.BAD_VARIABLE_NAME,
                            f"{shown(name)} cannot be the name of an environment variable.",
                            keys,
                            "Use letters, digits and _, not starting with a digit.",
                            at_key=True,
                        )
                    )
                elif name.upper().startswith(_RESERVED_PREFIX):
                    problems.add(
                        treatment.problem(
                            Code.RESERVED_VARIABLE,
                            f"{shown(name)} is reserved: Cadence sets {_RESERVED_PREFIX}*.",
                            keys,
                            "Choose a name with another beginning.",
                            at_key=True,
                        )
                    )
                elif place == ("secrets",) and name in env:
                    problems.add(
                        treatment.problem(
                            Code.VARIABLE_SET_TWICE,
                            f"{shown(name)} is set in env and in secrets.",
                            keys,
                            "Keep one of them.",
                            at_key=True,
                        )
                    )
