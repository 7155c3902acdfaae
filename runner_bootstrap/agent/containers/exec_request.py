"""Parses the arguments with which a Mélodium engine calls its container engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional

from ..shared.errors import AgentError

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\Z")


class ExecRequest(NamedTuple):
    """``exec [--interactive] [--workdir=DIR] [--env NAME=VALUE|--env NAME]… CONTAINER COMMAND…``

    ``secrets`` are the names of the variables whose values are in no argument.
    """

    container: str
    command: list[str]
    env: dict[str, str]
    workdir: Optional[str]
    interactive: bool
    secrets: frozenset[str] = frozenset()

    @property
    def variable(self) -> Optional[str]:
        """The variable whose value is asked for, if the request is ``exec CONTAINER echo $NAME``."""
        if self.interactive or self.env or self.workdir or len(self.command) != 2 or self.command[0] != "echo":
            return None
        match = _VARIABLE.match(self.command[1])
        return match[1] if match else None


def parse(arguments: Sequence[str], environment: Optional[Mapping[str, str]] = None) -> ExecRequest:
    """Parses the arguments; ``environment`` has the values of variables that they only name.

    Raises AgentError for anything else than an engine asks for.
    """
    rest = list(arguments)
    if rest[:1] == ["--remote"]:
        del rest[0]
    if rest[:1] != ["exec"]:
        raise AgentError(f"an engine asks for `exec`, not for `{' '.join(arguments[:2])}`")
    del rest[0]
    env: dict[str, str] = {}
    secrets: set[str] = set()
    workdir, interactive = None, False
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        name, is_given, value = option.partition("=")
        if name == "--interactive":
            interactive = True
            continue
        if name not in ("--env", "--workdir") or not (is_given or rest):
            raise AgentError(f"the option {name} of exec is not known")
        value = value if is_given else rest.pop(0)
        if name == "--workdir":
            workdir = value
        else:
            variable, has_value, content = value.partition("=")
            if not has_value:
                if variable not in (environment or {}):
                    raise AgentError(f"the engine names the variable {variable} without giving its value")
                content = (environment or {})[variable]
                secrets.add(variable)
            env[variable] = content
    if len(rest) < 2:
        raise AgentError("exec needs a container and a command")
    return ExecRequest(
        container=rest[0],
        command=rest[1:],
        env=env,
        workdir=workdir,
        interactive=interactive,
        secrets=frozenset(secrets),
    )
