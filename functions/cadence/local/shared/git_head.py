"""The commit that is checked out in a git repository on this machine."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cadence.local.shared.errors import LocalStackError


@dataclass(frozen=True, kw_only=True)
class RepositoryHead:
    """One commit of a repository on this machine; git can fetch it from `url`."""

    url: str
    ref: str
    commit: str
    message: str
    author: str


def read_head(folder: Path) -> RepositoryHead:
    """Returns the commit that is checked out in `folder`, on `main` if on no branch.

    Raises LocalStackError if git is missing or fails.
    """
    branch = git(folder, "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip() or "main"
    commit, author, message = read_git(folder, "log", "-1", "--format=%H%n%an%n%s").splitlines()[:3]
    return RepositoryHead(
        url=folder.resolve().as_uri(), ref=f"refs/heads/{branch}", commit=commit, message=message, author=author
    )


def read_git(folder: Path, *arguments: str) -> str:
    """Returns what git prints. Raises LocalStackError if git is missing or fails."""
    process = git(folder, *arguments)
    if process.returncode != 0:
        raise LocalStackError(f"git {' '.join(arguments)} failed in {folder}: {process.stderr.strip()}")
    return process.stdout


def git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs git in a folder, whatever it answers. Raises LocalStackError if git is missing."""
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
        raise LocalStackError("git is not installed, or not in PATH: install git.") from None
