"""The runner processes of a host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from .ending import Deadline
from .settings import HostSettings


class Children:
    """One process per runner, in a session of its own. Each watches its standard input, which closes when the host dies."""

    def __init__(self, settings: HostSettings, changed: threading.Event) -> None:
        self._settings, self._changed = settings, changed
        self._lock = threading.Lock()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def running(self) -> list[str]:
        with self._lock:
            return sorted(self._processes)

    @property
    def count(self) -> int:
        return len(self.running)

    def start(self, runner_id: str, token: str) -> None:
        """Start a runner, unless it runs already. Its token goes through a pipe."""
        settings = self._settings
        argv = [
            sys.executable,
            os.path.abspath(sys.argv[0]),
            "run",
            "--attached",
            "--gateway",
            settings.gateway,
            "--runner-id",
            runner_id,
        ]
        argv += ["--workspaces", str(settings.workspaces)]
        for path in [settings.state.parent, *settings.hidden]:
            argv += ["--hide", str(path)]
        with self._lock:
            if runner_id in self._processes:
                return
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True, close_fds=False)
            self._processes[runner_id] = process
        threading.Thread(target=self._watch, args=(runner_id, process, token), name=runner_id, daemon=True).start()

    def stop(self, runner_id: str) -> None:
        with self._lock:
            process = self._processes.get(runner_id)
        if process:
            process.send_signal(signal.SIGTERM)

    def terminate(self) -> None:
        for runner_id in self.running:
            self.stop(runner_id)

    def join(self, seconds: float) -> None:
        """Wait for all to end; kill those that have not after ``seconds`` (their commands die with them)."""
        patience = Deadline(seconds)
        while self.count and not patience.passed:
            time.sleep(0.02)
        with self._lock:
            left = list(self._processes.values())
        for process in left:
            process.kill()
            process.wait()

    def _watch(self, runner_id: str, process: subprocess.Popen[bytes], token: str) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(token.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            # It ended before it read its token; the control plane's boot deadline finds that.
            pass
        process.wait()
        process.stdin.close()
        with self._lock:
            del self._processes[runner_id]
        self._changed.set()
