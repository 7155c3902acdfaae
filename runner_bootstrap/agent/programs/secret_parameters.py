"""Parameters of the type ``Secret<string>``, which engines since 0.11.0 have: described, and never on a command line.

An entrypoint gets the name of a file in memory that only this user can read; a treatment that is called by distribution
gets the value in the message that launches it, from which the engine removes it in its reports.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

_IN_MEMORY = Path("/dev/shm")
_SECRET = "Secret<"
#: What the program may do with it: give it to its workers, but show it nowhere.
_POLICY = {"transmission": "value", "reveal": "any", "plain_reveal": False}


def is_secret(type_: str) -> bool:
    """Returns whether a type is ``Secret<string>``, or an option of it."""
    return _SECRET in type_


def plain_type(type_: str) -> str:
    """Returns a type with the type of the value in place of a secret: ``Option<string>``."""
    return type_.replace(_SECRET, "", 1).replace(">", "", 1) if is_secret(type_) else type_


def described(name: str, type_: str, value: str) -> Any:
    """Returns the engine's form of a secret with its value, for the message that launches a treatment."""
    secret = {"name": name, "datatype": "string", "policy": _POLICY, "locator": None, "value": {"string": value}}
    return {"option": {"secret": secret}} if type_.startswith("Option<") else {"secret": secret}


class SecretFiles:
    """Files with secrets, in memory where that is possible; ``remove`` them as soon as the engine has ended."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is where they are if this machine has no files in memory."""
        parent = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else folder
        self._folder = Path(tempfile.mkdtemp(prefix="cadence-", dir=parent))

    def locator(self, name: str, value: str) -> str:
        """Writes a secret; returns the text by which the engine finds it."""
        path = self._folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            # The engine removes one line end.
            file.write(value + "\n")
        return f"file:{path}"

    def remove(self) -> None:
        """Removes the files. Safe to repeat."""
        shutil.rmtree(self._folder, ignore_errors=True)
