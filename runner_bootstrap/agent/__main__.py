"""The agent's commands:

``run`` works on one assignment, ``host`` serves a pool, ``relay`` gives an engine workers, ``shell`` connects this
terminal with a runner, ``replay`` runs a treatment from a folder and ``replay-captured`` one of a captured program.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

from .arguments import argument_parser
from .containers.pod import Pod
from .execution import private_network, processes
from .execution.cgroups import Cgroups
from .execution.sandbox import Bubblewrap
from .execution.supervisor import CommandSupervisor
from .gateway.client import GatewayClient
from .gateway.tokens import leave_environment, read_token
from .hosts.fork_server import ForkServer
from .hosts.host import HostAgent, Runners
from .hosts.host_settings import HostSettings
from .hosts.kubernetes_jobs import ClusterApi, KubernetesJobs
from .hosts.runner_processes import RunnerProcesses
from .melodium import engine_binary
from .melodium.engine_api_proxy import EngineApiProxy
from .programs import capture_replay
from .replay.local_replay import read_secrets, replay, settings_for
from .replay.replay_folder import ReplayFolder
from .runner import interruption_notices
from .runner.claim import claim
from .runner.runner import AssignmentRunner
from .runner.settings import RunnerSettings, StartedBy
from .shared.errors import INFRASTRUCTURE, INTERRUPTED, AgentError, GatewayError
from .shared.termination import Termination
from .shells.terminal_client import attach
from .tunnels.relay import Relay, connect_shell

EXIT_REPORTED, EXIT_NOT_REPORTED, EXIT_WRONG_USE, EXIT_NO_CLAIM = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    options = argument_parser().parse_args(arguments)
    processes.hide_from_others()
    try:
        return _COMMANDS[options.command](options)
    except (AgentError, GatewayError) as error:
        print(f"cadence-agent: {error}", file=sys.stderr)
        return EXIT_NO_CLAIM


def _run(options: argparse.Namespace) -> int:
    leave_environment("CADENCE_RUNNER_TOKEN")
    token = read_token()
    # Forked before there is a thread, an open connection or a secret that it could inherit.
    supervisor = CommandSupervisor.fork()
    termination = _stoppable()
    if options.attached:
        threading.Thread(target=_watch_input, args=(termination,), name="attached", daemon=True).start()
    pod = Pod.detect()
    workspaces = pod.workspaces if pod else options.workspaces.expanduser().absolute()
    settings = RunnerSettings(
        runner_id=options.runner_id,
        parent=workspaces,
        hidden=options.hide,
        shown=options.show,
        cgroups=options.cgroups,
        pod=pod,
        shared=options.attached and pod is None,
        started_by=StartedBy(options.host_id, options.last_call) if options.host_id else None,
    )
    gateway = GatewayClient(options.gateway, token)
    interruption_notices.watch(termination)
    try:
        assignment = claim(gateway, settings)
        reported = AssignmentRunner(
            gateway=gateway.with_token(assignment.session_token),
            settings=settings,
            assignment=assignment,
            supervisor=supervisor,
            termination=termination,
        ).run()
    finally:
        supervisor.close()
    return EXIT_REPORTED if reported else EXIT_NOT_REPORTED


def _replay(options: argparse.Namespace) -> int:
    supervisor = CommandSupervisor.fork()
    try:
        folder = ReplayFolder(options.folder)
        replay(
            folder,
            settings_for(folder, options),
            read_secrets(options.secrets_fd),
            supervisor,
            _stoppable(),
            options.shell,
        )
    finally:
        supervisor.close()
    return EXIT_REPORTED


def _replay_captured(options: argparse.Namespace) -> int:
    engine = next(iter(engine_binary.programs()), None)
    if engine is None:
        raise AgentError(f"no Mélodium engine is installed on this machine: set {engine_binary.PROGRAM} to its path")
    with tempfile.TemporaryDirectory() as home:
        comparison = capture_replay.replay_files(
            options.events, options.program, options.label, engine.path, Path(home)
        )
    print(json.dumps(comparison, ensure_ascii=False))
    return EXIT_REPORTED if comparison["deterministic"] else EXIT_NOT_REPORTED


def _stoppable() -> Termination:
    """Returns a termination that SIGTERM, SIGINT and SIGHUP decide."""
    termination = Termination()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(
            number,
            lambda got, _: termination.decide(INTERRUPTED, f"the runner received {signal.Signals(got).name}"),
        )
    return termination


def _watch_input(termination: Termination) -> None:
    while os.read(0, 4096):
        continue
    termination.decide(INFRASTRUCTURE, "the host agent that started this runner has ended")


def _serve_relay(options: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT. Each engine's own token is passed on."""
    relay, ended = Relay(options.gateway), threading.Event()
    try:
        api = EngineApiProxy(upstream=options.gateway, token=None, rewrite=relay.rewrite, port=options.port)
    except OSError as error:
        raise AgentError(f"port {options.port} cannot be used: {error.strerror}") from error
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    api.start()
    print(f"MELODIUM_API_URL={api.url}", flush=True)
    ended.wait()
    api.stop()
    relay.close()
    return EXIT_REPORTED


def _shell(options: argparse.Namespace) -> int:
    """Returns the shell's exit code."""
    with os.fdopen(options.token_fd, encoding="utf-8") as file:
        token = file.read().strip()
    address = {"run": options.run, "side": "asking", "shell": options.shell}
    return attach(
        connect_shell(options.gateway, options.tunnel, address, {"runner": options.runner_id, "token": token})
    )


def _host(options: argparse.Namespace) -> int:
    leave_environment("CADENCE_JOIN_TOKEN")
    state = options.state.expanduser().absolute()
    settings = HostSettings(
        gateway=options.gateway,
        pool=options.pool,
        name=options.name,
        state=state,
        slots=options.slots,
        grace_seconds=options.grace,
        workspaces=options.workspaces.expanduser().absolute(),
        hidden=[path.absolute() for path in options.hide],
        shown=[path.absolute() for path in options.show],
        labels=_labels(options.label),
        # Prepared before any other process is forked, so that those inherit the control group.
        cgroups=Cgroups.prepare(f"cadence-{zlib.crc32(str(state).encode()):08x}"),
    )
    return HostAgent(settings, _runner_factory(settings, options.jobs), lambda: read_token(options.token_file)).run()


def _runner_factory(settings: HostSettings, jobs: Path | None) -> Callable[[threading.Event], Runners]:
    if jobs is not None:
        cluster, template = ClusterApi.detect(), _template(jobs)
        return lambda changed: KubernetesJobs(cluster, template, settings.pool, changed)
    # Looked up before the fork server is started, so that each runner inherits the results.
    Bubblewrap.program()
    private_network.program()
    engine_binary.installed()
    fork_server = ForkServer(main)
    return lambda changed: RunnerProcesses(settings, fork_server, changed)


def _template(file: Path) -> dict[str, Any]:
    try:
        template: dict[str, Any] = json.loads(file.read_text())
        template["spec"]["template"]["spec"]["containers"][0]["name"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise AgentError(f"{file} is not a Kubernetes job with a container, as JSON:  {error}") from error
    return template


def _labels(given: Sequence[str]) -> dict[str, str]:
    for label in given:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,63}=[^\x00-\x1f]{0,255}", label):
            raise AgentError(f"--label {label} is invalid: write NAME=VALUE")
    return dict(label.split("=", 1) for label in given)


_COMMANDS = {
    "run": _run,
    "host": _host,
    "relay": _serve_relay,
    "shell": _shell,
    "replay": _replay,
    "replay-captured": _replay_captured,
}

if __name__ == "__main__":
    sys.exit(main())
