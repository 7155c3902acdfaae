"""Each Lambda with a queue: a message that cannot be read, or fails, is delivered again alone."""

import json
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.lambdas import LAMBDAS
from infra.row.triggers import QueueMessages

FUNCTIONS = Path(__file__).parents[3] / "functions"
GARBAGE = ["", "not JSON", "[]", "null", "{}", '"text"', '{"unknown": 1}']
Handler = Callable[[Any, Any], Any]


def noting(done: list[Any]) -> Callable[[str], Any]:
    """A use case that takes a message as text and requires its `n`."""

    def process(body: str) -> tuple[str, tuple[str, ...]]:
        done.append(json.loads(body)["n"])
        return "", ()

    return process


def of_deliveries(done: list[Any]) -> dict[str, Any]:
    return {"cadence.composition.deliveries.process_message": lambda: noting(done)}


def of_alerts(done: list[Any]) -> dict[str, Any]:
    return {"cadence.composition.alerts.judge_message": lambda: noting(done)}


def of_exports(done: list[Any]) -> dict[str, Any]:
    def events(bodies: list[Any]) -> None:
        done.extend([body["n"] for body in bodies if body["kind"]])

    return {
        "cadence.composition.exports.exports": lambda report: SimpleNamespace(events=events, work=None),
        "cadence.composition.shared.settings.load": lambda kind: SimpleNamespace(metrics_namespace="tests"),
    }


def of_wake_group(done: list[Any]) -> dict[str, Any]:
    wake = SimpleNamespace(wake=lambda run_id, group, failed: done.append(int(group)))
    return {"cadence.composition.groups.wake_group": lambda: wake}


def of_watchdog(done: list[Any]) -> dict[str, Any]:
    watchdog = SimpleNamespace(run=lambda run_id, admitted: done.append(int(run_id)))
    return {
        "cadence.composition.scheduling.watchdog": lambda: (watchdog, None),
        "cadence.composition.scheduling.remove_passed": lambda: None,
    }


#: Folder → its use cases replaced, and a message about a number.
CONSUMERS: dict[str, tuple[Callable[[list[Any]], dict[str, Any]], Callable[[int], dict[str, Any]]]] = {
    "alerts": (of_alerts, lambda n: {"n": n}),
    "deliveries": (of_deliveries, lambda n: {"n": n}),
    "exports": (of_exports, lambda n: {"n": n, "kind": "run", "state": "failed"}),
    "wake_group": (of_wake_group, lambda n: {"run_id": "r", "group": str(n), "failed": False}),
    "watchdog": (of_watchdog, lambda n: {"run_id": str(n)}),
}


@pytest.fixture(params=CONSUMERS)
def consumer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Handler, list[Any], Any]:
    folder = request.param
    wiring, message = CONSUMERS[folder]
    done: list[Any] = []
    for name, value in wiring(done).items():
        monkeypatch.setattr(name, value)
    # Not as a module of that name: other tests import it with the real use cases.
    spec = spec_from_file_location(f"tried_{folder}", FUNCTIONS / folder / "handler.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler, done, message


def test_every_lambda_with_a_queue_is_tried() -> None:
    folders = {row.folder for row in LAMBDAS.values() if any(isinstance(one, QueueMessages) for one in row.triggers)}
    assert folders == set(CONSUMERS)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_message_that_cannot_be_read_fails_alone(consumer: tuple[Handler, list[Any], Any], garbage: str) -> None:
    handler, done, message = consumer
    bodies = {"first": json.dumps(message(1)), "garbage": garbage, "last": json.dumps(message(3))}
    records = [{"messageId": key, "body": body} for key, body in bodies.items()]
    assert handler({"Records": records}, None) == {"batchItemFailures": [{"itemIdentifier": "garbage"}]}
    assert done == [1, 3]
