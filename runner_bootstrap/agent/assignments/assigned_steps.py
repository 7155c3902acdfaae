"""The named steps of an assignment."""

from __future__ import annotations

from typing import Any, NamedTuple


class AssignedStep(NamedTuple):
    """A step: its script, the program that reads it, and the variables that only it has.

    ``always``: it is run although an earlier step failed. ``on_failure``: it is run only if one did. ``soft_fail``: its
    failure fails nothing. ``skip``: it is not run in this run.
    """

    name: str
    script: str
    shell: str
    env: dict[str, str]
    always: bool = False
    soft_fail: bool = False
    skip: bool = False
    on_failure: bool = False


def assigned_steps(steps: list[dict[str, Any]], shell: str) -> list[AssignedStep]:
    """Returns the steps of a gateway's answer; ``shell`` reads the scripts of those that name none."""
    return [
        AssignedStep(
            name=str(step["name"]),
            script=str(step["run"]),
            shell=step.get("shell") or shell,
            env={name: str(value) for name, value in (step.get("env") or {}).items()},
            always=bool(step.get("always")),
            soft_fail=bool(step.get("soft_fail")),
            skip=bool(step.get("skip")),
            on_failure=bool(step.get("on_failure")),
        )
        for step in steps
    ]
