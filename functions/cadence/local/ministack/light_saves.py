"""Makes MiniStack's saves light, since they happen every few seconds.

MiniStack hashes the archive of every Lambda at each save (45 of 5 MB), and writes JSON piece by piece in Python.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from ministack.core import persistence
from ministack.services import lambda_svc

WriteBlob = Callable[[bytes], str]


def install() -> None:
    """Lets MiniStack save in this way."""
    blobs: Any = lambda_svc
    blobs._write_code_blob = once(  # noqa: SLF001 (no public way)
        blobs._write_code_blob,  # noqa: SLF001
        lambda digest: Path(blobs.CODE_BLOB_DIR, f"{digest}.zip"),
    )
    encoding: Any = persistence
    encoding.json = SimpleNamespace(**{**vars(json), "dump": dump})


def once(write: WriteBlob, path: Callable[[str], Path]) -> WriteBlob:
    """Returns ``write``, which is not called again for the same object while the file that it wrote is there."""
    written: dict[int, tuple[bytes, str]] = {}  # an id is unique only while its object is kept

    def write_once(content: bytes) -> str:
        kept, digest = written.get(id(content), (None, ""))
        if kept is content and path(digest).exists():
            return digest
        digest = write(content)
        written[id(content)] = content, digest
        return digest

    return write_once


def dump(value: Any, file: TextIO, **options: Any) -> None:
    """Writes what ``json.dump`` writes, by the encoder in C, which ``json.dump`` does not use."""
    file.write(json.dumps(value, **options))
