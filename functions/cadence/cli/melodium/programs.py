"""Mélodium programs on the command line: packed, read, checked by the engine that is here, and run."""

import base64
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, told
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import date_time, out, print_json, print_table

program = typer.Typer(name="program", help="Stored Mélodium programs.", no_args_is_help=True)

COMPO = "Compo.toml"
CHECK_SECONDS = 60
_NAMED = re.compile(r"""program["']?\s*:\s*["']?([^\s"',}]+)""")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_AS_WRITTEN = ("string", "Option<string>", "char", "Option<char>")

Name = Annotated[str, typer.Argument(metavar="NAME")]
ProgramFile = Annotated[str, typer.Argument(metavar="FILE", help="A Compo.toml (or its folder), a .mel or a .jeu.")]


def is_program(file: str) -> bool:
    path = Path(file)
    return path.name == COMPO or path.suffix in (".mel", ".jeu") or (path.is_dir() and (path / COMPO).is_file())


def packed(file: str) -> dict[str, str]:
    """The program as the API takes it. Ends the command if it cannot be read."""
    path = Path(file)
    if path.is_dir():
        path = path / COMPO
    try:
        content = _tree(path.parent) if path.name == COMPO else path.read_bytes()
    except OSError as error:
        raise fail(f"{error.filename or file} cannot be read: {error.strerror}.", WRONG_USE) from None
    return {"content": base64.b64encode(content).decode(), "filename": path.name}


def beside(document: str, file: str) -> dict[str, dict[str, str]]:
    """The programs that a document names by a path from where it is."""
    folder = Path.cwd() if file == "-" else Path(file).parent
    names = dict.fromkeys(_NAMED.findall(document)) if "melodium" in document else {}
    return {name: packed(str(folder / name)) for name in names if is_program(name) and (folder / name).exists()}


