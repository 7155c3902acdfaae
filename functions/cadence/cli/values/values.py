"""The commands `value`."""

import base64
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.client.session import Json
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json as AsJson
from cadence.cli.shared.options import Run
from cadence.cli.shared.output import out, print_json, print_list, size
from cadence.cli.shared.preview import previewed
from cadence.cli.shared.transfers import with_progress

_PIECE = 1024 * 1024
_PREVIEW = 4096

value = typer.Typer(name="value", help="Values that treatments sent to each other.", no_args_is_help=True)

Port = Annotated[str, typer.Argument(metavar="SHA256|TREATMENT.PORT", help="A value, by its digest or by its port.")]
Input = Annotated[bool, typer.Option("--input", help="TREATMENT.PORT is an input.")]
Attempt = Annotated[
    int | None, typer.Option(min=1, help="The output of this attempt (default: the latest).", show_default=False)
]


@value.command("list")
def list_values(run_id: Run, as_json: AsJson = False) -> None:
    """List what the treatments of a run have sent: files, streams and values."""
    with reporting_errors(as_json):
        found = list(connect().values(run_id))
    print_list(
        found,
        ("VALUE", "TYPE", "SIZE", "DIGEST"),
        lambda one: (
            f"{one['treatment']}.{one['port']}",
            f"{one['flow'].capitalize()}<{one['type']}>",
            size(one["size"]),
            (one["sha256"] or "")[:16] if one["kept"] else "not kept",
        ),
        as_json,
    )


@value.command("show")
def show(
    run_id: Run,
    port: Port,
    offset: Annotated[int, typer.Option(help="The first byte; negative counts from the end.")] = 0,
    length: Annotated[int, typer.Option(min=1, max=_PIECE, help="The number of bytes.")] = _PREVIEW,
    of_input: Input = False,
    attempt: Attempt = None,
    as_json: AsJson = False,
) -> None:
    """Show a value, or a part of it, in a form that suits its content.

    A stream can be read while it flows; so can the output of a failed attempt.
    """
    with reporting_errors(as_json):
        piece = _piece(connect(), run_id, port, offset, length, of_input, attempt)
    if as_json:
        print_json(piece)
        return
    content = base64.b64decode(piece["content_base64"])
    end = piece["offset"] + len(content)
    more = "" if piece["ended"] else ", still growing"
    failed = "  kept of a failed attempt" if piece.get("failed") else ""
    digest = f"  sha256:{piece['sha256'][:16]}" if piece["sha256"] else ""
    out.print(
        Text.assemble(
            (f"{piece['treatment']}.{piece['port']}", "bold"),
            f"  {piece['flow'].capitalize()}<{piece['type']}>  ",
            f"bytes {piece['offset']:,} to {end:,} of {piece['size']:,} ({size(piece['size'])}{more})",
            (digest, "dim"),
            (failed, "yellow"),
        )
    )
    out.print(previewed(piece["shown"], 1000))


@value.command("download")
def download(
    run_id: Run,
    port: Port,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file (default: standard output).", show_default=False)
    ] = None,
    of_input: Input = False,
    attempt: Attempt = None,
    as_json: AsJson = False,
) -> None:
    """Download a whole value, or what a stream has sent so far."""
    with reporting_errors(as_json):
        client = connect()
        if "." not in port:
            found = client.value(run_id, port)
            if as_json:
                print_json(found)
                return
            _write(output, client.read_value(run_id, port), found["size"], port)
            return
        piece = _piece(client, run_id, port, 0, 1, of_input, attempt)
        if as_json:
            print_json(client.value(run_id, piece["sha256"]) if piece["sha256"] and not piece["failed"] else piece)
        elif piece["sha256"] and attempt is None and piece["ended"] and not piece["failed"]:
            _write(output, client.read_value(run_id, piece["sha256"]), piece["size"], port)
        else:
            pieces = _pieces(client, run_id, port, piece["size"], of_input, attempt)
            _write(output, pieces, piece["size"], port)


def _pieces(client: Client, run_id: str, port: str, size: int, of_input: bool, attempt: int | None) -> Json:
    at = 0
    while at < size:
        piece = _piece(client, run_id, port, at, min(_PIECE, size - at), of_input, attempt)
        content = base64.b64decode(piece["content_base64"])
        yield content
        at += len(content)


def _piece(
    client: Client, run_id: str, port: str, offset: int, length: int, of_input: bool, attempt: int | None
) -> Json:
    """A piece of a port or value, in the shape in which the API returns pieces of ports."""
    if "." in port:
        treatment, _, name = port.rpartition(".")
        if of_input and attempt:
            raise fail("--attempt is for outputs only: an input has no attempts.", WRONG_USE)
        side = "inputs" if of_input else "outputs"
        return client.content(run_id, treatment, name, offset, length, side, attempt)
    found = client.piece_of_value(run_id, port, offset, length)
    return {**found, "ended": True}


def _write(output: Path | None, pieces: Json, total: int, what: str) -> None:
    """Writes to the file or to standard output, with the progress unless the bytes themselves go to the terminal."""
    shown = with_progress(pieces, total, what) if output or not sys.stdout.isatty() else pieces
    with output.open("wb") if output else sys.stdout.buffer as target:
        for piece in shown:
            target.write(piece)
