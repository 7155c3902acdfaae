"""The commands `storage`."""

from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import print_result, size

storage = typer.Typer(name="storage", help="How much the values of a project's runs take.", no_args_is_help=True)


@storage.command("show")
def show_storage(project: Project = None, as_json: Json = False) -> None:
    """Show how much the values of a project's runs take, and how much they may take."""
    with reporting_errors(as_json):
        current = connect(project).storage()
    _print_storage(current, as_json)


@storage.command("set")
def set_storage(
    mebibytes: Annotated[
        str, typer.Argument(metavar="MIB", help="Mebibytes, or `default` for the limit of the installation.")
    ],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Set how much the values of a project's runs may take.

    A treatment that would exceed it fails, and says so. Values that are kept already stay.
    """
    if not (mebibytes.isdecimal() or mebibytes == "default"):
        raise fail(f"MIB is a number or `default`, not {mebibytes!r}.", WRONG_USE)
    with reporting_errors(as_json):
        stored = connect(project).put_storage(None if mebibytes == "default" else int(mebibytes))
    _print_storage(stored, as_json)


def _print_storage(storage: Any, as_json: bool) -> None:
    origin = "set for the project" if storage["own"] else "the limit of the installation"
    used, limit, most = (size(storage[name]) for name in ("used", "limit", "most"))
    print_result(storage, f"{used} of {limit} ({origin}; at most {most})", as_json)
