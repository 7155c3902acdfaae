"""Asynchronous calls of Lambdas on MiniStack outlast a stop."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ministack import app
from ministack.core import persistence
from ministack.services import lambda_svc

from cadence.local.ministack import asynchronous_calls
from cadence.local.ministack.asynchronous_calls import STATE, KeptCalls
from tests.waiting import eventually

NAME = "cadence-test-reports"
ARN = f"arn:aws:lambda:{lambda_svc.get_region()}:{lambda_svc.get_account_id()}:function:{NAME}"
INVOKE = lambda_svc.invoke_async_with_retry


class Function:
    """Carries out calls once `go` is set; each fails as long as `failing` is set."""

    def __init__(self) -> None:
        self.go, self.failing, self.began = threading.Event(), threading.Event(), threading.Event()
        self.done: list[Any] = []

    def __call__(self, record: dict[str, Any], event: Any) -> dict[str, Any]:
        assert record["config"]["FunctionArn"] == ARN
        self.began.set()
        assert self.go.wait(60)
        if self.failing.is_set():
            return {"error": True, "body": {"errorMessage": "Worker process died"}}
        self.done.append(event)
        return {}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    found = Function()
    config = {"FunctionName": NAME, "FunctionArn": ARN}
    monkeypatch.setattr(lambda_svc, "_execute_function", found)
    monkeypatch.setitem(lambda_svc._functions, NAME, {"config": config, "versions": {}, "aliases": {}})
    yield found
    found.failing.clear()
    found.go.set()


def saved(calls: KeptCalls) -> dict[str, Any]:
    """What is read back of a save."""
    state: dict[str, Any] = json.loads(json.dumps(calls.state()))
    return state


def record() -> dict[str, Any]:
    found: dict[str, Any] = lambda_svc._functions[NAME]
    return found


def test_a_call_is_kept_until_it_has_ended(function: Function) -> None:
    calls = KeptCalls(INVOKE)
    calls.invoke(record(), {"commit": "a"})
    assert function.began.wait(60)
    assert saved(calls) == {"calls": [{"function": ARN, "event": {"commit": "a"}}]}
    function.go.set()
    eventually(lambda: not calls.state()["calls"])
    assert function.done == [{"commit": "a"}]


def test_a_call_that_waits_to_be_tried_again_is_kept(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_svc, "_LAMBDA_ASYNC_RETRY_BASE_SECONDS", 0.1)
    calls = KeptCalls(INVOKE)
    function.failing.set()
    function.go.set()
    calls.invoke(record(), {"commit": "a"})
    assert function.began.wait(60)
    assert saved(calls)["calls"]
    function.failing.clear()
    eventually(lambda: not calls.state()["calls"])
    assert function.done == [{"commit": "a"}]


def test_what_a_stop_interrupted_is_called_again(function: Function) -> None:
    before = KeptCalls(INVOKE)
    for commit in ("a", "b"):
        before.invoke(record(), {"commit": commit})
    state = saved(before)

    calls = KeptCalls(INVOKE)
    calls.restore(state)
    function.go.set()
    eventually(lambda: not calls.state()["calls"] and not before.state()["calls"])
    assert sorted(event["commit"] for event in function.done) == ["a", "a", "b", "b"]


def test_a_call_of_a_function_that_is_gone_is_given_up(function: Function, caplog: pytest.LogCaptureFixture) -> None:
    calls = KeptCalls(INVOKE)
    calls.restore({"calls": [{"function": f"{ARN}-gone", "event": {}}]})
    assert not calls.state()["calls"]
    assert f"{NAME}-gone is given up" in caplog.text


def test_ministack_saves_and_restores_them(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (app, "_build_persistence_save_dict"),
        (app, "_load_persisted_state"),
        (lambda_svc, "invoke_async_with_retry"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    loaded: list[str] = []
    monkeypatch.setattr(app, "_load_persisted_state", lambda: loaded.append("others"))
    stored = {"calls": [{"function": ARN, "event": {"commit": "of before"}}]}
    monkeypatch.setattr(persistence, "load_state", lambda name: stored if name == STATE else None)
    asynchronous_calls.install()
    lambda_svc.invoke_async_with_retry(record(), {"commit": "new"})
    app._load_persisted_state()
    kept = app._build_persistence_save_dict()[STATE]()
    assert loaded == ["others"]
    assert sorted(call["event"]["commit"] for call in kept["calls"]) == ["new", "of before"]
