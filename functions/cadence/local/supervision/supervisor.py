"""The one process that starts the local stack, serves its front door, and stops it."""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from cadence.local.deployment.deploy import deploy
from cadence.local.front_door import FrontDoor
from cadence.local.ministack.server import MiniStack
from cadence.local.shared.connection import StackConnection
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.files import read_json, write_private_json
from cadence.local.shared.paths import CHECKOUT, SAVED, StackPaths
from cadence.local.shared.ports import LOOPBACK, first_free
from cadence.local.shared.progress import Say, say, step
from cadence.local.supervision import lifeline, record
from cadence.local.supervision.children import Child
from cadence.local.supervision.components import StackComponents
from cadence.local.supervision.processes import MARK, ProcessIdentity

DEFAULT_PORT = 8400
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_API_OUTPUTS = ("ApiUrl", "LiveUrl")


@dataclass(frozen=True)
class StackOptions:
    """How to start: in which folder, on which port (0: any that is free), with IAM enforced or not."""

    folder: Path
    port: int = DEFAULT_PORT
    enforce_iam: bool = False


class Supervisor:
    """Starts everything in order, and stops it in reverse whatever happened in between."""

    def __init__(self, options: StackOptions, out: Say, parts: StackComponents) -> None:
        self._options = options
        self._parts = parts
        self._paths = StackPaths.of(options.folder)
        self._say = out
        self._record = record.StackRecord(
            secrets.token_hex(8), "starting", [ProcessIdentity.of("supervisor", os.getpid())]
        )
        self._children: list[Child] = []

    async def run(self) -> None:
        """Serve until cancelled; raises `LocalStackError` if the stack cannot start or a part of it ends by itself."""
        self._paths.make()
        with record.held(self._paths):
            await self._clear_leftovers()
            self._enter("starting")
            try:
                async with AsyncExitStack() as cleanup:
                    try:
                        await self._start(cleanup)
                        await self._watch()
                    finally:
                        self._enter("stopping")
                        self._paths.connection.unlink(missing_ok=True)
            finally:
                self._paths.record.unlink(missing_ok=True)

    async def _clear_leftovers(self) -> None:
        left = await asyncio.to_thread(record.clear_leftovers, self._paths, _STOP_SECONDS)
        if left is None:
            return
        self._say("The last stack here was killed before it could stop; its files are cleared.")
        if left:
            self._say(f"  ended what it had left running: {', '.join(process.name for process in left)}")
        saved = max((path.stat().st_mtime for path in self._paths.state.glob("*.json")), default=None)
        if saved is not None:
            moment = datetime.fromtimestamp(saved).astimezone().strftime("%H:%M:%S on %d %B")
            self._say(f"  going on from the state saved at {moment}; what came after is lost")

    async def _start(self, cleanup: AsyncExitStack) -> None:
        self._say(f"Starting the local stack in {self._paths.home}")
        ports = read_json(self._paths.ports) or {}
        # The slowest step when nothing is cached, and needed only once MiniStack is there: so both begin together.
        synthesis = asyncio.ensure_future(self._parts.synthesize())
        cleanup.callback(synthesis.cancel)
        ministack = await self._start_ministack(cleanup, first_free(ports.get("ministack", 0)))
        with step(self._say, "synthesizing"):
            assembly = await synthesis
        outputs = await asyncio.to_thread(deploy, ministack, assembly, self._say)
        with step(self._say, "making sure of the default organization, project and pool"):
            credentials = await self._parts.seed(ministack, self._paths)
        await self._save()
        door = FrontDoor(*(ministack.local_address(outputs[name]) for name in _API_OUTPUTS))
        url = await self._open_front_door(cleanup, door, ports.get("front_door", 0))
        with step(self._say, "starting the host agent of pool 'local'"):
            command, environment = await self._parts.host_command(url, credentials, self._paths)
            await self._start_child(cleanup, "host-agent", command, environment)
        write_private_json(self._paths.ports, {"ministack": ministack.port, "front_door": int(url.rpartition(":")[2])})
        self._enter("serving")
        connection = StackConnection(
            url, credentials.api_token, melodium_url=f"{url}/0.1", aws_endpoint=ministack.endpoint
        )
        write_private_json(self._paths.connection, asdict(connection))
        self._say(f"Serving on {url}")

    async def _start_ministack(self, cleanup: AsyncExitStack, port: int) -> MiniStack:
        ministack = MiniStack(port)
        environment = ministack.server_environment(self._paths, enforce_iam=self._options.enforce_iam)
        with step(self._say, "starting MiniStack"):
            server = await self._start_child(cleanup, "ministack", self._parts.ministack, environment)
            await self._until_ready(ministack, server)
        return ministack

    async def _save(self) -> None:
        """Have what was set up so far saved as a whole: a kill while it is saved for the first time would leave half of it."""
        saved, server = self._paths.state / SAVED, self._children[0]
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        os.kill(server.identity.pid, signal.SIGUSR1)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not saved.exists() or saved.stat().st_mtime_ns == before:  # noqa: ASYNC110 (another process's file)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise LocalStackError(
                f"MiniStack has not saved its state in {self._paths.state}; its log: {server.log}"
            ) from None

    async def _start_child(
        self, cleanup: AsyncExitStack, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> Child:
        marked = {**environment, MARK: self._record.id}
        child = await Child.start(name, command, marked, self._paths.log(name), CHECKOUT)
        cleanup.push_async_callback(child.stop, _STOP_SECONDS)
        self._children.append(child)
        self._record.processes.append(child.identity)
        self._record.write(self._paths)
        return child

    async def _until_ready(self, ministack: MiniStack, server: Child) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not await asyncio.to_thread(ministack.is_ready):
                    if server.process.returncode is not None:
                        raise await server.ended_early()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise LocalStackError(
                f"MiniStack is not ready after {_READY_SECONDS:.0f} s; its log: {server.log}"
            ) from None

    async def _open_front_door(self, cleanup: AsyncExitStack, door: FrontDoor, last_port: int) -> str:
        wanted = self._options.port
        port = first_free(wanted, last_port) if wanted else first_free(last_port)
        await door.start(LOOPBACK, port)
        cleanup.push_async_callback(door.cleanup)
        if wanted and port != wanted:
            self._say(f"  port {wanted} is taken by another program: using {port}")
        return f"http://{LOOPBACK}:{port}"

    async def _watch(self) -> None:
        ends = [asyncio.create_task(child.ended_early()) for child in self._children]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            raise done.pop().result()
        finally:
            for end in ends:
                end.cancel()

    def _enter(self, phase: record.Phase) -> None:
        self._record.phase = phase
        self._record.write(self._paths)


async def supervise(options: StackOptions, out: Say, parts: StackComponents, *, attached: bool) -> int:
    """Run the stack until SIGTERM or SIGINT (or, if `attached`, until whoever started us is gone); the exit status."""
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(Supervisor(options, out, parts).run())

    def stop() -> None:
        # Once: what follows the first signal is the stopping itself, which no second one may cut short.
        if not serving.cancelling():
            serving.cancel()

    for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(kind, stop)
    if attached:

        def starter_is_gone() -> None:
            loop.call_soon_threadsafe(stop)

        lifeline.watch(starter_is_gone)
    try:
        await serving
    except asyncio.CancelledError:
        out("Stopped; pipelines, runs and logs are kept.")
        return 0
    except LocalStackError as error:
        out(f"error: {error}")
        return 1
    return 0


def main(parts: StackComponents) -> int:
    """The command line that `control.up` uses; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cadence.local.supervision.supervisor")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--enforce-iam", action="store_true")
    parser.add_argument("--attached", action="store_true", help="stop when the standard input closes")
    given = parser.parse_args()
    options = StackOptions(given.folder, given.port, given.enforce_iam)
    return asyncio.run(supervise(options, say, parts, attached=given.attached))


if __name__ == "__main__":
    sys.exit(main(StackComponents()))
