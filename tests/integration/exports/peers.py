"""Real receivers: Debian's Prometheus, VictoriaMetrics, VictoriaLogs and Jaeger, each on free ports of the loopback
interface.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from cadence.local.shared.ports import first_free
from tests.waiting import PATIENCE, eventually

BUILT = Path(os.environ.get("CADENCE_PEERS") or Path.home() / ".cache" / "cadence-peers")

R = TypeVar("R")


def program(name: str, file: str = "") -> str:
    """`file` is what the program itself is called, if not as its folder. Skips the test if it is not there."""
    folders = os.pathsep.join(map(str, sorted(BUILT.glob(f"{name}-v*"))))
    found = shutil.which(file or name) or shutil.which(file or name, path=folders)
    if found is None:
        pytest.skip(f"{name} is not here (.ci/peers builds it, or: apt-get install prometheus)")
    return found


@dataclass(frozen=True)
class Peer:
    url: str
    pid: int = 0

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return requests.get(self.url + path, params=parameters, timeout=120)

    def samples(self, query: str, **at: float) -> list[dict[str, Any]]:
        """Of Prometheus's query API, now or at a `time`."""
        answer = self.get("/api/v1/query", query=query, **at).json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def lines(self, query: str) -> list[dict[str, Any]]:
        """Of VictoriaLogs's query API."""
        self.get("/internal/force_flush")
        text = self.get("/select/logsql/query", query=query, limit=1000).text
        return [json.loads(line) for line in text.splitlines()]


@contextmanager
def running(command: Callable[[int], Sequence[str]], ready: str, patience: float = PATIENCE) -> Iterator[Peer]:
    """`command` makes the command line for a port; `ready` is what answers once it serves."""
    port = first_free()
    process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peer = Peer(f"http://127.0.0.1:{port}", process.pid)
    try:
        eventually(lambda: _serves(peer, ready, process), patience)
        yield peer
    finally:
        process.terminate()
        process.wait(120)


def _serves(peer: Peer, ready: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, f"it ended with status {process.returncode}"
    try:
        return bool(peer.get(ready).ok)
    except requests.ConnectionError:
        return False
