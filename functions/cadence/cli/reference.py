"""The reference of the command line (docs/cli.md), made from the commands' own help: `python -m cadence.cli.reference`."""

from collections.abc import Iterator
from typing import Any

import typer

from cadence.cli.main import app

_INTRODUCTION = """\
# The command line

Made from the commands' own help by `python -m cadence.cli.reference`.

`cadence` talks to the API at `CADENCE_URL` with the token in `CADENCE_TOKEN`. Without them it uses `.cadence/local.json` of the
local stack, from this folder or one above it. `CADENCE_PROJECT` names the project (else `default`).

On a terminal it prints tables and live progress, elsewhere plain lines (tab-separated where there are columns); with `--json`,
what the API answers.

| exit code | means |
|---|---|
| 0 | success |
| 1 | the thing failed: the document is not valid, the run failed, there is no such thing |
| 2 | wrong use |
| 3 | the API cannot be reached, or does not allow it |
"""


def reference() -> str:
    sections = [_INTRODUCTION]
    for path, command in _commands(typer.main.get_command(app), "cadence"):
        context = command.make_context(path, [], resilient_parsing=True, terminal_width=110, max_content_width=110)
        sections.append(f"## `{path}`\n\n```\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(sections)


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All commands that do something, with their names in full."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, found in inner.items():
        yield from _commands(found, f"{path} {name}")


if __name__ == "__main__":
    print(reference(), end="")
