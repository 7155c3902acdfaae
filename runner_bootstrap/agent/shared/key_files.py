"""Keys of a Mélodium engine in private files, since command lines and variables are read by others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class KeyFiles:
    """Two files that only this user can read. Remove them as soon as the engine listens: it has read them then."""

    def __init__(self, folder: Path, receive: str, send: str) -> None:
        """Creates ``folder``, which must not exist, with the files."""
        folder.mkdir(mode=0o700)
        self._folder = folder
        self._paths = {"--recv-key-file": folder / "receive", "--send-key-file": folder / "send"}
        for path, key in zip(self._paths.values(), (receive, send)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(key)

    @property
    def options(self) -> "list[str]":
        """The engine's options that name the files."""
        return [word for option, path in self._paths.items() for word in (option, str(path))]

    def remove(self) -> None:
        """Removes the files. Safe to repeat."""
        shutil.rmtree(self._folder, ignore_errors=True)
