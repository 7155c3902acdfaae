"""Replays one treatment of a captured Mélodium run with exactly the values that it received.

Uses the engine's events (``melodium run --debug``, or reported ones) and its program dump. The treatment is launched in
a separate engine by the distribution protocol, which accepts any value as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..shared.errors import AgentError
from .capture import CapturedPort, CapturedTreatment, Json, find
from .engine_process import version_of
from .engine_treatment import TreatmentBinding
from .engine_values import Values
from .launch import run_treatment
from .wrapper import SUBJECT, WrapperPort

_ENTRY = {"version": "0.1.0", "path": ["cadence_replay"], "name": "main"}
_PASS = {"stream": ("pass", "stream", "passed"), "block": ("passBlock", "block", "passed")}
_AT_ONCE = 1 << 16


@dataclass
class OutputComparison:
    """``first`` locates the first difference: ``output``, ``index``, ``then``, ``now`` (None if there is no value)."""

    deterministic: bool
    first: Json | None
    outputs: dict[str, Json]


def replay(captured: CapturedTreatment, dump: Json, binary: str, home: Path) -> dict[str, CapturedPort]:
    """Returns the outputs of a replay. Raises TreatmentFailed if the engine cannot replay the treatment."""
    now = {port.name: CapturedPort(port.name, port.flow, port.type) for port in captured.outputs}
    binding = TreatmentBinding(
        [WrapperPort(port.name, port.flow, "") for port in captured.inputs],
        [WrapperPort(port.name, port.flow, "") for port in captured.outputs],
        {port.name: _pieces(port.values) for port in captured.inputs},
        {name: lambda values, port=port: _append(port, values) for name, port in now.items()},  # type: ignore[misc]
    )
    home.mkdir(parents=True, exist_ok=True)
    env = {
        "HOME": str(home),
        "MELODIUM_HOME": str(home),
        "NO_COLOR": "1",
        "MELODIUM_GROUP_ID": "00000000-0000-4000-8000-000000000000",
    }
    run_treatment(binary, env, build_program(captured, dump, version_of(binary)), {}, binding, [])
    return now


def compare(values_then: Iterable[CapturedPort], now: dict[str, CapturedPort]) -> OutputComparison:
    """Compares the outputs value by value and by type, in their order."""
    first: Json | None = None
    outputs = {}
    for port in values_then:
        values_now = now[port.name].values
        equal = port.values == values_now and list(map(_kind, port.values)) == list(map(_kind, values_now))
        outputs[port.name] = {"then": len(port.values), "now": len(values_now), "equal": equal}
        if not equal and first is None:
            first = {"output": port.name, **_difference(port.values, values_now)}
    return OutputComparison(first is None, first, outputs)


def _difference(values_then: list[Any], now: list[Any]) -> Json:
    for index in range(max(len(values_then), len(now))):
        before = values_then[index] if index < len(values_then) else None
        after = now[index] if index < len(now) else None
        if before != after or _kind(before) != _kind(after):
            return {"index": index, "then": before, "now": after}
    return {"index": len(values_then), "then": None, "now": None}


def _kind(value: Any) -> str:
    return next(iter(value)) if isinstance(value, dict) and value else ""


def _append(port: CapturedPort, values: "Values | None") -> None:
    if isinstance(values, bytes):
        port.values += [{"byte": byte} for byte in values]
    elif values is not None:
        port.values += values


def _pieces(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def build_program(captured: CapturedTreatment, dump: Json, version: str) -> Json:
    """Adds a designed treatment around the captured one to the stored collection; it counts how far inputs are read."""
    flow = {"version": version, "path": ["std", "flow"]}
    treatments: Json = {
        SUBJECT: {
            "identifier": captured.element["identifier"],
            "generics": captured.generics,
            "models": {model["name"]: model["label"] for model in captured.models},
            "parameters": {name: {"raw": value} for name, value in captured.parameters.items()},
            "attributes": {},
        }
    }
    connections = []
    inputs, outputs = {}, {}
    for port in captured.inputs:
        gate = WrapperPort(port.name, port.flow, "").gate
        inputs[port.name] = _port(port, captured)
        treatments[gate] = _passing(port, flow, captured)
        _, port_name, passed = _PASS[port.flow]
        connections += [_connection(None, port.name, gate, port_name), _connection(gate, passed, SUBJECT, port.name)]
    for port in captured.outputs:
        exit_ = f"exit_{port.name}"
        outputs[port.name] = _port(port, captured)
        treatments[exit_] = _passing(port, flow, captured)
        _, port_name, passed = _PASS[port.flow]
        connections += [_connection(SUBJECT, port.name, exit_, port_name), _connection(exit_, passed, None, port.name)]
    models = {
        model["label"]: {
            "identifier": model["model"],
            "parameters": {name: {"raw": value} for name, value in model["parameters"].items()},
            "attributes": {},
        }
        for model in captured.models
    }
    entry = {
        "identifier": _ENTRY,
        "documentation": "",
        "generics": {},
        "parameters": {},
        "implementation_kind": {
            "designed": {"model_instanciations": models, "treatments": treatments, "connections": connections}
        },
        "inputs": inputs,
        "outputs": outputs,
        "models": {},
        "contexts": {},
        "attributes": {},
    }
    elements = [*dump["collection"]["elements"], *_missing(dump, flow), {"treatment": entry}]
    return {"collection": {"elements": elements}, "entrypoint": _ENTRY}


def _missing(dump: Json, flow: Json) -> list[Json]:
    """Returns the passing treatments that the program does not have itself."""
    known = {
        (tuple(body["identifier"]["path"]), body["identifier"]["name"])
        for element in dump["collection"]["elements"]
        for body in element.values()
    }
    passing = [
        _compiled(flow, name, port_name, passed, kind)
        for kind, (name, port_name, passed) in _PASS.items()
        if (("std", "flow"), name) not in known
    ]
    return [{"treatment": element} for element in passing]


def _compiled(flow: Json, name: str, port_name: str, passed: str, kind: str) -> Json:
    generic = {"name": "T", "traits": []}
    port = {"described_type": {"generic": generic}, "flow": kind, "attributes": {}}
    cond: Json = {"name": "cond", "variability": "var", "described_type": "bool", "default": None, "attributes": {}}
    return {
        "identifier": {**flow, "name": name},
        "documentation": "",
        "generics": {"T": generic},
        "parameters": {"cond": cond},
        "implementation_kind": "compiled",
        "inputs": {port_name: {"name": port_name, **port}},
        "outputs": {passed: {"name": passed, **port}},
        "models": {},
        "contexts": {},
        "attributes": {},
    }


def _passing(port: CapturedPort, flow: Json, captured: CapturedTreatment) -> Json:
    return {
        "identifier": {**flow, "name": _PASS[port.flow][0]},
        "generics": {"T": resolve_generics(port.type, captured.generics)},
        "models": {},
        "parameters": {"cond": {"raw": {"bool": True}}},
        "attributes": {},
    }


def _port(port: CapturedPort, captured: CapturedTreatment) -> Json:
    described = resolve_generics(port.type, captured.generics)
    return {"name": port.name, "described_type": described, "flow": port.flow, "attributes": {}}


def resolve_generics(of: Any, generics: Json) -> Any:
    """Returns a type with its generics replaced."""
    if not isinstance(of, dict):
        return of
    ((kind, content),) = of.items()
    if kind == "generic":
        return generics.get(content["name"], of)
    return {kind: resolve_generics(content, generics)} if kind in ("vec", "option") else of


def _connection(source: str | None, output: str, target: str | None, input_name: str) -> Json:
    """Connects two treatments; None is the surrounding treatment."""
    ends: list[Json] = [{"sequence": []} if end is None else {"treatment": end} for end in (source, target)]
    return {
        "output_treatment": ends[0],
        "output_name": output,
        "input_treatment": ends[1],
        "input_name": input_name,
        "attributes": {},
    }


def replay_files(events: Path, program: Path, label: str, binary: str, home: Path) -> Json:
    """Replays a treatment from two files and returns the comparison as JSON. Raises AgentError."""
    try:
        text = events.read_text("utf-8").strip()
        # The list is closed only if its engine ended without an error.
        outputs = json.loads(text if text.endswith("]") else text + "]")
        dump = json.loads(program.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AgentError(f"the capture cannot be read: {error}") from error
    captured = find(outputs, dump, label)
    compared = compare(captured.outputs, replay(captured, dump, binary, home))
    return {
        "treatment": captured.label,
        "inputs": {port.name: len(port.values) for port in captured.inputs},
        **asdict(compared),
    }
