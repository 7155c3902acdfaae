"""Reads the document that a command names."""

from pathlib import Path

import typer

from cadence.cli.shared.errors import FAILED, WRONG_USE, fail

MOST_BYTES = 5_000_000
"""The most bytes of a document. Repeated here so that the command line starts without importing the validator."""


def read_document(file: str) -> str:
    """The text of `file`, or of standard input for `-`.

    Ends the command if it cannot be read, is too large or is not UTF-8.
    """
    try:
        data = typer.get_binary_stream("stdin").read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.", WRONG_USE) from None
    if len(data) > MOST_BYTES:
        problem = f"{file} has {len(data):,} bytes; a document has at most {MOST_BYTES:,} (document-too-large)."
        raise fail(f"{problem} Split the pipeline, or move long scripts into files of the repository.", FAILED)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise fail(f"{file} is not UTF-8 text.", WRONG_USE) from None
