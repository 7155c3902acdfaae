"""A Mélodium program as it is kept: its files, unchangeable, addressed by their content."""

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
"""Of all files: source text, which a runner reads at once."""
MOST_FILES = 500
LONGEST_PATH = 300
_SCRIPT_NAME = "program.mel"
_HEADER = re.compile(r"#! (name|version|require) = (.*)")
_IDENTIFIER = re.compile(r"([A-Za-z0-9_]+)((?:/[A-Za-z0-9_]+)*)::([A-Za-z0-9_]+)")


@dataclass(frozen=True)
class ProgramFiles:
    """`file` is the one that an engine is started with: `Compo.toml`, or a script of its own. Contents by relative path."""

    file: str
    files: Mapping[str, bytes]

    def encoded(self) -> bytes:
        """Canonical: equal programs have equal digests."""
        files = {path: base64.b64encode(content).decode() for path, content in self.files.items()}
        return json.dumps({"program": 1, "file": self.file, "files": files}, sort_keys=True).encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.encoded()).hexdigest()


@dataclass(frozen=True)
class Entrypoint:
    """A command of a program. `treatment` is the identifier of what it runs; `unusable` says why it cannot be run, if so."""

    command: str
    treatment: str
    header: TreatmentHeader | None = None
    unusable: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProgramFacts:
    """What is known of a program before an engine looks at it."""

    sha256: str
    name: str
    version: str
    entrypoints: Mapping[str, Entrypoint] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def decoded(content: bytes) -> ProgramFiles:
    """What `encoded` gave."""
    data = json.loads(content)
    return ProgramFiles(data["file"], {path: base64.b64decode(text) for path, text in data["files"].items()})


def files_of(content: bytes) -> tuple[str, Mapping[str, str]]:
    """The same as an assignment tells it: `file`, and contents in base64."""
    data: dict[str, Any] = json.loads(content)
    return data["file"], data["files"]


def program_of(files: Mapping[str, bytes]) -> ProgramFiles:
    """A tree (with `Compo.toml`), or one script. Raises InvalidRequest for anything else."""
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
    """Never raises for what is in a program: what cannot be read is a fault."""
    return _tree(program) if program.file == COMPO else _script(program)


def _named(name: str) -> str:
    return name if name.endswith(".mel") else _SCRIPT_NAME


def _script(program: ProgramFiles) -> ProgramFacts:
    text = program.files[program.file].decode()
    said: dict[str, str] = {}
    for line in text.split("\n"):
        if not line.startswith("#!"):
            break
        if found := _HEADER.match(line.rstrip("\r")):
            said[found[1]] = found[2].strip()
    name = said.get("name", "")
    faults = [] if name else [Fault(program.file, 1, 1, "its header has no line `#! name = …`")]
    # Lines that begin with #! are no source text, but count.
    known, more = treatments(program.file, re.sub(r"(?m)^#![^\n]*", "", text))
    entrypoints = {}
    if "main" in known:
        entrypoints["main"] = _entrypoint("main", f"{name}::main", known["main"])
    return ProgramFacts(
        sha256=program.sha256,
        name=name,
        version=said.get("version", "0.1.0"),
        entrypoints=entrypoints,
        faults=(*faults, *more),
    )


def _tree(program: ProgramFiles) -> ProgramFacts:
    try:
        compo = tomllib.loads(program.files[COMPO].decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return ProgramFacts(sha256=program.sha256, name="", version="", entrypoints={}, faults=(_toml_fault(error),))
    name, faults = str(compo.get("name", "")), []
    if not name:
        faults.append(Fault(COMPO, 1, 1, "it has no name"))
    said = compo.get("entrypoints")
    entrypoints = {}
    areas: dict[str, dict[str, TreatmentHeader]] = {}
    for command, identifier in (said if isinstance(said, dict) else {}).items():
        found = _IDENTIFIER.fullmatch(str(identifier))
        if found is None or found[1] != name:
            why = f"{identifier!r} is no treatment of {name}"
            entrypoints[command] = Entrypoint(command, str(identifier), None, why)
            continue
        path = f"{found[2][1:]}.mel" if found[2] else "lib-root.mel"
        if path not in areas:
            areas[path], more = _area(program, path)
            faults += more
        header = areas[path].get(found[3])
        if header is None:
            entrypoints[command] = Entrypoint(command, str(identifier), None, f"{path} has no treatment {found[3]}")
        else:
            entrypoints[command] = _entrypoint(command, str(identifier), header)
    return ProgramFacts(
        sha256=program.sha256,
        name=name,
        version=str(compo.get("version", "")),
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
    found = re.search(r"line (\d+), column (\d+)", str(error))
    line, column = (int(found[1]), int(found[2])) if found else (1, 1)
    return Fault(COMPO, line, column, re.sub(r" \(at .*\)", "", str(error)))


def _refused(message: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation("/program", message, code)])


def from_base64(text: str) -> bytes:
    """Raises InvalidRequest."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("The content is not base64.", "not_base64") from None
