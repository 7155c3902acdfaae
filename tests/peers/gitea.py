"""Gitea's own server, if it was built (`.ci/peers gitea`)."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.integration.exports.peers import program, running

PASSWORD = "a-password-of-16"
_PATIENCE = 120
_CONFIGURATION = """\
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
RUN_MODE = prod
WORK_PATH = {home}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {static}
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = {home}/gitea.db
[repository]
ROOT = {home}/repositories
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = *
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[log]
MODE = file
ROOT_PATH = {home}/log
LEVEL = Warn
logger.access.MODE = access
[log.access]
MODE = file
FILE_NAME = access.log
LEVEL = Info
"""


@dataclass(frozen=True)
class Gitea:
    """A server with its users' tokens."""

    url: str
    tokens: dict[str, str]
    pid: int
    home: Path

    def requests(self) -> list[str]:
        """The access log so far: a line for each request, with its user agent."""
        log = self.home / "log" / "access.log"
        return log.read_text().splitlines() if log.exists() else []

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Accepts connections and answers nothing, as a server that is overloaded."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def call(self, user: str, method: str, path: str, body: Any = None) -> Any:
        """Calls the API as a user and returns the answer's JSON."""
        headers = {"authorization": f"token {self.tokens[user]}"}
        answer = requests.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.text else None

    def git_url(self, user: str, repository: str) -> str:
        """The address to which a user pushes."""
        return f"http://{user}:{PASSWORD}@{self.url.removeprefix('http://')}/{repository}.git"


@contextmanager
def gitea(home: Path, users: Sequence[str]) -> Iterator[Gitea]:
    """A server with these users, the first of whom administers it. Skips the test if it is not there."""
    binary = program("gitea")
    configuration = home / "app.ini"
    tokens: dict[str, str] = {}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [binary, "--config", str(configuration), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(port: int) -> Sequence[str]:
        text = _CONFIGURATION.format(home=home, port=port, static=Path(binary).parent)
        configuration.write_text(text)
        run("migrate")
        for user in users:
            run(
                *("admin", "user", "create", "--username", user, "--password", PASSWORD),
                *("--email", f"{user}@example.org", "--must-change-password=false"),
                *(["--admin"] if user == users[0] else []),
            )
            created = run(
                *("admin", "user", "generate-access-token", "--username", user),
                *("--token-name", "tests", "--scopes", "all", "--raw"),
            )
            tokens[user] = created.strip().splitlines()[-1]
        return [binary, "--config", str(configuration), "web"]

    with running(command, "/api/v1/version", _PATIENCE) as peer:
        yield Gitea(peer.url, tokens, peer.pid, home)
