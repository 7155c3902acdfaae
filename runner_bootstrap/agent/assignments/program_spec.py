"""The part of an assignment that describes the Mélodium program to run."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Optional

from .value_types import parse


class AssignedProgram(NamedTuple):
    """A Mélodium program with its parameters.

    ``files`` are contents by relative path, ``file`` the one to start. ``entrypoint`` is a command of the program and
    ``treatment`` the treatment that it runs. ``parameters`` are ``{"type", "value"}`` and ``secrets`` ``{"type",
    "variable"}`` by parameter name.

    With ``check_only`` the program is checked and not run. ``errors`` (``fail`` or ``allow``) decides whether errors
    that the program logs fail the treatment. ``run_id`` and ``group_id`` are those of the engine. With ``captured`` the
    only file is a stored treatment of an engine's run, which is replayed.
    """

    files: dict[str, bytes]
    file: str
    entrypoint: str
    treatment: str
    parameters: dict[str, dict[str, Any]]
    secrets: dict[str, dict[str, str]]
    errors: str
    check_only: bool
    captured: bool
    run_id: str
    group_id: str
    version: Optional[str]
    sha256: Optional[str]


def program(content: dict[str, Any]) -> AssignedProgram:
    """Parses a program. Its files may be stored elsewhere: see ``with_files``.

    Raises KeyError, TypeError or ValueError if the content cannot be parsed.
    """
    file, files = _files(content) if "files" in content else ("", {})
    parameters = dict(content.get("parameters") or {})
    secrets = dict(content.get("secrets") or {})
    for parameter in (*parameters.values(), *secrets.values()):
        parse(parameter["type"].replace("Secret<string>", "string"))
    return AssignedProgram(
        files=files,
        file=file,
        entrypoint=content["entrypoint"],
        treatment=content["treatment"],
        parameters=parameters,
        secrets={
            name: {"type": str(secret["type"]), "variable": str(secret["variable"])} for name, secret in secrets.items()
        },
        errors=content.get("errors") or "fail",
        check_only=bool(content.get("check_only")),
        captured=content.get("captured") is not None,
        run_id=content["run_id"],
        group_id=content["group_id"],
        version=content.get("version"),
        sha256=content.get("sha256"),
    )


def with_files(program: AssignedProgram, content: bytes) -> AssignedProgram:
    """Returns the program with the files that ``content`` (JSON of the control plane) holds.

    Raises ValueError if the digest of ``content`` is not the program's.
    """
    if hashlib.sha256(content).hexdigest() != program.sha256:
        raise ValueError("it is not what was stored")
    file, files = _files(json.loads(content))
    return program._replace(file=file, files=files)


def _files(content: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    files = {}
    for path, encoded in content["files"].items():
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\0" in path:
            raise ValueError(f"the file {path!r} of a program")
        try:
            files[path] = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the content of {path!r}") from error
    if content["file"] not in files:
        raise ValueError(f"the file {content['file']!r} of a program")
    return content["file"], files
