"""The processes that the supervisor starts: each in a session of its own, with a log; they end with the supervisor."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cadence.local.shared.errors import LocalStackError
from cadence.local.supervision.processes import ProcessIdentity


@dataclass
class Child:
    """A running process. Its standard input is a pipe from the supervisor; it ends when that closes (`lifeline`)."""

    name: str
    log: Path
    process: asyncio.subprocess.Process
    identity: ProcessIdentity

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
    ) -> "Child":
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=_environment() | dict(environment),
                cwd=folder,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(name, log, process, ProcessIdentity.of(name, process.pid))

    async def ended_early(self) -> LocalStackError:
        """Waits until the process ends by itself; returns the error for the user."""
        status = await self.process.wait()
        end = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return LocalStackError(f"{self.name} {end}; its last lines:\n{_tail(self.log)}\nThe whole log: {self.log}")

    async def stop(self, grace: float) -> None:
        """Terminates the process, waits up to `grace` seconds, then kills what is left of its session."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self.process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])


def _environment() -> dict[str, str]:
    """The environment of this process without PYTHONDONTWRITEBYTECODE, so that each Lambda need not compile its
    modules.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
