"""The git repository that the demonstration pushes: the committed state of this checkout."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cadence.local.shared.errors import LocalStackError

_COPIED = ("*.md", "*.toml", "examples", "functions", "infra", "runner_bootstrap", "schemas")


@dataclass(frozen=True, kw_only=True)
class RepositoryHead:
    """One commit of a repository on this machine; git can fetch it from `url`."""

    url: str
    ref: str
    commit: str
    message: str
    author: str


def head(folder: Path, spare: Path) -> RepositoryHead:
    """The commit that is checked out in `folder`. Raises LocalStackError if git is missing or fails.

    A folder that is no repository, or that belongs to another user, is first copied into a repository at `spare`.
    """
    if _git(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode != 0:
        folder = _make_repository(folder, spare)
    branch = _git(folder, "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip() or "main"
    commit, author, message = _read(folder, "log", "-1", "--format=%H%n%an%n%s").splitlines()[:3]
    return RepositoryHead(
        url=folder.resolve().as_uri(), ref=f"refs/heads/{branch}", commit=commit, message=message, author=author
    )


def _make_repository(folder: Path, spare: Path) -> Path:
    shutil.rmtree(spare, ignore_errors=True)
    spare.mkdir(parents=True)
    for pattern in _COPIED:
        for source in folder.glob(pattern):
            if source.is_dir():
                shutil.copytree(source, spare / source.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, spare)
    _read(spare, "init", "--quiet", "--initial-branch", "main")
    _read(spare, "add", "--all")
    identity = ("-c", "user.name=Cadence", "-c", "user.email=cadence@localhost")
    _read(spare, *identity, "commit", "--quiet", "--message", "The files of this folder")
    return spare


def _read(folder: Path, *arguments: str) -> str:
    process = _git(folder, *arguments)
    if process.returncode != 0:
        raise LocalStackError(f"git {' '.join(arguments)} failed in {folder}: {process.stderr.strip()}")
    return process.stdout


def _git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    # A hook or an outer git command may have set GIT_DIR and the like, which must not replace the folder.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 (the user's own git)
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise LocalStackError("git is not installed. The demonstration pushes a git repository: install git.") from None
