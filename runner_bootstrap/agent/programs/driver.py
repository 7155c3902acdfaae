"""What a runner starts for a Mélodium program: its engine, told what the program is given, and how it ended in words.

``program.json`` beside the workspace's files says what to do; see ``program_engine`` for what it holds. The verdict is
``verdict.json``: ``{"cause": …}``, written only if the treatment has failed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..assignments.value_types import parse
from ..shared.errors import TreatmentFailed
from . import captured_treatment, dump, engine_values, source_literals, wrapper
from .engine_process import Engine
from .engine_treatment import Sink, Subject
from .engine_values import ValueFault, Values
from .launch import ask, environment
from .wrapper import Wrapped, WrappedPort

CHECK_SECONDS = 60
_MOST_QUOTED = 2000


def main(arguments: list[str]) -> int:
    """``check FOLDER`` or ``run FOLDER``: the folder holds ``program.json``. 0 if all went well."""
    what, folder = arguments[0], Path(arguments[1])
    said = json.loads((folder / "program.json").read_text("utf-8"))
    said["parameters"].update(_secrets(said["secrets"]) if what == "run" else {})
    try:
        {"check": check, "run": run}[what](said, folder)
    except TreatmentFailed as error:
        (folder / "verdict.json").write_text(json.dumps({"cause": str(error)}), "utf-8")
        return 1
    return 0


def check(said: dict[str, Any], folder: Path) -> None:
    """The engine's own check of the program. Raises TreatmentFailed with its words, which are in the log, too."""
    argv = [said["binary"], "check", str(folder / "program" / said["file"]), said["entrypoint"]]
    try:
        done = subprocess.run(
            argv,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CHECK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TreatmentFailed(f"the engine's check of the program took longer than {CHECK_SECONDS} s") from None
    os.write(1, done.stdout)
    os.write(2, done.stderr)
    lines = done.stderr.decode("utf-8", "replace").replace(f"{folder}/program/", "").splitlines()
    faults = [line for line in lines if line.startswith(("failure: ", "error: "))]
    if done.returncode or faults:
        words = "; ".join(dict.fromkeys(faults or lines)) or f"exit status {done.returncode}"
        raise TreatmentFailed(f"the engine refuses the program: {words[:_MOST_QUOTED]}")


def run(said: dict[str, Any], folder: Path) -> None:
    """Raises TreatmentFailed if it could not launch, crashed, or logged errors that are not allowed."""
    if said["captured"]:
        captured_treatment.run(said, folder)
        return
    errors = _asked(said, folder) if said["inputs"] or said["outputs"] else _root(said, folder)
    if errors and said["errors"] == "fail":
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise TreatmentFailed(f"the program logged an error: {errors[0][:_MOST_QUOTED]}{more}")


def _secrets(wanted: dict[str, Any]) -> dict[str, Any]:
    """As parameters. No process that this one starts finds them in its environment."""
    return {name: {"type": each["type"], "value": os.environ.pop(each["variable"])} for name, each in wanted.items()}


def _root(said: dict[str, Any], folder: Path) -> list[str]:
    """A run of its own, as anybody starts it by hand."""
    if said["secrets"]:
        return _with_secrets(said, folder)
    argv = [said["binary"], "run", "--parse-arguments", *(["--api-report"] if said["report"] else [])]
    argv += [str(folder / "program" / said["file"]), said["entrypoint"]]
    for name, given in said["parameters"].items():
        argv += [f"--{name}={source_literals.literal(given['value'], parse(given['type']))}"]
    return Engine(argv, {**os.environ, **environment(folder)}).wait().errors


def _with_secrets(said: dict[str, Any], folder: Path) -> list[str]:
    """The same, but that all parameters are in a file that only this user can read: others see command lines."""
    tree = folder / "secret"
    tree.mkdir(mode=0o700)
    shutil.copytree(folder / "program", tree, dirs_exist_ok=True)
    tree.chmod(0o700)
    literals = {
        name: source_literals.literal(given["value"], parse(given["type"]))
        for name, given in said["parameters"].items()
    }
    compo = wrapper.fill(tree, said["file"], said["treatment"], said["entrypoint"], literals)
    argv = [said["binary"], "run", *(["--api-report"] if said["report"] else []), str(compo), said["entrypoint"]]
    try:
        return Engine(argv, {**os.environ, **environment(folder)}).wait().errors
    finally:
        shutil.rmtree(tree)


def _asked(said: dict[str, Any], folder: Path) -> list[str]:
    """One treatment of the program, fed and read by this process."""
    tree = folder / "asked"
    shutil.copytree(folder / "program", tree)
    given = said["parameters"]
    wanted = Wrapped(
        said["treatment"],
        [WrappedPort(port["name"], port["flow"], port["type"]) for port in said["inputs"]],
        [WrappedPort(port["name"], port["flow"], port["type"]) for port in said["outputs"]],
        {name: each["type"] for name, each in given.items()},
    )
    compo = wrapper.wrap(tree, said["file"], wanted)
    program = dump.dump(said["binary"], compo, wrapper.AREA, folder / "melodium")
    wrapper.without_model(program)
    feeds: dict[str, Iterable[Values]] = {port["name"]: _feed(port) for port in said["inputs"]}
    sinks: dict[str, Sink] = {port["name"]: _Output(port) for port in said["outputs"]}
    subject = Subject(wanted.inputs, wanted.outputs, feeds, sinks)
    values = {name: engine_values.raw(each["value"], parse(each["type"])) for name, each in given.items()}
    arguments = ["--api-report"] if said["report"] else []
    errors = ask(said["binary"], environment(folder), program, values, subject, arguments)
    for port in said["outputs"]:
        if port["flow"] == "block" and not Path(os.environ[f"CADENCE_OUT_{port['name']}"]).exists():
            told = f": it logged {errors[0]}" if errors else ""
            raise TreatmentFailed(f"the program ended without its output {port['name']}{told}")
    return errors


def _feed(port: dict[str, Any]) -> Iterator[Values]:
    """What the file or FIFO of an input holds; nothing for one that nobody feeds."""
    place = os.environ.get(f"CADENCE_IN_{port['name']}")
    of = parse(port["type"])
    if place is None:
        return
    with open(place, "rb", buffering=0) as file:
        if port["flow"] == "block":
            yield engine_values.block(file.read(), of)
        else:
            yield from engine_values.chunks(file, of)


class _Output:
    """Writes what an output sends; a stream's FIFO is opened at once, since somebody may wait for it."""

    def __init__(self, port: dict[str, Any]) -> None:
        self._port, self._of = port, parse(port["type"])
        self._place = os.environ[f"CADENCE_OUT_{port['name']}"]
        self._file = open(self._place, "wb", buffering=0) if port["flow"] == "stream" else None

    def __call__(self, values: Values | None) -> None:
        """Raises ValueFault."""
        if values is None:
            if self._file:
                self._file.close()
            return
        try:
            if self._file:
                content = memoryview(engine_values.lines_of(values, self._of))
                while content:
                    content = content[self._file.write(content) :]
            else:
                Path(self._place).write_bytes(engine_values.block_of(values, self._of))
        except ValueFault as fault:
            raise ValueFault(f"output {self._port['name']}: {fault}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
