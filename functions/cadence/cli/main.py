"""The program `cadence`."""

import importlib.util

import typer

from cadence.cli.lazy_commands import LazyGroup

app = typer.Typer(
    name="cadence",
    cls=LazyGroup,
    help="An open control plane for integration pipelines.",
    no_args_is_help=True,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from cadence import __version__

        typer.echo(f"cadence {__version__}")
        raise typer.Exit


def _refuse_json(given: bool) -> None:
    if given:
        raise typer.BadParameter("Write --json after the command, such as: cadence runs --json")


@app.callback()
def options(
    as_json: bool = typer.Option(False, "--json", callback=_refuse_json, is_eager=True, hidden=True),
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
    """Run the whole stack on this machine: up, down, status."""
    if any(importlib.util.find_spec(name) is None for name in ("cadence.local", "ministack", "aiohttp")):
        from cadence.cli.shared.errors import WRONG_USE, fail

        raise fail(
            "The local stack is not installed. Install it with: pip install 'cadence-control-plane[local]'", WRONG_USE
        )
    from cadence.local.commands import app as local_app  # slow to import, and needed by this command only

    local_app(context.args, prog_name="cadence local")


def main() -> None:
    """Runs the command that the arguments name."""
    app()


if __name__ == "__main__":
    main()
