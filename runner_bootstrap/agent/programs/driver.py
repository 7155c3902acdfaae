"""The process that a runner starts for a Mélodium program: starts the engine, feeds it, and explains how it ended.

``program.json`` in the workspace describes the task; ``melodium.program_engine`` writes it. The verdict is
``verdict.json``: ``{"cause": …}``, written only if the treatment has failed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..assignments.value_types import parse
from ..shared.errors import TreatmentFailed
from . import captured_treatment, dump, engine_values, missing_packages, secret_parameters, source_literals, wrapper
from .engine_process import EngineProcess
from .engine_treatment import TreatmentBinding, ValueSink
from .engine_values import ValueFault, Values
from .launch import engine_environment, run_treatment
from .secret_parameters import SecretFiles
from .wrapper import WrapperPort, WrapperSpec

CHECK_SECONDS = 60
_MOST_QUOTED = 2000


def main(arguments: list[str]) -> int:
    """Runs ``check FOLDER`` or ``run FOLDER``; the folder holds ``program.json``. Returns 0 on success."""
    what, folder = arguments[0], Path(arguments[1])
    task = json.loads((folder / "program.json").read_text("utf-8"))
    # The runner's signal goes to the engine as well, which ends its work; this process waits for that and explains it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    task["parameters"].update(_secrets(task["secrets"]) if what == "run" else {})
    try:
        {"check": check, "run": run}[what](task, folder)
    except TreatmentFailed as error:
        (folder / "verdict.json").write_text(json.dumps({"cause": str(error)}), "utf-8")
        return 1
    return 0


def check(task: dict[str, Any], folder: Path) -> None:
    """Runs the engine's own check of the program.

    Raises TreatmentFailed with its messages, which are also in the log.
    """
    argv = [task["binary"], "check", *_paths(task), str(folder / "program" / task["file"]), task["entrypoint"]]
    try:
        done = subprocess.run(
            argv,
            env=engine_environment(folder),
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
        shown = missing_packages.without_repository(faults)
        message = "; ".join(dict.fromkeys(shown or lines)) or f"exit status {done.returncode}"
        need = missing_packages.explained(faults, task["packages"], task["unused_packages"])
        raise TreatmentFailed(
            f"the engine refuses the program: {message[:_MOST_QUOTED]}" + (f". {need}" if need else "")
        )


def run(task: dict[str, Any], folder: Path) -> None:
    """Runs the program.

    Raises TreatmentFailed if it could not launch, crashed, or logged errors that are not allowed.
    """
    if task["captured"]:
        captured_treatment.run(task, folder)
        return
    errors = _run_treatment(task, folder) if task["inputs"] or task["outputs"] else _run_entrypoint(task, folder)
    if errors and task["errors"] == "fail":
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise TreatmentFailed(f"the program logged an error: {errors[0][:_MOST_QUOTED]}{more}")


def _paths(task: dict[str, Any]) -> list[str]:
    """Returns the engine's options that name where packages are stored."""
    return [word for location in task["packages"] for word in ("--path", location)]


def _secrets(spec: dict[str, Any]) -> dict[str, Any]:
    """Returns the secrets as parameters and removes them from the environment that child processes inherit."""
    return {
        name: {"type": parameter["type"], "value": os.environ.pop(parameter["variable"])}
        for name, parameter in spec.items()
    }


def _run_entrypoint(task: dict[str, Any], folder: Path) -> list[str]:
    """Runs the program's entrypoint by ``melodium run``; returns the errors that it logged."""
    files = SecretFiles(folder)
    try:
        literals = {name: _literal(name, parameter, files) for name, parameter in task["parameters"].items()}
        sealed = [name for name, parameter in task["secrets"].items() if secret_parameters.is_secret(parameter["type"])]
        # A secret that cannot be had is told before anything of the program runs.
        argv = [task["binary"], "run", *_paths(task), *task["options"], *(["--check-secrets"] if sealed else [])]
        if len(sealed) < len(task["secrets"]):
            return _run_with_texts(task, folder, literals, argv)
        argv += ["--parse-arguments", str(folder / "program" / task["file"]), task["entrypoint"]]
        argv += [f"--{name}={literal}" for name, literal in literals.items()]
        return EngineProcess(argv, {**os.environ, **engine_environment(folder)}).wait().errors
    finally:
        files.remove()


