"""Generates the reference of the command line (docs/cli.md) from the help texts: `python -m cadence.cli.reference`."""

from collections.abc import Iterator
from typing import Any

import typer

from cadence.cli.main import app

_INTRODUCTION = """\
# The command line

This page is generated from the help texts of the commands: `python -m cadence.cli.reference`.

`cadence` sends requests to the API at `CADENCE_URL` with the token in `CADENCE_TOKEN`. Without them it uses the local
stack whose `.cadence/local.json` is in the current folder or one above it, or else the context that `cadence login`
has made. `CADENCE_ORGANIZATION` names another organization to act in as a guest, `CADENCE_PROJECT` names the project
(default: `default`).

In place of a run's id, commands take the beginning or the end of the id (four letters or more, if it names one run
among the newest 200), `@last` for the newest run and `@failed` for the newest failed one. Both leave out replays and
runs that other runs started, and keep to the project in `CADENCE_PROJECT` if it is set. Ids begin with the time of
the run, so that their ends differ sooner: `cadence runs` marks the end that is enough. `cadence --install-completion`
sets up completion for bash, zsh and fish: of commands, and of runs, treatments, pipelines, projects and pools, for
which the API is asked and given a second. `NO_COLOR` turns colours off.
On a terminal, `runs`, `show`, `logs` and `search` show what does not fit the screen in a pager: `CADENCE_PAGER`, else
`PAGER`, else `less`; an empty one means none.

It prints tables and live progress on a terminal, and plain lines elsewhere (tab-separated where there are columns).
`--json` prints the answer of the API.

Commands use one set of verbs: `list`, `show`, `create`, `update` and `delete`; `set` for secrets and single settings;
`join`, `drain`, `resume` and `remove` for hosts; `connect`, `rotate` and `disconnect` for repositories. `create`
replaces a resource of the same name unless its help states otherwise. What deletes, removes, revokes, discards or
disconnects asks first on a terminal; `--yes` answers, and scripts are not asked, except before a whole project,
organization or person goes.

| exit code | meaning |
|---|---|
| 0 | success |
| 1 | failure: the document is not valid, the run failed, the resource does not exist |
| 2 | wrong use |
| 3 | the API cannot be reached, or refuses the request for want of a permission |
"""


def reference() -> str:
    """The page as Markdown."""
    sections = [_INTRODUCTION]
    program = typer.main.get_command(app)
    for path, command in _commands(program, "cadence"):
        # Commands inherit the names of the option for help from the program, as when they are called.
        context = command.make_context(
            path, [], resilient_parsing=True, terminal_width=110, max_content_width=110, **program.context_settings
        )
        sections.append(f"## `{path}`\n\n```\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(sections)


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All commands that are not groups, with their full names."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, found in inner.items():
        yield from _commands(found, f"{path} {name}")


if __name__ == "__main__":
    print(reference(), end="")
