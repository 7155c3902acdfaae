"""One treatment of a reported run once more, as a treatment's command: from what is kept of it, with what it then sent as its outputs.

The program is one file, written by the control plane: what the treatment is, what it was given beside its inputs, and of
the program's dump what it takes to launch it. Values go in and out as they are kept: see ``kept_values``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..shared.errors import TreatmentFailed
from . import stored_values
from .capture import Captured, Port
from .capture_replay import program_around, solved
from .engine_process import version_of
from .engine_treatment import Sink, Subject
from .engine_values import ValueFault, Values
from .launch import ask, environment
from .stored_values import Described
from .wrapper import WrappedPort


def run(said: dict[str, Any], folder: Path) -> None:
    """Raises TreatmentFailed if a value cannot be restored, or the engine cannot do it."""
    held = json.loads((folder / "program" / said["file"]).read_text("utf-8"))
    captured = _captured(held)
    types = {port.name: solved(port.type, captured.generics) for port in (*captured.inputs, *captured.outputs)}
    given = {port["name"]: port.get("values") for port in held["inputs"]}
    sinks: dict[str, Sink] = {port.name: _Output(port.name, types[port.name]) for port in captured.outputs}
    subject = Subject(
        [WrappedPort(port.name, port.flow, "") for port in captured.inputs],
        [WrappedPort(port.name, port.flow, "") for port in captured.outputs],
        {port.name: _feed(port.name, types[port.name], given[port.name]) for port in captured.inputs},
        sinks,
    )
    program = program_around(captured, {"collection": {"elements": held["elements"]}}, version_of(said["binary"]))
    ask(said["binary"], environment(folder), program, {}, subject, [])


def _captured(held: dict[str, Any]) -> Captured:
    label = held["label"]
    models = [
        {
            "name": model["name"],
            "label": f"model_{model['name']}",
            "model": model["identifier"],
            "parameters": _values(model["parameters"], f"of the model {model['name']} of {label}"),
        }
        for model in held["models"]
    ]
    return Captured(
        label,
        {"identifier": held["treatment"]},
        held["generics"],
        _values(held["parameters"], f"of {label}"),
        models,
        [Port(port["name"], port["flow"], port["type"]) for port in held["inputs"]],
        [Port(port["name"], port["flow"], port["type"]) for port in held["outputs"]],
        "",
    )


def _values(given: dict[str, Any], whose: str) -> dict[str, Any]:
    """By name: as the engine wrote it (``raw``), or as it is kept (``value`` of ``type``)."""
    found = {}
    for name, each in given.items():
        try:
            found[name] = each["raw"] if "raw" in each else stored_values.restored(each["value"], each["type"])
        except ValueFault as fault:
            raise TreatmentFailed(f"the parameter {name} {whose} cannot be restored: {fault}") from None
    return found


def _feed(name: str, of: Described, given: Any) -> Iterator[Values]:
    """What the engine itself gave it, or what the FIFO of an input holds; nothing for one that got nothing."""
    place = os.environ.get(f"CADENCE_IN_{name}")
    if given is not None:
        yield given
    elif place is not None:
        with open(place, "rb", buffering=0) as file:
            yield from stored_values.read(file, of)


class _Output:
    """Writes what an output sends; its FIFO is opened at once, since somebody may wait for it."""

    def __init__(self, name: str, of: Described) -> None:
        self._name, self._of = name, of
        self._file = open(os.environ[f"CADENCE_OUT_{name}"], "wb", buffering=0)

    def __call__(self, values: Values | None) -> None:
        """Raises ValueFault."""
        if values is None:
            self._file.close()
            return
        try:
            content = memoryview(stored_values.lines_of(values, self._of))
        except ValueFault as fault:
            raise ValueFault(f"output {self._name}: {fault}") from None
        while content:
            content = content[self._file.write(content) :]
