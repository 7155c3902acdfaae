"""The git repository that the demonstration pushes: the committed state of this checkout."""

import shutil
from pathlib import Path

from cadence.local.shared.git_head import RepositoryHead, git, read_git, read_head

_COPIED = ("*.md", "*.toml", "examples", "functions", "infra", "runner_bootstrap", "schemas")


def head(folder: Path, spare: Path) -> RepositoryHead:
    """The commit that is checked out in `folder`. Raises LocalStackError if git is missing or fails.

    A folder that is no repository, or that belongs to another user, is first copied into a repository at `spare`.
    """
    if git(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode != 0:
        folder = _make_repository(folder, spare)
    return read_head(folder)


def _make_repository(folder: Path, spare: Path) -> Path:
    shutil.rmtree(spare, ignore_errors=True)
    spare.mkdir(parents=True)
    for pattern in _COPIED:
        for source in folder.glob(pattern):
            if source.is_dir():
                shutil.copytree(source, spare / source.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, spare)
    read_git(spare, "init", "--quiet", "--initial-branch", "main")
    read_git(spare, "add", "--all")
    identity = ("-c", "user.name=Cadence", "-c", "user.email=cadence@localhost")
    read_git(spare, *identity, "commit", "--quiet", "--message", "The files of this folder")
    return spare
