"""The program `cadence`."""

import importlib.util

import typer

from cadence.cli import (
    alerting,
    exports,
    gates,
    hosting,
    keeping,
    logs,
    melodium,
    pools,
    programs,
    replaying,
    resources,
    runs,
    searching,
    tracing,
    values,
)
from cadence.cli.deploying import deploy
from cadence.cli.failures import WRONG_USE, fail
from cadence.cli.importing import import_

app = typer.Typer(
    name="cadence",
    help="An open control plane for integration pipelines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for command in (
    runs.validate,
    runs.run,
    runs.start,
    runs.runs,
    runs.show,
    logs.logs,
    searching.search,
    tracing.trace,
    runs.cancel,
    runs.rerun,
    replaying.replay,
    gates.approve,
    gates.refuse,
    gates.approval_link,
    exports.cost,
    keeping.audit,
    deploy,
):
    app.command()(command)
app.command("import")(import_)
for group in (
    values.value,
    resources.pipeline,
    programs.program,
    resources.secret,
    gates.environment,
    resources.githost,
    resources.token,
    pools.pool,
    gates.quota,
    exports.export,
    alerting.alert,
    melodium.melodium,
    keeping.aside,
    keeping.retention,
    hosting.host,
    resources.runner,
):
    app.add_typer(group)


def _print_version(wanted: bool) -> None:
    if wanted:
        from cadence import __version__

        typer.echo(f"cadence {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """An open control plane for integration pipelines."""


@app.command(
    "local",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def local(context: typer.Context) -> None:
    """The whole stack on this machine: up, down, status."""
    if any(importlib.util.find_spec(name) is None for name in ("cadence.local", "ministack", "aiohttp")):
        raise fail("The local stack is not installed here: pip install 'cadence-control-plane[local]'", WRONG_USE)
    from cadence.local.commands import app as local_app  # slow to import, and needed by this command only

    local_app(context.args, prog_name="cadence local")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