def _literal(name: str, parameter: dict[str, Any], files: SecretFiles) -> str:
    value, type_ = parameter["value"], secret_parameters.plain_type(parameter["type"])
    if secret_parameters.is_secret(parameter["type"]):
        value = files.locator(name, value)
    return source_literals.literal(value, parse(type_))


def _run_with_texts(task: dict[str, Any], folder: Path, literals: dict[str, str], argv: list[str]) -> list[str]:
    """Runs the entrypoint with all parameters in a private file: secrets in texts, and command lines are public."""
    tree = folder / "secret"
    tree.mkdir(mode=0o700)
    shutil.copytree(folder / "program", tree, dirs_exist_ok=True)
    tree.chmod(0o700)
    compo = wrapper.fill(tree, task["file"], task["treatment"], task["entrypoint"], literals)
    try:
        return (
            EngineProcess([*argv, str(compo), task["entrypoint"]], {**os.environ, **engine_environment(folder)})
            .wait()
            .errors
        )
    finally:
        shutil.rmtree(tree)


def _run_treatment(task: dict[str, Any], folder: Path) -> list[str]:
    """Runs one treatment of the program, with inputs and outputs connected to this process."""
    tree = folder / "asked"
    shutil.copytree(folder / "program", tree)
    parameters = task["parameters"]
    spec = WrapperSpec(
        task["treatment"],
        [WrapperPort(port["name"], port["flow"], port["type"]) for port in task["inputs"]],
        [WrapperPort(port["name"], port["flow"], port["type"]) for port in task["outputs"]],
        {name: parameter["type"] for name, parameter in parameters.items()},
    )
    compo = wrapper.wrap(tree, task["file"], spec)
    program = dump.dump(task["binary"], compo, wrapper.AREA, folder / "melodium", _paths(task))
    wrapper.without_model(program)
    feeds: dict[str, Iterable[Values]] = {port["name"]: _feed(port) for port in task["inputs"]}
    sinks: dict[str, ValueSink] = {port["name"]: _PortWriter(port).write for port in task["outputs"]}
    binding = TreatmentBinding(spec.inputs, spec.outputs, feeds, sinks)
    values = {name: _raw(name, parameter) for name, parameter in parameters.items()}
    # How far inputs are read is known from counts, which are no values: they are needed at every level.
    options = ["basic" if option == "none" else option for option in task["options"]]
    errors = run_treatment(task["binary"], engine_environment(folder), program, values, binding, options)
    for port in task["outputs"]:
        if port["flow"] == "block" and not Path(os.environ[f"CADENCE_OUT_{port['name']}"]).exists():
            reason = f": it logged {errors[0]}" if errors else ""
            raise TreatmentFailed(f"the program ended without its output {port['name']}{reason}")
    return errors


def _raw(name: str, parameter: dict[str, Any]) -> Any:
    if secret_parameters.is_secret(parameter["type"]):
        return secret_parameters.described(name, parameter["type"], parameter["value"])
    return engine_values.raw(parameter["value"], parse(parameter["type"]))


def _feed(port: dict[str, Any]) -> Iterator[Values]:
    """Yields the values of an input's file or FIFO; none for an input without data."""
    path = os.environ.get(f"CADENCE_IN_{port['name']}")
    of = parse(port["type"])
    if path is None:
        return
    with open(path, "rb", buffering=0) as file:
        if port["flow"] == "block":
            yield engine_values.block(file.read(), of)
        else:
            yield from engine_values.chunks(file, of)


class _PortWriter:
    """Writes the values of an output. A stream's FIFO is opened at once, since a reader may wait for it."""

    def __init__(self, port: dict[str, Any]) -> None:
        self._port, self._of = port, parse(port["type"])
        self._path = os.environ[f"CADENCE_OUT_{port['name']}"]
        self._file = open(self._path, "wb", buffering=0) if port["flow"] == "stream" else None

    def write(self, values: Values | None) -> None:
        """Writes values, or closes the output for None. Raises ValueFault."""
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
                Path(self._path).write_bytes(engine_values.block_of(values, self._of))
        except ValueFault as fault:
            raise ValueFault(f"output {self._port['name']}: {fault}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
