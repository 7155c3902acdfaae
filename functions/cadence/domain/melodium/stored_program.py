"""Stored Mélodium programs: immutable sets of files, addressed by their content."""

import base64
import binascii
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from cadence.domain.melodium.headers import Fault, TreatmentHeader, treatments
from cadence.domain.shared.errors import InvalidRequest, Violation

COMPO = "Compo.toml"
MOST_BYTES = 700_000
"""Bytes of all files: they are source text, which a runner reads at once."""
MOST_FILES = 500
LONGEST_PATH = 300
_SCRIPT_NAME = "program.mel"
_HEADER = re.compile(r"#! (name|version|require) = (.*)")
# Requirements of one version or of one series; the packages of the engine have its version.
_REQUIREMENT = re.compile(r"(?:(?P<exact>=)|[\^~]?) *(?P<version>0\.\d+\.\d+)")
_STANDARD = "std"
_IDENTIFIER = re.compile(r"([A-Za-z0-9_]+)((?:/[A-Za-z0-9_]+)*)::([A-Za-z0-9_]+)")


@dataclass(frozen=True)
class ProgramFiles:
    """The files of a program by relative path.

    `file` is the one with which an engine is started: `Compo.toml` or a script.
    """

    file: str
    files: Mapping[str, bytes]

    def encoded(self) -> bytes:
        """Returns the program as canonical JSON (UTF-8), so that equal programs have equal digests."""
        files = {path: base64.b64encode(content).decode() for path, content in self.files.items()}
        return json.dumps({"program": 1, "file": self.file, "files": files}, sort_keys=True).encode()

    @property
    def sha256(self) -> str:
        """The digest (hex) by which the program is stored."""
        return hashlib.sha256(self.encoded()).hexdigest()


@dataclass(frozen=True)
class Entrypoint:
    """A command of a program.

    `treatment` is the identifier of the treatment that it runs; `unusable` is the reason why it cannot be run, if so.
    """

    command: str
    treatment: str
    header: TreatmentHeader | None = None
    unusable: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProgramFacts:
    """The facts about a program that are known without an engine.

    `engine` is the version of the engine that it requires, or its series (`0.11`), or None for any.
    """

    sha256: str
    name: str
    version: str
    entrypoints: Mapping[str, Entrypoint] = field(default_factory=dict)
    engine: str | None = None
    faults: tuple[Fault, ...] = ()


def decoded(content: bytes) -> ProgramFiles:
    """Returns the program from the result of `ProgramFiles.encoded`."""
    data = json.loads(content)
    return ProgramFiles(data["file"], {path: base64.b64decode(text) for path, text in data["files"].items()})


def files_of(content: bytes) -> tuple[str, Mapping[str, str]]:
    """Returns the same in the form of a runner's assignment: `file`, and the contents in base64 by path."""
    data: dict[str, Any] = json.loads(content)
    return data["file"], data["files"]


def program_of(files: Mapping[str, bytes]) -> ProgramFiles:
    """Returns the program of a tree (with `Compo.toml`) or of one script. Raises InvalidRequest for anything else."""
    if not files:
        raise _refused("The program has no files.", "empty_program")
    if len(files) > MOST_FILES:
        raise _refused(f"The program has {len(files):,} files, {MOST_FILES} at most.", "too_many_files")
    for path in files:
        parts = PurePosixPath(path).parts
        if (
            not path
            or path.startswith("/")
            or ".." in parts
            or "\0" in path
            or "\\" in path
            or len(path) > LONGEST_PATH
        ):
            raise _refused(f"{path[:100]!r} is no path within a program.", "bad_path")
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        message = f"The program's files have {size:,} bytes together, {MOST_BYTES:,} at most."
        raise _refused(message + " Leave out what is no source text.", "too_large")
    if COMPO in files:
        return ProgramFiles(COMPO, dict(files))
    if len(files) > 1:
        raise _refused(f"A program of several files needs a {COMPO} among them.", "no_compo")
    ((path, content),) = files.items()
    try:
        content.decode()
    except UnicodeDecodeError:
        raise _refused("A program of one file is text in UTF-8.", "not_text") from None
    name = PurePosixPath(path).name
    return ProgramFiles(name if name.endswith(".mel") else _SCRIPT_NAME, {_named(name): content})


def facts_of(program: ProgramFiles) -> ProgramFacts:
    """Returns the facts about a program. Never raises for its content: a part that cannot be read is a fault."""
    return _tree(program) if program.file == COMPO else _script(program)


