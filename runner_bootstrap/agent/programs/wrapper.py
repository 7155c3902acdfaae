"""Wraps a program's treatment in one that can be asked for from outside and that reports how far each input is read.

A program is its stored files: a tree with ``Compo.toml``, or one ``.mel`` file, which is converted to a tree first.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from ..shared.errors import TreatmentFailed

AREA = "cadence_entry"
NAME = "cadenceEntry"
SUBJECT = "subject"
_GATE, _EXIT = "gate_", "exit_"
_HEADER = re.compile(r"#! (name|version|require) = (.*)\Z")
_IDENTIFIER = re.compile(r"([A-Za-z0-9_]+)((?:/[A-Za-z0-9_]+)*)::([A-Za-z0-9_]+)\Z")


class WrapperPort(NamedTuple):
    """A port; ``flow`` is ``block`` or ``stream``, ``type`` is written as in Mélodium."""

    name: str
    flow: str
    type: str

    @property
    def words(self) -> str:
        """The port's type in Mélodium's source text."""
        return f"{self.flow.capitalize()}<{self.type}>"

    @property
    def gate(self) -> str:
        """The label of the treatment that stands before the input."""
        return _GATE + self.name


class WrapperSpec(NamedTuple):
    """The treatment to wrap (``package/area::name``), with its ports and parameters (name → type)."""

    treatment: str
    inputs: list[WrapperPort]
    outputs: list[WrapperPort]
    parameters: dict[str, str]


def wrap(folder: Path, file: str, spec: WrapperSpec) -> Path:
    """Adds the wrapper to the program in ``folder``; returns its ``Compo.toml``, with the entrypoint ``AREA``."""
    package, area, name = _parts_of(spec.treatment)
    compo = folder / file if file.rpartition("/")[2] == "Compo.toml" else _made_tree(folder / file)
    text = compo.read_text("utf-8")
    (compo.parent / f"{AREA}.mel").write_text(_source(f"root{area}::{name}", spec), "utf-8")
    compo.write_text(_with_entrypoint(text, f'{AREA} = "{package}/{AREA}::{NAME}"'), "utf-8")
    return compo


def fill(folder: Path, file: str, treatment: str, command: str, literals: dict[str, str]) -> Path:
    """Replaces a command of the program in ``folder`` by one with these parameters; returns its ``Compo.toml``."""
    package, area, name = _parts_of(treatment)
    compo = folder / file if file.rpartition("/")[2] == "Compo.toml" else _made_tree(folder / file)
    passed = ", ".join(f"{parameter}={literal}" for parameter, literal in literals.items())
    source = f"use root{area}::{name} as programOfCadence\n\ntreatment main()\n{{\n    program: programOfCadence({passed})\n}}\n"
    (compo.parent / f"{AREA}.mel").write_text(source, "utf-8")
    text = _without_entrypoint(compo.read_text("utf-8"), command)
    compo.write_text(_with_entrypoint(text, f'{command} = "{package}/{AREA}::main"'), "utf-8")
    return compo


def without_model(program: dict[str, Any]) -> None:
    """Removes the model from the dumped treatment, so that it can be launched."""
    for element in program["collection"]["elements"]:
        treatment = element.get("treatment") or {}
        if treatment.get("identifier") == program["entrypoint"]:
            treatment["models"] = {}


def _parts_of(treatment: str) -> tuple[str, str, str]:
    """Returns package, area (with a leading slash, empty if it is the package's own) and name."""
    match = _IDENTIFIER.match(treatment)
    if not match:
        raise TreatmentFailed(f"{treatment} is not the identifier of a treatment: it has the form package/area::name")
    package, area, name = match.groups()
    return package, area, name


def _made_tree(script: Path) -> Path:
    """Converts a script to a tree beside it; returns its ``Compo.toml``."""
    headers: dict[str, list[str]] = {"name": [], "version": [], "require": []}
    lines = script.read_text("utf-8").split("\n")
    while lines and lines[0].startswith("#!"):
        match = _HEADER.match(lines.pop(0).rstrip("\r"))
        if match:
            headers[match[1]].append(match[2].strip())
    tree = script.parent / "cadence-tree"
    tree.mkdir()
    (tree / "lib-root.mel").write_text("\n".join(lines), "utf-8")
    required = [requirement.partition(":") for group in headers["require"] for requirement in group.split()]
    spec = "".join(f'{name} = "{version or "*"}"\n' for name, _, version in required)
    name, version = (headers["name"] or ["program"])[-1], (headers["version"] or ["0.1.0"])[-1]
    compo = tree / "Compo.toml"
    compo.write_text(f'name = "{name}"\nversion = "{version}"\n\n[dependencies]\n{spec}\n[entrypoints]\n', "utf-8")
    return compo


def _without_entrypoint(text: str, command: str) -> str:
    """Removes the command's line; only the value of an entrypoint has this form."""
    named = re.compile(rf"""\s*["']?{re.escape(command)}["']?\s*=\s*["'][A-Za-z0-9_/]+::[A-Za-z0-9_]+["']\s*(#.*)?\Z""")
    return "\n".join(line for line in text.split("\n") if not named.match(line))


def _with_entrypoint(text: str, line: str) -> str:
    lines = text.split("\n")
    for at, requirement in enumerate(lines):
        if re.match(r"\s*\[\s*entrypoints\s*\]", requirement):
            return "\n".join([*lines[: at + 1], line, *lines[at + 1 :]])
    return "\n".join([*lines, "", "[entrypoints]", line, ""])


def _source(subject: str, spec: WrapperSpec) -> str:
    """Returns the wrapper's source.

    It requires a model that it does not use, so that no engine runs it: see ``dump``.
    """
    parameters = ", ".join(f"const {name}: {type_}" for name, type_ in spec.parameters.items())
    passed = ", ".join(f"{name}={name}" for name in spec.parameters)
    lines = [
        f"use {subject} as subjectOfCadence",
        "use std/engine::Engine as EngineOfCadence",
        "use std/flow::pass as passOfCadence",
        "use std/flow::passBlock as passBlockOfCadence",
        "",
        f"treatment {NAME}[engine: EngineOfCadence]({parameters})",
        *[f"  input {port.name}: {port.words}" for port in spec.inputs],
        *[f"  output {port.name}: {port.words}" for port in spec.outputs],
        "{",
        f"    {SUBJECT}: subjectOfCadence({passed})",
    ]
    for port in spec.inputs:
        lines.append(f"    {port.gate}: {_pass(port)}")
        lines.append(f"    Self.{port.name} -> {port.gate}.{_kind_of(port)},passed -> {SUBJECT}.{port.name}")
    for port in spec.outputs:
        # Engines connect an input that is passed on directly to an output wrongly: its values arrive at the outermost
        # treatment twice, or never. A passing treatment between them avoids that.
        lines.append(f"    {_EXIT}{port.name}: {_pass(port)}")
        lines.append(f"    {SUBJECT}.{port.name} -> {_EXIT}{port.name}.{_kind_of(port)},passed -> Self.{port.name}")
    return "\n".join([*lines, "}", ""])


def _pass(port: WrapperPort) -> str:
    return f"{'passBlockOfCadence' if port.flow == 'block' else 'passOfCadence'}<{port.type}>(cond=true)"


def _kind_of(port: WrapperPort) -> str:
    return "block" if port.flow == "block" else "stream"
