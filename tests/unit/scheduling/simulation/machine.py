"""Plays a state machine from its `.asl.json`: Task (with Retry, Catch and task tokens), Choice, Pass, Wait, Succeed and
Fail.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cadence.domain.shared.errors import CadenceError, machine_error_name
from tests.fakes.services import ManualClock, MemoryMachines
from tests.unit.scheduling.simulation.stage import Actor, Crashed

DEFINITIONS = Path(__file__).parents[4] / "functions" / "state_machines"

Lambda = Callable[[Actor, Mapping[str, Any]], Any]


class TaskError(Exception):
    def __init__(self, name: str, cause: str) -> None:
        super().__init__(name, cause)
        self.name = name
        self.cause = cause


@dataclass
class Execution:
    """`functions` maps a FunctionName (a substitution, or a provider's own name) to what the Lambda does."""

    machine: str
    name: str
    data: dict[str, Any]
    functions: Mapping[str, Lambda]
    machines: MemoryMachines
    clock: ManualClock
    status: str = "RUNNING"
    tokens: int = 0

    def play(self, actor: Actor) -> None:
        definition = json.loads((DEFINITIONS / f"{self.machine}.asl.json").read_text())
        state = definition["StartAt"]
        while state:
            state = self._enter(actor, state, definition["States"][state])

    def _enter(self, actor: Actor, name: str, state: Mapping[str, Any]) -> str | None:
        match state["Type"]:
            case "Task":
                following = self._task(actor, name, state)
            case "Choice":
                following = next((c["Next"] for c in state["Choices"] if self._chosen(c)), state["Default"])
            case "Pass":
                self.data = self._fill(state["Parameters"], {})
                following = state["Next"]
            case "Wait":
                actor.pause(self.clock.now + timedelta(seconds=_at(self.data, state["SecondsPath"])))
                following = state["Next"]
            case "Succeed":
                following = None
            case "Fail":
                self.status = "FAILED"
                return None
            case other:
                raise NotImplementedError(other)
        if following is None:
            self.status = "SUCCEEDED"
        return following

    def _task(self, actor: Actor, name: str, state: Mapping[str, Any]) -> str | None:
        used = [0] * len(state.get("Retry", []))
        while True:
            try:
                result = self._call(actor, name, state)
            except TaskError as error:
                index = next((i for i, r in enumerate(state.get("Retry", [])) if _matches(r, error)), None)
                if index is not None and used[index] < state["Retry"][index]["MaxAttempts"]:
                    used[index] += 1
                    actor.pause(self.clock.now + timedelta(seconds=state["Retry"][index]["IntervalSeconds"]))
                    continue
                for catch in state.get("Catch", []):
                    if _matches(catch, error):
                        self._put(catch["ResultPath"], {"Error": error.name, "Cause": error.cause})
                        return str(catch["Next"])
                raise AssertionError(f"{self.name}: {name} failed for good: {error}") from error
            if "ResultSelector" in state:
                result = {key.removesuffix(".$"): _at(result, path) for key, path in state["ResultSelector"].items()}
            if state.get("ResultPath", "$") is not None:
                self._put(state.get("ResultPath", "$"), result)
            return None if state.get("End") else str(state["Next"])

    def _call(self, actor: Actor, name: str, state: Mapping[str, Any]) -> Any:
        self.tokens += 1
        output = None
        token = f"{self.name}/{name}/{self.tokens}"
        parameters = self._fill(state["Parameters"], {"Task": {"Token": token}})
        function = self.functions[parameters["FunctionName"].strip("${}")]
        waits = state["Resource"].endswith(".waitForTaskToken")
        try:
            # Through JSON, as the real ones: nothing that is shared, nothing that cannot be sent.
            output = function(actor, json.loads(json.dumps(parameters["Payload"])))
        except Crashed:
            if token not in self.machines.answers:
                raise TaskError("Lambda.Unknown", "the process ended") from None
        except CadenceError as error:
            if not waits:
                raise TaskError(type(error).__name__, json.dumps({"errorMessage": error.message})) from error
            self.machines.fail(token, error)
        if not waits:
            return {"Payload": json.loads(json.dumps(output))}
        actor.pause(lambda: token in self.machines.answers)
        step = self.machines.steps.get(token)
        if step is not None and not step.ends:
            raise TaskError(step.name, json.dumps(step.as_json()))
        answer = self.machines.answers[token]
        if isinstance(answer, CadenceError):
            raise TaskError(machine_error_name(answer), answer.message)
        return dict(answer)

    def _chosen(self, choice: Mapping[str, Any]) -> bool:
        try:
            value = _at(self.data, choice["Variable"])
        except KeyError:
            if "IsPresent" in choice:
                return not choice["IsPresent"]
            raise
        return bool(choice["IsPresent"]) if "IsPresent" in choice else value == choice["StringEquals"]

    def _fill(self, template: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        for key, value in template.items():
            if isinstance(value, dict):
                filled[key] = self._fill(value, context)
            elif key.endswith(".$"):
                source, path = (context, value[1:]) if value.startswith("$$") else (self.data, value)
                filled[key.removesuffix(".$")] = copy.deepcopy(_value(source, path))
            else:
                filled[key] = value
        return filled

    def _put(self, path: str | None, value: Any) -> None:
        if path == "$":
            self.data = value
        elif path is not None:
            self.data = {**self.data, path.removeprefix("$."): value}


def _matches(entry: Mapping[str, Any], error: TaskError) -> bool:
    return error.name in entry["ErrorEquals"] or "States.ALL" in entry["ErrorEquals"]


def _value(source: Any, path: str) -> Any:
    """What a path, or the one intrinsic function that the machines use, stands for."""
    if path.startswith("States.StringToJson("):
        return json.loads(_at(source, path.removeprefix("States.StringToJson(").removesuffix(")")))
    return _at(source, path)


def _at(data: Any, path: str) -> Any:
    for part in path.removeprefix("$").split("."):
        data = data[part] if part else data
    return data
