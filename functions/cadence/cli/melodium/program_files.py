"""Mélodium programs as files: recognised, packed, and wrapped into a document that runs one."""

import base64
import gzip
import io
import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cadence.cli.client.client import Client
from cadence.cli.shared.errors import WRONG_USE, fail

COMPO = "Compo.toml"
_NAMED = re.compile(r"""program["']?\s*:\s*["']?([^\s"',}]+)""")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_TEXT_TYPES = ("string", "Option<string>", "char", "Option<char>")


def is_program(file: str) -> bool:
    """Whether `file` is a Mélodium program: a Compo.toml, its folder, a .mel or a .jeu."""
    path = Path(file)
    return path.name == COMPO or path.suffix in (".mel", ".jeu") or (path.is_dir() and (path / COMPO).is_file())


def pack_program(file: str) -> dict[str, str]:
    """The program as the API expects it. Ends the command if a file cannot be read."""
    path = Path(file)
    if path.is_dir():
        path = path / COMPO
    try:
        content = _packed_folder(path.parent) if path.name == COMPO else path.read_bytes()
    except OSError as error:
        raise fail(f"{error.filename or file} cannot be read: {error.strerror}.", WRONG_USE) from None
    return {"content": base64.b64encode(content).decode(), "filename": path.name}


def programs_beside(document: str, file: str) -> dict[str, dict[str, str]]:
    """The programs that `document` names by a path relative to its `file`, by that path."""
    folder = Path.cwd() if file == "-" else Path(file).parent
    names = dict.fromkeys(_NAMED.findall(document)) if "melodium" in document else {}
    return {name: pack_program(str(folder / name)) for name in names if is_program(name) and (folder / name).exists()}


def document_of_program(
    client: Client, file: str, entrypoint: str, values: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """A document with one treatment that runs the program of `file`, and the programs to send with it."""
    program = pack_program(file)
    read = client.read_program(program)
    parameters = _typed_parameters(read, entrypoint, values)
    name = _NOT_IN_NAMES.sub("-", (read["name"] or Path(file).stem).lower()).strip("-") or "program"
    body = {"program": file, "entrypoint": entrypoint, "parameters": parameters}
    body |= {"secrets": dict(secrets)} if secrets else {}
    treatment = _NOT_IN_NAMES.sub("-", entrypoint.lower()).strip("-") or "main"
    document = {"cadence": 1, "name": _valid_name(name), "treatments": {_valid_name(treatment): {"melodium": body}}}
    return json.dumps(document, indent=2, ensure_ascii=False), {file: program}


def _typed_parameters(read: Mapping[str, Any], entrypoint: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The values: as text for parameters of text types, else read as JSON.

    Validation reports a value that is not JSON.
    """
    found = next((each for each in read["entrypoints"] if each["command"] == entrypoint), None)
    types = {each["name"]: each["type"] for each in found["parameters"]} if found else {}
    typed: dict[str, Any] = {}
    for name, text in values.items():
        typed[name] = text
        if types.get(name) not in _TEXT_TYPES:
            try:
                typed[name] = json.loads(text)
            except ValueError:
                typed[name] = text
    return typed


def _valid_name(name: str) -> str:
    """`name` as a document allows it: beginning with a letter, at most 62 characters."""
    return name[:62] if name[0].isalpha() else f"p-{name}"[:62]


def _packed_folder(folder: Path) -> bytes:
    """The files of `folder` that an engine reads, as an archive whose bytes depend on their content alone."""
    files = sorted(path for path in [folder / COMPO, *folder.rglob("*.mel")] if path.is_file())
    archive_bytes = io.BytesIO()
    with tarfile.open(fileobj=archive_bytes, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in files:
            content = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(archive_bytes.getvalue(), mtime=0)
