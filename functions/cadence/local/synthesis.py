"""Has the templates for `place=local` written, by a process of its own since the CDK needs much memory."""

import asyncio
import sys
from pathlib import Path

from cadence.local.errors import LocalStackError
from cadence.local.paths import CHECKOUT

_PROGRAM = "from infra.synth import assembly; print(assembly('local'))"


async def synthesize() -> Path:
    """The folder of the assembly, from the cache if nothing that it is made of has changed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM,
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise LocalStackError(f"The templates could not be synthesized:\n{errors.decode(errors='replace').strip()}")
    return Path(output.decode().splitlines()[-1])
