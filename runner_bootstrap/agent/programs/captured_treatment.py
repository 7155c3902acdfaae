"""Replays one treatment of a reported run as a treatment's command, from stored values, which it writes to its outputs.

The program is one file of the control plane: the treatment, its parameters and models, and the part of the program's
dump that launches it. Values are read and written as they are stored: see ``stored_values``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..shared.errors import TreatmentFailed
from . import stored_values
from .capture import CapturedPort, CapturedTreatment
from .capture_replay import build_program, resolve_generics
from .engine_process import version_of
from .engine_treatment import TreatmentBinding, ValueSink
from .engine_values import ValueFault, Values
from .launch import engine_environment, run_treatment
from .stored_values import DescribedType
from .wrapper import WrapperPort


def run(task: dict[str, Any], folder: Path) -> None:
    """Replays the treatment. Raises TreatmentFailed if a value cannot be restored or the engine fails."""
    stored = json.loads((folder / "program" / task["file"]).read_text("utf-8"))
    captured = _captured(stored)
    types = {
        port.name: resolve_generics(port.type, captured.generics) for port in (*captured.inputs, *captured.outputs)
    }
    given = {port["name"]: port.get("values") for port in stored["inputs"]}
    sinks: dict[str, ValueSink] = {
        port.name: _StoredValuesWriter(port.name, types[port.name]).write for port in captured.outputs
    }
    binding = TreatmentBinding(
        [WrapperPort(port.name, port.flow, "") for port in captured.inputs],
        [WrapperPort(port.name, port.flow, "") for port in captured.outputs],
        {port.name: _feed(port.name, types[port.name], given[port.name]) for port in captured.inputs},
        sinks,
    )
    program = build_program(captured, {"collection": {"elements": stored["elements"]}}, version_of(task["binary"]))
    run_treatment(task["binary"], engine_environment(folder), program, {}, binding, [])


def _captured(stored: dict[str, Any]) -> CapturedTreatment:
    label = stored["label"]
    models = [
        {
            "name": model["name"],
            "label": f"model_{model['name']}",
            "model": model["identifier"],
            "parameters": _values(model["parameters"], f"of the model {model['name']} of {label}"),
        }
        for model in stored["models"]
    ]
    return CapturedTreatment(
        label=label,
        element={"identifier": stored["treatment"]},
        generics=stored["generics"],
        parameters=_values(stored["parameters"], f"of {label}"),
        models=models,
        inputs=[CapturedPort(port["name"], port["flow"], port["type"]) for port in stored["inputs"]],
        outputs=[CapturedPort(port["name"], port["flow"], port["type"]) for port in stored["outputs"]],
        version="",
    )


def _values(given: dict[str, Any], owner: str) -> dict[str, Any]:
    """Returns values by name, given in the engine's form (``raw``) or in the stored one (``value`` of ``type``)."""
    values = {}
    for name, given_value in given.items():
        try:
            values[name] = (
                given_value["raw"]
                if "raw" in given_value
                else stored_values.restored(given_value["value"], given_value["type"])
            )
        except ValueFault as fault:
            raise TreatmentFailed(f"the parameter {name} {owner} cannot be restored: {fault}") from None
    return values


def _feed(name: str, of: DescribedType, given: Any) -> Iterator[Values]:
    """Yields the values that the engine itself gave, or those of an input's FIFO; none if it received none."""
    path = os.environ.get(f"CADENCE_IN_{name}")
    if given is not None:
        yield given
    elif path is not None:
        with open(path, "rb", buffering=0) as file:
            yield from stored_values.read(file, of)


class _StoredValuesWriter:
    """Writes the values of an output. Its FIFO is opened at once, since a reader may wait for it."""

    def __init__(self, name: str, of: DescribedType) -> None:
        self._name, self._of = name, of
        self._file = open(os.environ[f"CADENCE_OUT_{name}"], "wb", buffering=0)

    def write(self, values: Values | None) -> None:
        """Writes values, or closes the output for None. Raises ValueFault."""
        if values is None:
            self._file.close()
            return
        try:
            content = memoryview(stored_values.lines_of(values, self._of))
        except ValueFault as fault:
            raise ValueFault(f"output {self._name}: {fault}") from None
        while content:
            content = content[self._file.write(content) :]