def required_engine(requirement: str) -> str | None:
    """Returns the engine's version, or its series, from a requirement of the package `std`, which has the same."""
    match = _REQUIREMENT.fullmatch(requirement.strip())
    if match is None:
        return None
    return match["version"] if match["exact"] else ".".join(match["version"].split(".")[:2])


def _named(name: str) -> str:
    return name if name.endswith(".mel") else _SCRIPT_NAME


def _script(program: ProgramFiles) -> ProgramFacts:
    text = program.files[program.file].decode()
    settings: dict[str, str] = {}
    for line in text.split("\n"):
        if not line.startswith("#!"):
            break
        if match := _HEADER.match(line.rstrip("\r")):
            settings[match[1]] = " ".join((settings.get(match[1], ""), match[2])) if match[1] == "require" else match[2]
            settings[match[1]] = settings[match[1]].strip()
    name = settings.get("name", "")
    faults = [] if name else [Fault(program.file, 1, 1, "its header has no line `#! name = …`")]
    # Lines that begin with #! are not source text, but count as lines.
    headers, more = treatments(program.file, re.sub(r"(?m)^#![^\n]*", "", text))
    entrypoints = {}
    if "main" in headers:
        entrypoints["main"] = _entrypoint("main", f"{name}::main", headers["main"])
    return ProgramFacts(
        sha256=program.sha256,
        name=name,
        version=settings.get("version", "0.1.0"),
        engine=next(
            (
                required_engine(word.partition(":")[2])
                for word in settings.get("require", "").split()
                if word.startswith(f"{_STANDARD}:")
            ),
            None,
        ),
        entrypoints=entrypoints,
        faults=(*faults, *more),
    )


def _tree(program: ProgramFiles) -> ProgramFacts:
    try:
        compo = tomllib.loads(program.files[COMPO].decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return ProgramFacts(sha256=program.sha256, name="", version="", entrypoints={}, faults=(_toml_fault(error),))
    name, faults, dependencies = str(compo.get("name", "")), [], compo.get("dependencies")
    if not name:
        faults.append(Fault(COMPO, 1, 1, "it has no name"))
    commands = compo.get("entrypoints")
    entrypoints = {}
    areas: dict[str, dict[str, TreatmentHeader]] = {}
    for command, identifier in (commands if isinstance(commands, dict) else {}).items():
        match = _IDENTIFIER.fullmatch(str(identifier))
        if match is None or match[1] != name:
            why = f"{identifier!r} is no treatment of {name}"
            entrypoints[command] = Entrypoint(command, str(identifier), None, why)
            continue
        path = f"{match[2][1:]}.mel" if match[2] else "lib-root.mel"
        if path not in areas:
            areas[path], more = _area(program, path)
            faults += more
        header = areas[path].get(match[3])
        if header is None:
            entrypoints[command] = Entrypoint(command, str(identifier), None, f"{path} has no treatment {match[3]}")
        else:
            entrypoints[command] = _entrypoint(command, str(identifier), header)
    return ProgramFacts(
        sha256=program.sha256,
        name=name,
        version=str(compo.get("version", "")),
        engine=required_engine(str(dependencies.get(_STANDARD, ""))) if isinstance(dependencies, dict) else None,
        entrypoints=entrypoints,
        faults=tuple(faults),
    )


def _area(program: ProgramFiles, path: str) -> tuple[dict[str, TreatmentHeader], tuple[Fault, ...]]:
    content = program.files.get(path)
    if content is None:
        return {}, ()
    try:
        return treatments(path, content.decode())
    except UnicodeDecodeError:
        return {}, (Fault(path, 1, 1, "it is not UTF-8"),)


def _entrypoint(command: str, identifier: str, header: TreatmentHeader) -> Entrypoint:
    why = None
    if header.generics:
        why = f"it is generic in {', '.join(header.generics)}"
    elif header.models:
        why = f"it needs models ({', '.join(header.models)}), which only another treatment can give it"
    return Entrypoint(command, identifier, header, why)


def _toml_fault(error: Exception) -> Fault:
    match = re.search(r"line (\d+), column (\d+)", str(error))
    line, column = (int(match[1]), int(match[2])) if match else (1, 1)
    return Fault(COMPO, line, column, re.sub(r" \(at .*\)", "", str(error)))


def _refused(message: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation("/program", message, code)])


def from_base64(text: str) -> bytes:
    """Returns the decoded content. Raises InvalidRequest if the text is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("The content is not base64.", "not_base64") from None
