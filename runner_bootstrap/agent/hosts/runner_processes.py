"""The runner processes of a host."""

from __future__ import annotations

import os
import signal
import threading
import time

from ..runner.settings import StartedBy
from ..shared.clock import Deadline
from .fork_server import ForkServer
from .host_settings import HostSettings


class RunnerProcesses:
    """One process per runner, in its own session; each watches its standard input, which closes when the host dies.

    ``changed`` is set when a process ends, unless the control plane need not hear of it at once: the process ended
    well, so that it has handed in its result, and the host had room for more work all the time.
    """

    def __init__(self, settings: HostSettings, fork_server: ForkServer, changed: threading.Event) -> None:
        self._settings, self._fork_server, self._changed = settings, fork_server, changed
        self._lock = threading.Lock()
        #: Runner id → the host's end of its standard input.
        self._inputs: dict[str, int] = {}
        self.fork_server_lost = False
        #: Whether ``changed`` is set at every end.
        self.leaving = False
        threading.Thread(target=self._watch, name="children", daemon=True).start()

    @property
    def running(self) -> list[str]:
        with self._lock:
            return sorted(self._inputs)

    @property
    def count(self) -> int:
        return len(self.running)

    def start(self, runner_id: str, token: str, started_by: StartedBy | None = None) -> None:
        """Starts a runner, unless it is running. Its token is sent through a pipe.

        With ``started_by``, this host has not leased it: its claim does.
        """
        settings = self._settings
        arguments = ["run", "--attached", "--gateway", settings.gateway, "--runner-id", runner_id]
        arguments += ["--workspaces", str(settings.workspaces)]
        for path in [settings.state.parent, *settings.hidden]:
            arguments += ["--hide", str(path)]
        for path in settings.shown:
            arguments += ["--show", str(path)]
        if settings.cgroups:
            arguments += ["--cgroups", settings.cgroups.describe()]
        if started_by:
            arguments += ["--host-id", started_by.host_id, "--last-call", str(started_by.last_call)]
        with self._lock:
            if runner_id in self._inputs:
                return
            theirs, ours = os.pipe()
            self._inputs[runner_id] = ours
        # Less than a pipe holds, so this does not block.
        os.write(ours, token.encode() + b"\n")
        try:
            self._fork_server.start(runner_id, arguments, theirs)
        finally:
            os.close(theirs)

    def stop(self, runner_id: str) -> None:
        """Sends SIGTERM to a runner."""
        if runner_id in self.running:
            self._fork_server.signal(runner_id, signal.SIGTERM)

    def terminate(self) -> None:
        """Sends SIGTERM to all runners."""
        for runner_id in self.running:
            self.stop(runner_id)

    def join(self, seconds: float) -> None:
        """Waits for all runners to end; after ``seconds`` kills the others, whose commands die with them."""
        patience = Deadline(seconds)
        while self.count and not patience.passed:
            time.sleep(0.02)
        for runner_id in self.running:
            self._fork_server.signal(runner_id, signal.SIGKILL)

    def _watch(self) -> None:
        while True:
            end = self._fork_server.next_ended()
            if end is None:
                self.fork_server_lost = True
                self._changed.set()
                return
            ended, well = end
            if self._settings.cgroups:
                self._settings.cgroups.discard(ended)
            with self._lock:
                full = len(self._inputs) >= self._settings.slots
                os.close(self._inputs.pop(ended))
            if full or not well or self.leaving:
                self._changed.set()
