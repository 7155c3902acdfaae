"""What the control plane is measured beside: Prefect, and a plain loop over the same commands."""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from bench.figures import ROOT
from bench.graph import COMMAND, Graph

PEER_PYTHON = ROOT / ".cache" / "bench-peers" / "bin" / "python"
SLOTS = 4 * (os.cpu_count() or 1)
"""How many treatments the local host runs at once."""

_PEER_SECONDS = 900


def plain_loop(graph: Graph) -> float:
    """Seconds that a bare Python loop takes for the same commands in the same order: the least that any engine can
    take.
    """
    began = time.perf_counter()
    with ThreadPoolExecutor(SLOTS) as pool:
        done: set[str] = set()
        waiting = dict(graph)
        running: dict[Future[object], str] = {}
        while waiting or running:
            for name in [name for name, after in waiting.items() if done.issuperset(after)]:
                del waiting[name]
                running[pool.submit(subprocess.run, ["sh", "-c", COMMAND], check=True)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            done |= {running.pop(future) for future in finished}
    return time.perf_counter() - began


def prefect(graph: Graph) -> float | None:
    """Seconds that Prefect takes for the graph once it is up and warm; None if it is not installed."""
    if not PEER_PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory(prefix="cadence-bench-prefect-") as home:
        task = json.dumps({"graph": graph, "command": COMMAND, "slots": SLOTS})
        done = subprocess.run(
            [PEER_PYTHON, Path(__file__).with_name("prefect_peer.py")],
            input=task,
            capture_output=True,
            text=True,
            timeout=_PEER_SECONDS,
            check=False,
            env=os.environ | _prefect_environment(home),
        )
    if done.returncode != 0:
        print(done.stderr[-4000:], file=sys.stderr)
        raise RuntimeError("Prefect failed; its last words are above")
    return float(done.stdout.splitlines()[-1])


def _prefect_environment(home: str) -> dict[str, str]:
    """Ephemeral and offline: its server in a process of its own on loopback, its database in memory or `home`."""
    return {
        "PREFECT_HOME": home,
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_API_URL": "",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "60",
    }