def document_of(
    client: Client, file: str, entrypoint: str, given: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """A document with one treatment, which runs the program; and the programs that go with it."""
    sent = packed(file)
    read = client.read_program(sent)
    parameters = _typed(read, entrypoint, given)
    name = _NOT_IN_NAMES.sub("-", (read["name"] or Path(file).stem).lower()).strip("-") or "program"
    body = {"program": file, "entrypoint": entrypoint, "parameters": parameters}
    body |= {"secrets": dict(secrets)} if secrets else {}
    treatment = _NOT_IN_NAMES.sub("-", entrypoint.lower()).strip("-") or "main"
    document = {"cadence": 1, "name": _named(name), "treatments": {_named(treatment): {"melodium": body}}}
    return json.dumps(document, indent=2, ensure_ascii=False), {file: sent}


def validate_program(client: Client, file: str, as_json: bool) -> bool:
    """What can be read of it, and the engine's own check if one is here. Whether all is well."""
    read = client.read_program(packed(file))
    said = {each["command"]: _engine_says(file, each["command"]) for each in read["entrypoints"]}
    checked = [words for words in said.values() if words is not None]
    valid = not read["faults"] and bool(read["entrypoints"]) and not any(checked)
    if as_json:
        print_json({**read, "valid": valid, "engine": said})
        return valid
    for fault in read["faults"]:
        out.print(f"{file}: {fault['file']}:{fault['line']}:{fault['column']}: {fault['message']}", markup=False)
    for each in read["entrypoints"]:
        _print_entrypoint(each)
        for line in said[each["command"]] or []:
            out.print(f"    {line}", markup=False, soft_wrap=True)
    if not checked and read["entrypoints"]:
        out.print("No engine is here (melodium in PATH, or CADENCE_MELODIUM): its own check is done when it runs.")
    out.print(f"{file}: {read['name']} is valid" if valid else f"{file}: not valid", markup=False)
    return valid


@program.command("put")
def put_program(name: Name, file: ProgramFile, project: Project = None, as_json: Json = False) -> None:
    """Store a program under a name, for pipelines to use: `melodium: {program: NAME}`."""
    with told(as_json, file):
        stored = connect(project).put_program(name, packed(file))
    if as_json:
        print_json(stored)
        return
    out.print(f"{name} is {stored['name']} {stored['version']} ({stored['sha256'][:12]})", markup=False)
    for each in stored["entrypoints"]:
        _print_entrypoint(each)


@program.command("list")
def list_programs(project: Project = None, as_json: Json = False) -> None:
    """List the stored programs of a project."""
    with told(as_json):
        found = connect(project).programs()
    if as_json:
        print_json(found)
        return
    rows = ((one["stored_as"], one["sha256"][:12], date_time(one["created_at"]), one["created_by"]) for one in found)
    print_table(("NAME", "DIGEST", "STORED", "BY"), rows)


@program.command("show")
def show_program(name: Name, project: Project = None, as_json: Json = False) -> None:
    """The entrypoints of a stored program: parameters, inputs and outputs with their types."""
    with told(as_json):
        found = connect(project).program(name)
    if as_json:
        print_json(found)
        return
    out.print(f"{found['name']} {found['version']} ({found['sha256']})", markup=False)
    for each in found["entrypoints"]:
        _print_entrypoint(each)


def _print_entrypoint(each: Mapping[str, Any]) -> None:
    parameters = ", ".join(
        f"{given['name']}: {given['type']}" + (f" = {given['default']}" if given["default"] is not None else "")
        for given in each["parameters"]
    )
    out.print(f"  {each['command']}({parameters})", markup=False, soft_wrap=True)
    if each["unusable"]:
        out.print(f"    cannot be run: {each['unusable']}", markup=False)
    for side in ("inputs", "outputs"):
        for port in each[side]:
            out.print(f"    {side[:-1]} {port['name']}: {port['type']}", markup=False)


def _engine_says(file: str, command: str) -> list[str] | None:
    """What the engine here has against it; None without an engine. It is given no network where there is bubblewrap."""
    engine = os.environ.get("CADENCE_MELODIUM") or shutil.which("melodium")
    if not engine:
        return None
    path = Path(file) / COMPO if Path(file).is_dir() else Path(file)
    argv = [engine, "check", str(path.absolute()), command]
    with tempfile.TemporaryDirectory() as home:
        if shutil.which("bwrap"):
            shut = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--bind", home, home, "--unshare-net"]
            argv = [*shut, "--die-with-parent", *argv] if _works(shut) else argv
        env = {"HOME": home, "MELODIUM_HOME": home, "NO_COLOR": "1", "PATH": os.environ.get("PATH", os.defpath)}
        try:
            done = subprocess.run(argv, env=env, capture_output=True, timeout=CHECK_SECONDS, check=False, text=True)
        except subprocess.TimeoutExpired:
            return [f"the engine's check took longer than {CHECK_SECONDS} s"]
        except OSError as error:
            raise fail(f"{engine} cannot be started: {error.strerror}.", WRONG_USE) from None
    lines = done.stderr.strip().splitlines()
    faults = [line for line in lines if line.startswith(("failure:", "error:"))]
    return faults or ([*lines, f"exit status {done.returncode}"] if done.returncode else [])


def _works(shut: Sequence[str]) -> bool:
    return subprocess.run([*shut, "true"], capture_output=True, check=False).returncode == 0


def _typed(read: Mapping[str, Any], entrypoint: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Text where a parameter is text, else JSON; what cannot be read as that is left to the check, which says so."""
    found = next((each for each in read["entrypoints"] if each["command"] == entrypoint), None)
    types = {each["name"]: each["type"] for each in found["parameters"]} if found else {}
    typed: dict[str, Any] = {}
    for name, text in given.items():
        typed[name] = text
        if types.get(name) not in _AS_WRITTEN:
            try:
                typed[name] = json.loads(text)
            except ValueError:
                typed[name] = text
    return typed


def _named(name: str) -> str:
    return name[:62] if name[0].isalpha() else f"p-{name}"[:62]


def _tree(folder: Path) -> bytes:
    """What an engine reads of it, always packed to the same bytes."""
    files = sorted(path for path in [folder / COMPO, *folder.rglob("*.mel")] if path.is_file())
    packed_files = io.BytesIO()
    with tarfile.open(fileobj=packed_files, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in files:
            content = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed_files.getvalue(), mtime=0)
