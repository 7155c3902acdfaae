"""The supervisor: the process that starts the local stack, serves its front door, and stops it."""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from cadence.local.deployment.deploy import deploy
from cadence.local.front_door import FrontDoor
from cadence.local.ministack.server import MiniStack
from cadence.local.shared import lifeline
from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.connection import StackConnection
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.files import read_json, write_private_json
from cadence.local.shared.paths import CHECKOUT, SAVED, StackPaths
from cadence.local.shared.ports import LOOPBACK, first_free
from cadence.local.shared.progress import PrintLine, print_line, step
from cadence.local.supervision import record
from cadence.local.supervision.children import Child
from cadence.local.supervision.components import StackComponents
from cadence.local.supervision.processes import MARK, ProcessIdentity
from cadence.local.supervision.saves import clock, late_save, missing
from cadence.local.supervision.workspaces import workspaces

DEFAULT_PORT = 8400
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_SAVES_SECONDS = 10.0
_API_OUTPUTS = ("ApiUrl", "LiveUrl")


@dataclass(frozen=True)
class StackOptions:
    """The folder of the stack, its port (0: any free one), and whether IAM is enforced."""

    folder: Path
    port: int = DEFAULT_PORT
    enforce_iam: bool = True


class Supervisor:
    """Starts the parts of the stack in order, and stops them in reverse, whatever happens in between."""

    def __init__(self, options: StackOptions, out: PrintLine, components: StackComponents) -> None:
        self._options = options
        self._components = components
        self._paths = StackPaths.of(options.folder)
        self._print_line = out
        self._record = record.StackRecord(
            secrets.token_hex(8), "starting", [ProcessIdentity.of("supervisor", os.getpid())]
        )
        self._children: list[Child] = []

    async def run(self) -> None:
        """Serves until cancelled. Raises LocalStackError if the stack cannot start or a part of it ends by itself."""
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
        self._print_line("The last stack in this folder was killed. Its files are cleared.")
        if left:
            self._print_line(f"  stopped its leftover processes: {', '.join(process.name for process in left)}")
        saved = max((path.stat().st_mtime for path in self._paths.state.glob("*.json")), default=None)
        if saved is not None:
            logs = [self._paths.log(name) for name in ("ministack", "host-agent")]
            alive = max((path.stat().st_mtime for path in logs if path.exists()), default=saved)
            self._print_line(
                f"  continuing from the state saved at {clock(saved)}; {missing(alive - saved)} may be missing"
            )
            self._print_line("  runs that were under way may not continue; repeat them: cadence rerun RUN --failed")

    async def _start(self, cleanup: AsyncExitStack) -> None:
        self._print_line(f"Starting the local stack in {self._paths.home}")
        ports = read_json(self._paths.ports) or {}
        # The slowest step when nothing is cached. It is needed only once MiniStack is ready, so both start together.
        synthesis = asyncio.ensure_future(self._components.synthesize())
        cleanup.callback(synthesis.cancel)
        ministack = await self._start_ministack(cleanup, first_free(ports.get("ministack", 0)))
        with step(self._print_line, "synthesizing"):
            assembly = await synthesis
        outputs = await asyncio.to_thread(deploy, ministack, assembly, self._print_line)
        with step(self._print_line, "seeding the default organization, project and pool"):
            credentials = await self._components.seed(ministack, self._paths)
        await self._save()
        door = FrontDoor(*(ministack.local_address(outputs[name]) for name in _API_OUTPUTS))
        url = await self._open_front_door(cleanup, door, ports.get("front_door", 0))
        cleanup.enter_context(workspaces(self._paths))
        with step(self._print_line, "starting the host agent of pool 'local'"):
            command, environment = await self._components.host_command(url, credentials, self._paths)
            await self._start_child(cleanup, "host-agent", command, environment)
        write_private_json(self._paths.ports, {"ministack": ministack.port, "front_door": int(url.rpartition(":")[2])})
        self._enter("serving")
        connection = StackConnection(
            url, credentials.api_token, melodium_url=f"{url}/0.1", aws_endpoint=ministack.endpoint
        )
        write_private_json(self._paths.connection, asdict(connection))
        self._print_line(f"Serving on {url}")

    async def _start_ministack(self, cleanup: AsyncExitStack, port: int) -> MiniStack:
        ministack = MiniStack(port, AccountKey.kept(self._paths))
        environment = ministack.server_environment(self._paths, enforce_iam=self._options.enforce_iam)
        with step(self._print_line, "starting MiniStack"):
            server = await self._start_child(cleanup, "ministack", self._components.ministack, environment)
            await self._until_ready(ministack, server)
        return ministack

    async def _save(self) -> None:
        """Requests a complete save: a kill during the first save would leave a part of the state only."""
        saved, server = self._paths.state / SAVED, self._children[0]
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        os.kill(server.identity.pid, signal.SIGUSR1)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not saved.exists() or saved.stat().st_mtime_ns == before:  # noqa: ASYNC110 (another process's file)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise LocalStackError(
                f"MiniStack did not save its state in {self._paths.state}. Its log: {server.log}"
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
                f"MiniStack is not ready after {_READY_SECONDS:.0f} s. Its log: {server.log}"
            ) from None

    async def _open_front_door(self, cleanup: AsyncExitStack, door: FrontDoor, last_port: int) -> str:
        wanted = self._options.port
        port = first_free(wanted, last_port) if wanted else first_free(last_port)
        await door.start(LOOPBACK, port)
        cleanup.push_async_callback(door.cleanup)
        if wanted and port != wanted:
            self._print_line(f"  port {wanted} is in use by another program: using {port}")
        return f"http://{LOOPBACK}:{port}"

    async def _watch(self) -> None:
        ends = [asyncio.create_task(child.ended_early()) for child in self._children]
        saves = asyncio.create_task(self._watch_saves())
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            raise done.pop().result()
        finally:
            for task in (*ends, saves):
                task.cancel()

    async def _watch_saves(self) -> None:
        """Prints a warning when the state is not saved any more, and a line when it is again."""
        warned = False
        while True:
            await asyncio.sleep(_SAVES_SECONDS)
            warning = await asyncio.to_thread(late_save, self._paths)
            if warning and not warned:
                self._print_line(f"warning: {warning}")
            elif warned and not warning:
                self._print_line("The state is saved again.")
            warned = warning is not None

    def _enter(self, phase: record.Phase) -> None:
        self._record.phase = phase
        self._record.write(self._paths)


async def supervise(options: StackOptions, out: PrintLine, components: StackComponents, *, attached: bool) -> int:
    """Runs the stack until SIGTERM or SIGINT, or with `attached` until its starter ends; returns the exit status."""
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(Supervisor(options, out, components).run())

    def stop() -> None:
        # Only once: a second signal must not interrupt the stop.
        if not serving.cancelling():
            serving.cancel()

    for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(kind, stop)
    if attached:

        def stop_with_starter() -> None:
            loop.call_soon_threadsafe(stop)

        lifeline.watch(stop_with_starter)
    try:
        await serving
    except asyncio.CancelledError:
        out("Stopped. Pipelines, runs and logs are kept.")
        return 0
    except LocalStackError as error:
        out(f"error: {error}")
        return 1
    return 0


def main(components: StackComponents) -> int:
    """The command line that `control.up` runs; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cadence.local.supervision.supervisor")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--enforce-iam", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--attached", action="store_true", help="stop when the standard input closes")
    arguments = parser.parse_args()
    options = StackOptions(arguments.folder, arguments.port, arguments.enforce_iam)
    return asyncio.run(supervise(options, print_line, components, attached=arguments.attached))


if __name__ == "__main__":
    sys.exit(main(StackComponents()))
