"""Reads tokens from a file or standard input. A token in the environment is moved to standard input by a restart."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..shared.errors import AgentError

LONGEST = 4096


def leave_environment(variable: str) -> None:
    """Restarts this program with the token on standard input if it is in the environment variable.

    Removing a variable does not clear what ``/proc`` shows of a process's environment; only a new program image does.
    """
    token = os.environ.pop(variable, None)
    if token is None:
        return
    reading, writing = os.pipe()
    os.write(writing, token.encode()[:LONGEST] + b"\n")
    os.close(writing)
    os.dup2(reading, 0)
    os.execv(
        sys.executable,
        [sys.executable, *sys.orig_argv[1:]] if hasattr(sys, "orig_argv") else [sys.executable, *sys.argv],
    )


def read_token(file: Path | None = None) -> str:
    """Returns the first line of the file or of standard input. Raises AgentError if there is none."""
    if file is not None:
        try:
            token = file.read_text().strip()
        except OSError as error:
            raise AgentError(f"the token file {file} cannot be read: {error.strerror}") from error
    else:
        content = b""
        # Byte by byte, since the input behind the first line belongs to another reader.
        while len(content) < LONGEST and not content.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                break
            content += byte
        token = content.decode("utf-8", "replace").strip()
    if not token:
        raise AgentError("there is no token: give it on standard input" + (f" or in {file}" if file else ""))
    return token
