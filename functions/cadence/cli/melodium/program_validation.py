"""Validates a Mélodium program: what the API reads from it, and the check of an engine on this machine."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cadence.cli.client.client import Client
from cadence.cli.melodium.program_files import COMPO, pack_program
from cadence.cli.shared.errors import WRONG_USE, fail
from cadence.cli.shared.output import out, print_json

CHECK_SECONDS = 60


def validate_program(client: Client, file: str, as_json: bool) -> bool:
    """Prints the faults and entrypoints of a program; returns whether it is valid."""
    read = client.read_program(pack_program(file))
    engine_faults = {each["command"]: _check_with_engine(file, each["command"]) for each in read["entrypoints"]}
    checked = [faults for faults in engine_faults.values() if faults is not None]
    valid = not read["faults"] and bool(read["entrypoints"]) and not any(checked)
    if as_json:
        print_json({**read, "valid": valid, "engine": engine_faults})
        return valid
    for fault in read["faults"]:
        out.print(f"{file}: {fault['file']}:{fault['line']}:{fault['column']}: {fault['message']}", markup=False)
    for each in read["entrypoints"]:
        print_entrypoint(each)
        for line in engine_faults[each["command"]] or []:
            out.print(f"    {line}", markup=False, soft_wrap=True)
    if not checked and read["entrypoints"]:
        out.print(
            "No engine is installed (melodium in PATH, or CADENCE_MELODIUM): the engine checks the program when it runs."
        )
    out.print(f"{file}: {read['name']} is valid" if valid else f"{file}: not valid", markup=False)
    return valid


def print_entrypoint(entrypoint: Mapping[str, Any]) -> None:
    """Prints an entrypoint with the types of its parameters, inputs and outputs."""
    parameters = ", ".join(
        f"{parameter['name']}: {parameter['type']}"
        + (f" = {parameter['default']}" if parameter["default"] is not None else "")
        for parameter in entrypoint["parameters"]
    )
    out.print(f"  {entrypoint['command']}({parameters})", markup=False, soft_wrap=True)
    if entrypoint["unusable"]:
        out.print(f"    cannot be run: {entrypoint['unusable']}", markup=False)
    for side in ("inputs", "outputs"):
        for port in entrypoint[side]:
            out.print(f"    {side[:-1]} {port['name']}: {port['type']}", markup=False)


def _check_with_engine(file: str, command: str) -> list[str] | None:
    """The faults that the engine finds; None without an engine.

    It runs without a network where bubblewrap is installed.
    """
    named = [path for path in os.environ.get("CADENCE_MELODIUM", "").split(os.pathsep) if path]
    engine = next(iter(named), None) or shutil.which("melodium")
    if not engine:
        return None
    path = Path(file) / COMPO if Path(file).is_dir() else Path(file)
    packages = [word for folder in _package_folders() for word in ("--path", folder)]
    argv = [engine, "check", *packages, str(path.absolute()), command]
    with tempfile.TemporaryDirectory() as home:
        if shutil.which("bwrap"):
            sandbox = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--bind", home, home, "--unshare-net"]
            argv = [*sandbox, "--die-with-parent", *argv] if _works(sandbox) else argv
        env = {"HOME": home, "MELODIUM_HOME": home, "NO_COLOR": "1", "PATH": os.environ.get("PATH", os.defpath)}
        try:
            process = subprocess.run(argv, env=env, capture_output=True, timeout=CHECK_SECONDS, check=False, text=True)
        except subprocess.TimeoutExpired:
            return [f"the engine did not finish its check within {CHECK_SECONDS} s"]
        except OSError as error:
            raise fail(f"{engine} cannot be started: {error.strerror}.", WRONG_USE) from None
    lines = process.stderr.strip().splitlines()
    faults = [line for line in lines if line.startswith(("failure:", "error:"))]
    return faults or ([*lines, f"exit status {process.returncode}"] if process.returncode else [])


def _package_folders() -> list[str]:
    """The folders of packages as a host finds them: by its variable, else in the home of engines."""
    named = os.environ.get("CADENCE_MELODIUM_PACKAGES")
    names = [os.environ.get("MELODIUM_HOME", "")] if named is None else named.split(os.pathsep)
    folders = [Path(name).absolute() for name in names if name]
    in_homes = {file.parent for folder in folders for file in folder.glob("*/*/*/*.jeu")}
    return [str(folder) for folder in (*folders, *sorted(in_homes))]


def _works(sandbox: Sequence[str]) -> bool:
    return subprocess.run([*sandbox, "true"], capture_output=True, check=False).returncode == 0
