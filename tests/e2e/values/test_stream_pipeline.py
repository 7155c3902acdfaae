"""Three runners on one stream: live from end to end, and right although the one in the middle is killed."""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import fmean

import pytest

from cadence.domain.shared import ids
from tests.e2e.api import Api
from tests.e2e.processes import agents_of
from tests.waiting import PATIENCE

EXAMPLE = (Path(__file__).parents[3] / "examples" / "stream-pipeline.yaml").read_text()


@dataclass(frozen=True)
class Held:
    """The example, whose generator goes on to the last readings only once it is released."""

    document: str
    release: threading.Event


@pytest.fixture
def held() -> Iterator[Held]:
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            release.wait(PATIENCE)
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asks = f"if number == 1_200: urllib.request.urlopen('http://127.0.0.1:{server.server_port}')"
    write = "lines.write("
    document = EXAMPLE.replace("import os, time", "import os, time, urllib.request", 1)
    document = document.replace(write, f"{asks}\n              {write}", 1)
    assert asks in document
    yield Held(document, release)
    release.set()
    server.shutdown()
    server.server_close()


def test_the_first_aggregate_is_read_before_the_generator_has_finished(api: Api, held: Held) -> None:
    run_id = api.start(held.document, readings=1500, pause=0.001)

    lines = api.lines(run_id, treatment="aggregate")
    states = {treatment["name"]: treatment["state"] for treatment in api.run(run_id)["treatments"]}

    assert lines[0]["text"] == f"100 readings, mean {mean_of(100):.3f}"
    assert states["generate"] == "running"
    held.release.set()
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    check_complete(api, run_id, 1500)


def test_a_killed_transformer_leaves_no_gap_and_no_duplicate(api: Api, held: Held) -> None:
    run_id = api.start(held.document, readings=1500, pause=0.001)
    api.lines(run_id, treatment="aggregate")  # it is in the middle of its work
    runner_id = ids.runner_id(run_id, "transform", 1)
    agent = next(process for process, runner in agents_of(run_id).items() if runner == runner_id)

    os.kill(agent, signal.SIGKILL)
    held.release.set()
    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    attempts = {treatment["name"]: treatment["attempt"] for treatment in run["treatments"]}
    assert attempts == {"generate": 1, "transform": 2, "aggregate": 1}
    check_complete(api, run_id, 1500)


def check_complete(api: Api, run_id: str, readings: int) -> None:
    printed = [line["text"] for line in api.lines(run_id, readings // 100, treatment="aggregate")]
    assert printed == [f"{n} readings, mean {mean_of(n):.3f}" for n in range(100, readings + 1, 100)]
    content = api.content(run_id, "transform", "temperatures").decode()
    assert content.splitlines() == [str(temperature(n)) for n in range(readings)]


def temperature(number: int) -> float:
    return (2000 + (number * 37) % 900) / 100


def mean_of(count: int) -> float:
    return fmean(temperature(n) for n in range(count))
