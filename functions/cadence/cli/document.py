"""Reads a document that a command names."""

from pathlib import Path

import typer

from cadence.cli.failures import WRONG_USE, fail


def read_document(file: str) -> str:
    """The text of `file`, or of standard input for `-`. Ends the command if there is none."""
    try:
        data = typer.get_binary_stream("stdin").read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.", WRONG_USE) from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise fail(f"{file} is not UTF-8 text.", WRONG_USE) from None
