"""The agent's commands:

``run`` works on one assignment, ``host`` serves a pool, ``replay`` runs a treatment from a folder.
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

from . import VERSION
from .containers.pod import Pod
from .execution import processes
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
from .runner.settings import RunnerSettings
from .shared.errors import INFRASTRUCTURE, INTERRUPTED, AgentError, GatewayError
from .shared.termination import Termination
from .tunnels.relay import Relay

EXIT_REPORTED, EXIT_NOT_REPORTED, EXIT_WRONG_USE, EXIT_NO_CLAIM = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="cadence-agent", description="Runs treatments for a Cadence control plane.")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)

    run = commands.add_parser(
        "run",
        help="work on one assignment; its one-time token comes on standard input or in CADENCE_RUNNER_TOKEN",
    )
    _common(run)
    run.add_argument("--runner-id", required=True)
    run.add_argument(
        "--hide",
        action="append",
        default=[],
        type=Path,
        metavar="DIRECTORY",
        help="a directory the command must not see (in a sandbox)",
    )
    run.add_argument(
        "--show",
        action="append",
        default=[],
        type=Path,
        metavar="DIRECTORY",
        help="a directory the command may read even if it lies below /tmp",
    )
    run.add_argument(
        "--cgroups",
        type=Cgroups.parse,
        metavar="WHERE",
        help="where its control group is created (set by the host agent)",
    )
    run.add_argument("--attached", action="store_true", help="stop when standard input is closed")

    host = commands.add_parser(
        "host",
        help="serve a pool; the join token comes from --token-file, on standard input or in CADENCE_JOIN_TOKEN",
    )
    _common(host)
    host.add_argument("--pool", required=True)
    host.add_argument("--name", default=os.uname().nodename)
    host.add_argument("--token-file", type=Path)
    host.add_argument(
        "--state",
        type=Path,
        default=Path("~/.local/state/cadence-host.json"),
        help="where the host's identity is kept (mode 0600)",
    )
    host.add_argument("--slots", type=int, default=4 * (os.cpu_count() or 1), help="how many runners may work at once")
    host.add_argument("--grace", type=float, default=30.0, help="seconds that runners may still work after SIGTERM")
    host.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a label of this machine for users; may be repeated",
    )
    host.add_argument(
        "--jobs",
        type=Path,
        metavar="FILE",
        help="run each runner as a job of the Kubernetes cluster that this agent is in, made from this JSON file",
    )
    host.add_argument("--hide", action="append", default=[], type=Path, metavar="DIRECTORY")
    host.add_argument("--show", action="append", default=[], type=Path, metavar="DIRECTORY")

    relay = commands.add_parser(
        "relay", help="serve the Mélodium API to engines on this machine, and connect them to their workers"
    )
    relay.add_argument("--gateway", required=True, metavar="URL", help="the control plane's address, without /0.1")
    relay.add_argument("--port", type=int, default=0, help="the port of the API; by default any free one")

    replaying = commands.add_parser("replay", help="replay a treatment on this machine, from a folder that holds it")
    replaying.add_argument("folder", type=Path, metavar="FOLDER")
    replaying.add_argument("--shell", action="store_true", help="start a shell where the command would run")
    replaying.add_argument(
        "--secrets-fd", type=int, metavar="N", help="a descriptor to read secrets from, as a JSON object"
    )
    _workspaces(replaying)

    captured = commands.add_parser(
        "replay-captured", help="replay one treatment of a captured Mélodium run, and compare its outputs"
    )
    captured.add_argument("events", type=Path, metavar="EVENTS", help="the events that `melodium run --debug` wrote")
    captured.add_argument("program", type=Path, metavar="PROGRAM", help="the program's dump")
    captured.add_argument("label", metavar="TREATMENT", help="its label, or its path of labels")

    options = parser.parse_args(arguments)
    processes.hide_from_others()
    try:
        return _COMMANDS[options.command](options)
    except (AgentError, GatewayError) as error:
        print(f"cadence-agent: {error}", file=sys.stderr)
        return EXIT_NO_CLAIM


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gateway", required=True, metavar="URL", help="the control plane's address, without /runner/v1"
    )
    _workspaces(parser)


def _workspaces(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workspaces",
        type=Path,
        default=Path(tempfile.gettempdir()) / f"cadence-{os.getuid()}",
        help="where private work directories are created",
    )


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
    settings = RunnerSettings(options.runner_id, workspaces, options.hide, options.show, options.cgroups, pod)
    gateway = GatewayClient(options.gateway, token)
    interruption_notices.watch(termination)
    try:
        assignment = claim(gateway, settings)
        reported = AssignmentRunner(
            gateway.with_token(assignment.session_token), settings, assignment, supervisor, termination
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
    found = engine_binary.installed()
    if found is None or found.image:
        raise AgentError(f"no Mélodium engine is installed on this machine: set {engine_binary.PROGRAM} to its path")
    with tempfile.TemporaryDirectory() as home:
        comparison = capture_replay.replay_files(options.events, options.program, options.label, found.path, Path(home))
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
        api = EngineApiProxy(options.gateway, None, relay.rewrite, port=options.port)
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
    Bubblewrap.find(settings.hidden)
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
            raise AgentError(f"--label {label}is invalid: write NAME=VALUE")
    return dict(label.split("=", 1) for label in given)


_COMMANDS = {
    "run": _run,
    "host": _host,
    "relay": _serve_relay,
    "replay": _replay,
    "replay-captured": _replay_captured,
}

if __name__ == "__main__":
    sys.exit(main())
