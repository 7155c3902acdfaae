"""Short programs that the supervisor runs for their output."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.paths import CHECKOUT


async def output_of(what: str, *arguments: str, environment: Mapping[str, str] | None = None, given: str = "") -> str:
    """Run Python with the arguments in the checkout, `given` as its standard input, and answer what it printed.

    Raises `LocalStackError`, beginning with `what`, if it fails. It ends with the caller if that is cancelled.
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
        raise LocalStackError(f"{what}:\n{_end(errors)}")
    return output.decode()


def _path() -> str:
    """This environment's programs first, among them the Node that the CDK needs."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _end(errors: bytes, lines: int = 12) -> str:
    """The last lines, where Python says what went wrong."""
    return "\n".join(f"  {line}" for line in errors.decode(errors="replace").strip().splitlines()[-lines:])
