"""Unpacks the code of a Lambda once for all its processes, for MiniStack.

MiniStack unpacks the archive for each process that it starts. All Lambdas of this project have the same archive, of two
thousand files: unpacking it takes as long as importing the Lambda, during which MiniStack answers nothing else.
"""

import hashlib
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

_ARCHIVE = "code.zip"
"""The name under which MiniStack stores the archive of a function, as opposed to those of its layers."""


class SharedCode:
    """The unpacked archives of a MiniStack, by their content, in a temporary folder of their own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ministack-code-"))
        self._turn = threading.Lock()

    def open(self, file: str) -> "zipfile.ZipFile | _SharedArchive":
        """Opens an archive like ``zipfile.ZipFile``; that of a function is unpacked by a link to its shared files."""
        return _SharedArchive(self, Path(file)) if Path(file).name == _ARCHIVE else zipfile.ZipFile(file)

    def unpacked(self, archive: Path) -> Path:
        """Returns the folder with the archive's files, which nobody changes; the first call for a content makes it."""
        content = archive.read_bytes()
        folder = self.folder / hashlib.sha256(content).hexdigest()
        with self._turn:
            if not folder.exists():
                unfinished = folder.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                with zipfile.ZipFile(archive) as opened:
                    opened.extractall(unfinished)
                unfinished.rename(folder)
        return folder

    def remove(self) -> None:
        """Removes all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)


class _SharedArchive:
    def __init__(self, shared: SharedCode, archive: Path) -> None:
        self._shared, self._archive = shared, archive

    def __enter__(self) -> "_SharedArchive":
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def extractall(self, target: str) -> None:
        folder = self._shared.unpacked(self._archive)
        self._archive.unlink()  # MiniStack leaves a copy of the archive to each process
        Path(target).rmdir()
        Path(target).symlink_to(folder, target_is_directory=True)


def install() -> SharedCode:
    """Lets MiniStack unpack in this way; the caller removes the files at the end."""
    runtime: Any = lambda_runtime
    shared = SharedCode()
    runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": shared.open})
    return shared
