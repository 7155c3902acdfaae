"""The host agent: joins a pool, leases work, and starts a process for each runner."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Union

from ..execution import private_network
from ..execution.workspace import sweep
from ..gateway.client import GatewayClient, Json
from ..gateway.connections import HttpConnections
from ..runner.facts import facts
from ..runner.settings import StartedBy
from ..shared.clock import Deadline
from ..shared.errors import AgentError, GatewayUnreachable, RequestRefused
from . import machine_findings
from .host_settings import HostSettings
from .kubernetes_jobs import KubernetesJobs
from .runner_processes import RunnerProcesses
from .work_notifications import PAUSE_AFTER_FAILURE, WorkNotifications

LEASE_PATIENCE = 5.0
#: The control plane keeps with the host what it has started since its last request, and writes that for each.
STARTS_BETWEEN_REQUESTS = 8
STOP_SECONDS = 20.0

#: Processes of this machine, or jobs of the agent's cluster.
Runners = Union[RunnerProcesses, KubernetesJobs]


class HostAgent:
    """``join_token`` is called only if this host has not joined yet."""

    def __init__(
        self, settings: HostSettings, runners: Callable[[threading.Event], Runners], join_token: Callable[[], str]
    ) -> None:
        self._settings, self._join_token = settings, join_token
        self._wake = threading.Event()
        #: Set if runners are a reason to ask for work.
        self._changed = _Relayed(self._wake)
        self._draining = False
        self._notifications = WorkNotifications(self._wake)
        self._runners = runners(self._changed)
        self._connections = HttpConnections(30.0)
        self._last_call = 0
        #: With it this host makes one-time tokens of runners that notifications name.
        self._claim_key: str | None = None
        self._started = 0
        #: What the control plane does not know yet: a host that has joined before may have other programs by now.
        self._news: Json | None = None

    def run(self) -> int:
        """Serves the pool until SIGTERM or SIGINT, then lets the runners end.

        Raises GatewayError if joining is refused.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._drain)
        self._prepare()
        host_id, gateway = self._identity()
        say(f"host {host_id} serves pool {self._settings.pool} with {self._settings.slots} slots")
        while not self._draining:
            if self._runners.fork_server_lost:
                raise AgentError("the process that starts runners was killed; the runners end with this host")
            pause = PAUSE_AFTER_FAILURE
            self._wake.clear()
            self._changed.clear()
            try:
                answer = self._lease(gateway, host_id, self._settings.slots - self._runners.count)
                pause = self._act_on(answer)
            except RequestRefused as error:
                if error.status == 409:
                    say(str(error))
                    self._wake.wait(pause)
                    continue
                if error.status not in (401, 403, 404):
                    raise
                say(f"the control plane does not know this host any more ({error}); joining again")
                self._settings.state.unlink()
                host_id, gateway = self._identity()
                continue
            except GatewayUnreachable as error:
                say(str(error))
            self._wait(host_id, pause)
        self._leave(gateway, host_id)
        return 0

    def _prepare(self) -> None:
        """Removes what killed runners left, and reports what this machine has to keep commands apart."""
        for leftover in sweep(self._settings.workspaces):
            say(f"removed {leftover}, left by a runner that was killed")
        if self._settings.cgroups:
            self._settings.cgroups.sweep()
        if isinstance(self._runners, RunnerProcesses):
            for line in machine_findings.found(limits=self._settings.cgroups is not None):
                say(line)
            machine_findings.report_container_engine(say)

    def _drain(self, *_: Any) -> None:
        if self._draining:
            self._runners.terminate()
        self._draining = True
        self._wake.set()

    def _identity(self) -> tuple[str, GatewayClient]:
        """Returns this host's id and its client, from the state file or by joining the pool."""
        settings = self._settings
        try:
            known = json.loads(settings.state.read_text())
        except FileNotFoundError:
            known = {}
        except (OSError, ValueError) as error:
            raise AgentError(
                f"the state file {settings.state} cannot be read ({error}); delete it to join anew"
            ) from error
        reported = {
            **facts(settings.workspaces),
            "cgroups": settings.cgroups.version if settings.cgroups else None,
            "private_network": private_network.PROGRAM if private_network.program() else None,
        }
        if known.get("gateway") == settings.gateway and known.get("pool") == settings.pool:
            self._news = reported
        else:
            joining = GatewayClient(settings.gateway, self._join_token(), self._connections)
            request = {
                "pool": settings.pool,
                "name": settings.name,
                "facts": reported,
                "slots": settings.slots,
                "labels": settings.labels,
            }
            answer = joining.call("hosts", request, patience=60.0)
            known = {
                "gateway": settings.gateway,
                "pool": settings.pool,
                "host_id": answer["host_id"],
                "token": answer["token"],
            }
            _write_private(settings.state, json.dumps(known))
            self._news = None
        return known["host_id"], GatewayClient(settings.gateway, known["token"], self._connections)

    def _lease(self, gateway: GatewayClient, host_id: str, free: int) -> Json:
        def request() -> Json:
            # The clock makes the numbers grow over restarts too.
            self._last_call = max(self._last_call + 1, time.time_ns() // 1_000_000)
            body = {"call": self._last_call, "free_slots": max(0, free), "running": self._runners.running}
            return body if self._news is None else {**body, "facts": self._news}

        try:
            answer = gateway.call(f"hosts/{host_id}/lease", request, patience=LEASE_PATIENCE)
            self._news = None
            return answer
        except RequestRefused as error:
            # The clock was set back, or a connection that broke made the request arrive twice.
            self._last_call = max(self._last_call, int(error.details.get("last_call", 0)))
            raise

    def _wait(self, host_id: str, seconds: float) -> None:
        """Waits until this host has to ask for work; meanwhile starts runners that notifications name."""
        waiting = Deadline(seconds)
        while True:
            self._wake.wait(waiting.seconds_left)
            self._wake.clear()
            named = self._notifications.take()
            if self._draining or self._changed.is_set() or not named or not self._start_named(host_id, named):
                return
            if not self._has_room:
                continue
            if self._started >= STARTS_BETWEEN_REQUESTS:
                return
            self._notifications.listen_again()

    def _start_named(self, host_id: str, named: list[str]) -> bool:
        """Starts runners that are offered, and that their claims are to lease; returns False if some were not started.

        So no runner overtakes another one: this host has had room since it asked for work, so none has waited for it.
        """
        if self._claim_key is None or not isinstance(self._runners, RunnerProcesses):
            return False
        for runner_id in named:
            if not self._has_room or self._started >= STARTS_BETWEEN_REQUESTS:
                return False
            self._started += 1
            token = hmac.new(self._claim_key.encode(), f"claim {runner_id}".encode(), hashlib.sha256).hexdigest()
            self._runners.start(runner_id, token, StartedBy(host_id, self._last_call))
        return True

    def _act_on(self, answer: Json) -> float:
        """Starts and stops runners; returns the seconds to wait for a notification or the next poll."""
        self._claim_key, self._started = answer.get("claim_key"), 0
        for assignment in answer["assignments"]:
            self._runners.start(assignment["runner_id"], assignment["token"])
        for runner_id in answer["stop"]:
            self._runners.stop(runner_id)
        notification = answer.get("work_notification")
        if not notification:
            return max(0.05, float(answer["poll_seconds"]))
        if self._has_room:
            self._notifications.listen(notification["url"], float(notification["wait_seconds"]))
        return float(notification["wait_seconds"]) + PAUSE_AFTER_FAILURE

    @property
    def _has_room(self) -> bool:
        """Whether this host is to be notified: a full one asks when a runner ends, and leaves notifications to others.

        Told by the runners of now, not of when it asked: of those that have ended since, it was not to hear again.
        """
        return self._runners.count < self._settings.slots

    def _leave(self, gateway: GatewayClient, host_id: str) -> None:
        """Leases no more work; waits for the runners for the grace period, then stops them."""
        say("stopping: no new work is taken")
        self._runners.leaving = True
        grace = Deadline(self._settings.grace_seconds)
        while self._runners.count and not grace.passed:
            self._wake.clear()
            try:
                for runner_id in self._lease(gateway, host_id, 0)["stop"]:
                    self._runners.stop(runner_id)
            except (RequestRefused, GatewayUnreachable) as error:
                say(str(error))
            self._wake.wait(min(grace.seconds_left, PAUSE_AFTER_FAILURE))
        self._runners.terminate()
        self._runners.join(STOP_SECONDS)
        if self._settings.cgroups:
            self._settings.cgroups.remove()


class _Relayed(threading.Event):
    """An event that sets another one, too."""

    def __init__(self, to: threading.Event) -> None:
        super().__init__()
        self._to = to

    def set(self) -> None:
        super().set()
        self._to.set()


def say(text: str) -> None:
    """Prints one line for the host's operator."""
    print(f"cadence-host: {text}", file=sys.stderr, flush=True)


def _write_private(path: Path, content: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(content)
    unfinished.replace(path)
