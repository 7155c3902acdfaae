"""Connects shells on this runner with their users."""

from __future__ import annotations

import socket
from typing import Callable

from ..assignments.assignment import Assignment
from ..gateway.client import GatewayClient
from ..shells.shells import ConnectShell, ShellTunnel
from ..tunnels.relay import connect_shell
from .settings import RunnerSettings


def connect_to_user(gateway: GatewayClient, settings: RunnerSettings, assignment: Assignment) -> ConnectShell:
    """Returns a function that creates the runner's end of a shell's tunnel."""

    def connect(shell: str, url: str, target: Callable[[], socket.socket]) -> ShellTunnel:
        address = {"run": assignment.run_id, "side": "worker", "shell": shell}
        join = {"runner": settings.runner_id, "token": assignment.session_token}
        return connect_shell(gateway.url, url, address, join, target)

    return connect
