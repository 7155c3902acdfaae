"""What clouds' metadata services announce, from a service that answers as theirs do."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runner_bootstrap.agent.runner import interruption_notices
from runner_bootstrap.agent.shared.termination import Termination

Answer = Callable[[str, str, dict[str, str]], tuple[int, str]]


class Metadata:
    """`answer` says what a method, path and headers get."""

    def __init__(self) -> None:
        self.answer: Answer = lambda *_: (404, "")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_PUT = do_GET

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    metadata = Metadata()
    yield metadata
    metadata.server.shutdown()
    metadata.server.server_close()


def aws(method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    if (method, path) == ("PUT", "/latest/api/token"):
        assert "x-aws-ec2-metadata-token-ttl-seconds" in headers
        return 200, "session"
    if headers.get("x-aws-ec2-metadata-token") != "session":
        return 401, ""
    return 200, json.dumps({"action": "terminate", "time": "2030-01-01T12:02:00Z"})


def test_ec2_takes_a_spot_instance_back(metadata: Metadata) -> None:
    metadata.answer = aws
    notice = interruption_notices.read_notice(interruption_notices.SOURCES["aws"], metadata.url)
    assert notice == "EC2 takes the spot instance back (terminate at 2030-01-01T12:02:00Z)"


def test_no_notice_is_no_notice(metadata: Metadata) -> None:
    metadata.answer = lambda method, path, headers: (200, "t") if method == "PUT" else (404, "")
    assert interruption_notices.read_notice(interruption_notices.SOURCES["aws"], metadata.url) is None
    metadata.answer = lambda *_: (200, "FALSE")
    assert interruption_notices.read_notice(interruption_notices.SOURCES["gcp"], metadata.url) is None
    metadata.answer = lambda *_: (200, json.dumps({"Events": [{"EventType": "Freeze"}]}))
    assert interruption_notices.read_notice(interruption_notices.SOURCES["azure"], metadata.url) is None


def test_compute_engine_preempts(metadata: Metadata) -> None:
    metadata.answer = lambda method, path, headers: (
        (200, "TRUE") if headers["metadata-flavor"] == "Google" else (403, "")
    )
    assert (
        interruption_notices.read_notice(interruption_notices.SOURCES["gcp"], metadata.url)
        == "Compute Engine preempts the instance"
    )


def test_azure_announces_an_event(metadata: Metadata) -> None:
    event = {"EventType": "Preempt", "NotBefore": "Tue, 01 Jan 2030 12:00:30 GMT"}
    metadata.answer = lambda *_: (200, json.dumps({"Events": [event]}))
    notice = interruption_notices.read_notice(interruption_notices.SOURCES["azure"], metadata.url)
    assert notice == "Azure announces Preempt of the machine, not before Tue, 01 Jan 2030 12:00:30 GMT"


def test_a_notice_ends_the_assignment_as_interrupted(metadata: Metadata, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds after answers that cannot be parsed, too."""
    monkeypatch.setattr(interruption_notices, "EVERY", 0.01)
    answers = iter([(500, ""), (200, "no JSON")])
    requested = {"count": 0}

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        requested["count"] += 1
        return next(answers, (200, json.dumps({"Events": [{"EventType": "Terminate"}]})))

    metadata.answer = answer
    monkeypatch.setenv(interruption_notices.VARIABLE, "azure")
    monkeypatch.setenv(interruption_notices.ADDRESS, metadata.url)
    termination = Termination()
    interruption_notices.watch(termination)
    assert termination.wait(180)
    assert (termination.outcome, requested["count"]) == ("interrupted", 3)


def test_nobody_is_asked_where_the_bootstrap_said_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(interruption_notices.VARIABLE, raising=False)
    before = set(threading.enumerate())
    interruption_notices.watch(Termination())
    assert set(threading.enumerate()) <= before
