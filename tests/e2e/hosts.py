"""Machines that join a pool: the agent of hosts, as a process here."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import Cadence, Stack


@contextmanager
def joined(
    stack: Stack,
    cadence: Cadence,
    pool: str,
    folder: Path,
    slots: int,
    *words: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """A machine of the pool, by its name, as long as the block takes; its files are in the folder."""
    token = json.loads(cadence("host", "join", pool, "--json").stdout)["token"]
    name = f"host-of-{pool}"
    places = ["--state", str(folder / "identity.json"), "--workspaces", str(folder / "work")]
    where = ["--gateway", stack.url, "--pool", pool, "--name", name, "--grace", "1", "--slots", str(slots)]
    agent = subprocess.Popen(
        [sys.executable, str(stack.paths.host / "cadence-agent.pyz"), "host", *where, *places, *words],
        env={**os.environ, **(environment or {}), "CADENCE_JOIN_TOKEN": token}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield name
    finally:
        agent.terminate()
        agent.wait(120)
