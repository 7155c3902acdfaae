"""MiniStack's processes of Lambdas, with a real process for a small handler."""

import io
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime

from cadence.local.ministack import lambda_processes

HANDLER = """
import os, sys

def handler(event, context):
    for text in event.get("print", ()):
        print(text)
    print(event.get("error", ""), file=sys.stderr, end="")
    if "raise" in event:
        raise ValueError(event["raise"])
    if "exit" in event:
        os._exit(event["exit"])
    return {"process": os.getpid()}
"""
FUNCTION = {
    "FunctionName": "small",
    "Runtime": "python3.14",
    "Handler": "room.handler.handler",
    "FunctionArn": "arn:aws:lambda:eu-west-1:000000000000:function:small",
    "Timeout": 180,
}

Invoke = Callable[..., dict[str, Any]]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Iterator[Invoke]:
    """Calls the handler with an event, in the same process while that lives."""
    for name in ("Worker", "_PYTHON_WORKER_SCRIPT"):
        monkeypatch.setattr(lambda_runtime, name, getattr(lambda_runtime, name))
    # A wait for output that does not come would be a test that does not end.
    monkeypatch.setattr(lambda_processes, "_LONGEST_WAIT", 3600)
    lambda_processes.install()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        opened.writestr("room/handler.py", HANDLER)
    process = lambda_runtime.Worker("small", FUNCTION, content.getvalue())
    started: list[subprocess.Popen[str]] = []

    def popen(*command: Any, **options: Any) -> subprocess.Popen[str]:
        started.append(subprocess.Popen(*command, **options))
        return started[-1]

    monkeypatch.setattr(lambda_runtime, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": popen}))
    yield lambda **event: dict(process.invoke(event, "request"))
    process.kill()
    for each in started:  # MiniStack leaves their pipes open
        each.wait()
        for pipe in (each.stdin, each.stdout, each.stderr):
            assert pipe is not None
            pipe.close()


def test_an_invocation_answers_with_what_it_printed_and_nothing_else(invoke: Invoke) -> None:
    for _ in range(3):
        assert invoke(print=["one", "two"])["log"] == "one\ntwo"
        silent = invoke()
        assert (silent["status"], silent["log"]) == ("ok", "")


def test_a_last_line_without_an_end_is_not_mistaken_for_another(invoke: Invoke) -> None:
    assert invoke(print=["whole"], error="begun")["log"] == "whole\nbegun"
    assert invoke()["log"] == ""


def test_the_process_stays_after_an_exception(invoke: Invoke) -> None:
    process = invoke()["result"]["process"]
    raised = invoke(print=["before"], **{"raise": "not this time"})
    assert (raised["status"], raised["error"], raised["log"]) == ("error", "not this time", "before")
    assert "ValueError: not this time" in raised["trace"]
    again = invoke()
    assert (again["result"]["process"], again["cold_start"]) == (process, False)


def test_a_process_that_ended_is_replaced(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    process = invoke()["result"]["process"]
    monkeypatch.setattr(lambda_processes, "_LONGEST_WAIT", 0.1)
    assert invoke(exit=1)["status"] == "error"
    again = invoke()
    assert again["status"] == "ok" and again["result"]["process"] != process


def test_another_script_of_ministack_is_refused() -> None:
    with pytest.raises(ValueError, match="not exactly one"):
        lambda_processes.script("def run(): ...")
