"""What three of the engine's own testers hold, which are written in Rust, against workers of the local stack.

`process_distributed_hang` and `protocol_timeout_survives_jitter` stand between two engines; `compose_detection_timeout`
is a container engine that never answers. Like `test_engine_examples.py` these need a copy of the engine's repository.
"""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.engine import BINARY, HAS_SECRETS, Ids, detailed, needs_engine, reaches_workers
from tests.e2e.melodium.test_engine_examples import SOURCE, Source, keys_and_port, prepared, source

__all__ = ["prepared", "source"]

CHECKOUT = Path(__file__).parents[3]
HANGS = 240

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    reaches_workers,
    pytest.mark.skipif(not SOURCE, reason="CADENCE_MELODIUM_SOURCE names no copy of the engine's repository"),
]

Pass = Callable[[socket.socket, bytes], None]


@contextmanager
def between(port: int, to_worker: Pass, to_engine: Pass) -> Iterator[int]:
    """Stands between one engine and its worker at `port`; yields the port that the engine connects to."""
    with ExitStack() as opened:
        server = opened.enter_context(socket.create_server(("127.0.0.1", 0)))

        def pump(origin: socket.socket, target: socket.socket, forward: Pass) -> None:
            try:
                while piece := origin.recv(4096):
                    forward(target, piece)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                target.close()

        def serve() -> None:
            client = opened.enter_context(server.accept()[0])
            worker = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            for words in ((client, worker, to_worker), (worker, client, to_engine)):
                threading.Thread(target=pump, args=words, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def through(words: list[str], port: int) -> list[str]:
    """The parameters of a program, with another port of its worker."""
    at = words.index("--distrib_port") + 1
    return [*words[:at], str(port), *words[at + 1 :]]


def test_a_worker_whose_engine_falls_silent_ends_by_itself(source: Source, api: Api, tmp_path: Path) -> None:
    """`process_distributed_hang`: nothing arrives after the launch, and no side closes the connection."""
    ids, passed = Ids(), [0]
    worker, words = keys_and_port(source, ids, tmp_path)

    def few(target: socket.socket, piece: bytes) -> None:
        passed[0] += 1
        if passed[0] <= 6:
            target.sendall(piece)

    own = int(words[words.index("--distrib_port") + 1])
    with (
        between(own, few, lambda target, piece: target.sendall(piece)) as port,
        source.running("tests/process_distributed.mel", ids, tmp_path, *through(words, port)),
    ):
        run = api.finished(worker, within=HANGS)
    assert run["state"] == "succeeded", run["cause"]


def test_delays_are_no_lost_connection(source: Source, api: Api, tmp_path: Path) -> None:
    """`protocol_timeout_survives_jitter`: each piece of data arrives three seconds late."""
    ids = Ids()
    worker, words = keys_and_port(source, ids, tmp_path)

    def late(target: socket.socket, piece: bytes) -> None:
        time.sleep(3)
        target.sendall(piece)

    own = int(words[words.index("--distrib_port") + 1])
    with between(own, late, late) as port:
        source.run("tests/process_distributed.mel", ids, tmp_path, *through(words, port))
        assert (tmp_path / "reply.log").read_text() == "Pingouin"
        assert api.finished(worker, within=HANGS)["state"] == "succeeded"


@pytest.mark.skipif(not HAS_SECRETS, reason="the documentation's program is one of 0.11.0")
def test_an_engine_gives_up_on_a_container_engine_that_never_answers(source: Source, api: Api, tmp_path: Path) -> None:
    """`compose_detection_timeout`: the engine starts no worker by itself, says why, and its run has failed."""
    ids, folder = Ids(), tmp_path / "bin"
    folder.mkdir()
    for name in ("podman", "docker"):
        (folder / name).write_text("#!/bin/sh\nexec sleep 30\n")
        (folder / name).chmod(0o755)
    program = tmp_path / "greeting.mel"
    written = (CHECKOUT / "examples/melodium-worker/greeting.mel").read_text()
    program.write_text(written.replace('location="api"', 'location="compose"'))
    environment = source.engine.environment(ids)
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    done = subprocess.run(
        [str(BINARY), "run", "--api-report", *detailed(), str(program)],
        env={**environment, "MELODIUM_COMPOSE_DETECTION_TIMEOUT_SECS": "2"},
        capture_output=True, text=True, timeout=HANGS, check=False,
    )  # fmt: skip
    assert "error: worker: No executor available" in done.stdout + done.stderr, done.stdout + done.stderr
    assert api.finished(ids.run)["state"] == "failed"
