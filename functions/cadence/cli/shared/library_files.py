"""Reads the files of a working tree whose definitions a document uses, changes that are not committed included."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cadence.cli.shared.output import err

if TYPE_CHECKING:
    from cadence.domain.pipelines.document import Reference, Unavailable

_LARGEST = 1_000_000
"""Bytes of all files together, so that larger ones are not read."""
_ELSEWHERE = "it is not looked up without a server"


@dataclass(frozen=True, kw_only=True)
class LibraryFiles:
    """The files whose definitions a document uses, with their paths from the root of the repository.

    `path` is the document's own; `found` has each text, or the reason why there is none.
    """

    path: str
    found: "Mapping[Reference, bytes | Unavailable]" = field(default_factory=dict)

    @property
    def texts(self) -> dict[str, str]:
        """Returns the texts of the files in the repository, by path."""
        return {one.path or "": text.decode() for one, text in self.found.items() if isinstance(text, bytes)}

    def as_body(self) -> dict[str, Any]:
        """Returns the part of a request that sends the files; prints which of them cannot be sent, and why."""
        for one, reason in self.found.items():
            if one.is_own and not isinstance(reason, bytes):
                err.print(f"{one.path} is not sent: {reason.fault}.", markup=False, highlight=False)
        return {"path": self.path, "libraries": self.texts} if any(one.is_own for one in self.found) else {}


def libraries_beside(document: str, file: str) -> LibraryFiles:
    """Returns what a document uses by a path relative to its file, directly or through others.

    The root is that of the git working tree; without one, the folder that contains `.cadence`, or the file's own.
    """
    folder = (Path.cwd() if file == "-" else Path(file).parent).resolve()
    root = _root(folder)
    path = (PurePosixPath(*folder.relative_to(root).parts) / ("-" if file == "-" else Path(file).name)).as_posix()
    if "use" not in document:
        return LibraryFiles(path=path)
    from cadence.domain.pipelines.document import Reference, Unavailable, collect_libraries  # slow to import

    def fetch(requested: Sequence[Reference]) -> dict[Reference, bytes | Unavailable]:
        texts: dict[Reference, bytes | Unavailable] = {}
        for one in requested:
            content = _content(root, one.path or "") if one.is_own else _ELSEWHERE
            texts[one] = Unavailable(content) if isinstance(content, str) else content
        return texts

    return LibraryFiles(path=path, found=collect_libraries(document, Reference(path=path), fetch))


def _root(folder: Path) -> Path:
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            return parent
    return folder.parent if folder.name == ".cadence" else folder


def _content(root: Path, path: str) -> bytes | str:
    """Returns the content of a file, or the reason why it is not read. Like in a commit, links are not followed."""
    here = root
    for part in PurePosixPath(path).parts:
        here = here / part
        try:
            mode = here.lstat().st_mode
        except OSError:
            return "there is no such file"
        if stat.S_ISLNK(mode):
            return f"{here.relative_to(root).as_posix()} is a symbolic link, which is not followed"
        if stat.S_ISDIR(mode) and (here / ".git").exists():
            return f"{here.relative_to(root).as_posix()} is another repository"
    if not stat.S_ISREG(mode):
        return "it is not a file"
    try:
        with here.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        content.decode()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return "it is not encoded in UTF-8"
    return content
