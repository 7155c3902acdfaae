"""The real supervisor and MiniStack, with a small template and a host agent that only waits.

The variable ECHO_FAULT makes it fail: `synthesis`, `slow-synthesis` or `host`.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cadence.local.deployment.seed import StackCredentials
from cadence.local.ministack.server import MiniStack
from cadence.local.shared import lifeline
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.paths import StackPaths
from cadence.local.supervision.components import StackComponents
from cadence.local.supervision.supervisor import main

ASSEMBLY = Path(__file__).parent / "assembly"
FAULT = os.environ.get("ECHO_FAULT")
WAIT = "import time; time.sleep(600)"


async def synthesize() -> Path:
    if FAULT == "synthesis":
        raise LocalStackError("The templates could not be synthesized:\nno such construct")
    if FAULT == "slow-synthesis":
        await asyncio.sleep(600)
    return ASSEMBLY


async def seed(_: MiniStack, __: StackPaths) -> StackCredentials:
    return StackCredentials("api-token", "join-token")


async def host_command(_: str, __: StackCredentials, ___: StackPaths) -> tuple[Sequence[str], Mapping[str, str]]:
    program = "raise SystemExit('no such pool')" if FAULT == "host" else WAIT
    return (sys.executable, "-m", lifeline.__name__, sys.executable, "-c", program), {}


if __name__ == "__main__":
    sys.exit(main(StackComponents(synthesize, seed, host_command)))
