"""The folder of the working directories of treatments, which lies outside of `.cadence`.

Tools skip what lies below a folder whose name begins with a dot, and find git repositories and settings in the folders
above. `.cadence` has a link to it.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cadence.local.shared.paths import StackPaths


@contextmanager
def workspaces(paths: StackPaths) -> Iterator[Path]:
    """Yields the folder, a private one for temporary files, which is deleted at the end.

    One that a killed stack left is used again, so that the agent clears it.
    """
    link = paths.workspaces
    link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (link.is_symlink() and _is_private(link.readlink())):
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.symlink_to(Path(tempfile.mkdtemp(prefix="cadence-stack-")).resolve())
    folder = link.readlink()
    try:
        yield folder
    finally:
        link.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _is_private(folder: Path) -> bool:
    """Whether a folder is there and nobody else can read or write it, as those for temporary files are shared."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and found.st_mode & 0o077 == 0
