"""The command line of the agent."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from . import VERSION
from .execution.cgroups import Cgroups


def argument_parser() -> argparse.ArgumentParser:
    """Returns the parser of the agent's commands; ``command`` is the one that was given."""
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
    run.add_argument("--host-id", metavar="ID", help="the host whose runner this is, if its claim is to lease it")
    run.add_argument("--last-call", type=int, default=0, metavar="N", help="the host's last request for work")
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

    shell = commands.add_parser("shell", help="connect this terminal with a shell on a runner")
    shell.add_argument("--gateway", required=True, metavar="URL", help="the control plane's address")
    shell.add_argument("--tunnel", required=True, metavar="URL", help="the WebSocket address that passes bytes on")
    shell.add_argument("--run", required=True, metavar="ID")
    shell.add_argument("--runner-id", required=True)
    shell.add_argument("--shell", required=True, metavar="ID")
    shell.add_argument(
        "--token-fd", type=int, required=True, metavar="N", help="a descriptor to read the API token from"
    )

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
    return parser


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
