"""Runs short programs for their output."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.paths import CHECKOUT


async def output_of(
    failure: str, *arguments: str, environment: Mapping[str, str] | None = None, given: str = ""
) -> str:
    """Runs Python with the arguments in the checkout and `given` as its standard input; returns its output.

    Raises LocalStackError, whose message begins with `failure`, if it fails. Cancelling the caller ends the program.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=CHECKOUT,
        env={**os.environ, "PATH": _path(), **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await process.communicate(given.encode())
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        raise LocalStackError(f"{failure}:\n{_last_lines(errors)}")
    return output.decode()


def _path() -> str:
    """PATH with the programs of this environment first, among them the Node that the CDK needs."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _last_lines(errors: bytes, lines: int = 12) -> str:
    """The last lines, which hold Python's error message."""
    return "\n".join(f"  {line}" for line in errors.decode(errors="replace").strip().splitlines()[-lines:])
