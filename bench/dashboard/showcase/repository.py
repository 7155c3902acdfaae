"""A repository on a real code host, connected to the stack of the pictures, with a push that started runs."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.dashboard.showcase.api import Api
from bench.stack import Stack, until
from tests.peers.gitea import gitea

_USER = "acme"
_FILES = {
    "README.md": "# The shop\n",
    ".cadence/check.yaml": """\
cadence: 1
name: check
on: {push: {}, pull_request: {}}
treatments:
  links: {source: true, run: "grep -c . README.md"}
  style: {source: true, run: "echo all files are formatted"}
""",
    ".cadence/release.yaml": """\
cadence: 1
name: nightly
on: {push: {branches: [main]}}
treatments:
  build: {source: true, run: "ls && exit 3"}
""",
}


@contextmanager
def connected_repository(stack: Stack) -> Iterator[str]:
    """Makes the project `shop`; yields the id of its repository, whose pushes have started runs that have ended."""
    api = Api(stack)
    api("POST", "projects", {"name": "shop"})
    with tempfile.TemporaryDirectory(prefix="cadence-gitea-") as folder, gitea(Path(folder), [_USER]) as host:
        host.call(_USER, "POST", "/user/repos", {"name": "shop", "default_branch": "main"})
        body = {
            "url": f"{host.url}/{_USER}/shop",
            "kind": "gitea",
            "project": "shop",
            "token": host.tokens[_USER],
            "public_url": stack.connection.url,
        }
        repository = str(api("POST", "repositories", body)["id"])
        for number in range(2):
            _push(Path(folder) / "work", host.git_url(_USER, f"{_USER}/shop"), number)
            until(partial(_have_ended, api, repository, number + 1), every=0.5)
        yield repository


def _push(folder: Path, address: str, number: int) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)

    if not folder.is_dir():
        folder.mkdir()
        git("init", "--quiet", "--initial-branch=main")
        git("config", "user.name", "Grace Hopper")
        git("config", "user.email", "grace@example.org")
        for name, text in _FILES.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
    with (folder / "README.md").open("a") as readme:
        readme.write(f"Version {number + 1}\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", f"Version {number + 1} of the shop")
    git("push", "--quiet", address, "main")


def _have_ended(api: Api, repository: str, count: int) -> bool | None:
    deliveries = [one for one in api("GET", f"repositories/{repository}/deliveries")["items"] if one["runs"]]
    runs = [api("GET", f"runs/{run}") for one in deliveries for run in one["runs"]]
    return (len(deliveries) >= count and all(run["finished_at"] for run in runs)) or None
