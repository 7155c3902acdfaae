"""What real engines hear from Mélodium's API beyond the end of the certificate in engines of 0.10.2."""

import importlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cadence.composition import melodium as composition
from cadence.domain.melodium.certificate import OLD_ROOT_UNTIL, expired
from tests.e2e.engine import WRITTEN, Engine, Ids, binary_of, in_version
from tests.integration.melodium.conftest import Engines

pytestmark = pytest.mark.engine

OLD, NEW = "0.10.2", "0.11.0"
NO_POOL = "no pool can hold the worker: there is no pool"


@contextmanager
def served(engines: Engines) -> Iterator[str]:
    """Serves the handler to engines; yields the address."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # engines of 0.10.2 accept no other

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode() or None
            token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
            path = self.path.removeprefix("/0.1/")
            status, headers, text = engines.ask(self.command, path, token=token, raw=body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = _answer

        def log_message(self, *words: Any) -> None:
            """Keeps the requests out of the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/0.1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def heard(engines: Engines, version: str, folder: Path, monkeypatch: pytest.MonkeyPatch, at: datetime) -> str:
    """Runs a program that requests a worker while the API's clock shows `at`; returns what the engine wrote."""
    if not binary_of(version).is_file():
        pytest.skip(f"the Mélodium engine {version} is not there: `.ci/peers` builds it")
    monkeypatch.setattr(composition, "now", lambda: at)
    engines.handler = importlib.reload(importlib.import_module("melodium.handler")).handler
    (folder / "given").write_text("a word")
    program = folder / "dispatching.mel"
    program.write_text(in_version((WRITTEN / program.name).read_text(), version))
    words = ("--given", str(folder / "given"), "--answer", str(folder / "answer"))
    with served(engines) as url:
        done = subprocess.run(
            [str(binary_of(version)), "run", str(program), *words],
            env=Engine(url, engines.token).environment(Ids()), capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    assert not (folder / "answer").exists()
    return done.stdout + done.stderr


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=365)], ids=["at-the-end", "a-year-later"])
def test_an_engine_whose_certificate_has_ended_hears_what_to_do(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: timedelta
) -> None:
    at = OLD_ROOT_UNTIL + after
    written = heard(engines, OLD, tmp_path, monkeypatch, at)
    assert f"worker: {expired(OLD, at)}" in written
    assert "there is no worker" in written
    assert NO_POOL not in written


@pytest.mark.parametrize(
    ("version", "after"),
    [(OLD, -timedelta(seconds=1)), (NEW, timedelta(0)), (NEW, timedelta(days=365))],
    ids=["old-a-second-before", "new-at-the-end", "new-a-year-later"],
)
def test_other_engines_are_asked_for_no_newer_version(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, after: timedelta
) -> None:
    """They hear what comes next: that this organization has no pool."""
    written = heard(engines, version, tmp_path, monkeypatch, OLD_ROOT_UNTIL + after)
    assert f"worker: {NO_POOL}" in written
    assert "certificate" not in written
