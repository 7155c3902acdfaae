"""The real Mélodium engine, which reports to a running stack.

Its version is `CADENCE_MELODIUM_VERSION`, or 0.11.0. The programs of tests are written for that one; for an earlier
version, they are copied with its number, and with texts in place of secrets, which it does not have.
"""

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from cadence.domain.melodium.certificate import built_in_until
from tests.programs import bubblewrap

NEWEST = "0.11.0"
VERSION = os.environ.get("CADENCE_MELODIUM_VERSION") or NEWEST
HAS_SECRETS = VERSION == NEWEST


WRITTEN = Path(__file__).parent / "programs"


def in_version(text: str, version: str = VERSION) -> str:
    """A program's text, or what the engine says of one, as it is with the engine of this version."""
    if version == NEWEST:
        return text
    return re.sub(r"Secret<(\w+)>", r"\1", text).replace(NEWEST, version)


def _programs() -> Path:
    if VERSION == NEWEST:
        return WRITTEN
    folder = Path(tempfile.mkdtemp(prefix="cadence-programs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(WRITTEN, folder, dirs_exist_ok=True)
    for file in (each for each in folder.rglob("*") if each.is_file()):
        file.write_text(in_version(file.read_text()))
    return folder


PROGRAMS = _programs()


def binary_of(version: str) -> Path:
    """Where `.ci/peers` builds an engine."""
    peers = Path(os.environ.get("CADENCE_PEERS", "~/.cache/cadence-peers")).expanduser()
    return peers / f"melodium-{version}/bin/melodium"


BINARY = Path(os.environ.get("CADENCE_MELODIUM") or binary_of(VERSION))

needs_engine = pytest.mark.skipif(
    not BINARY.is_file(), reason=f"the Mélodium engine {VERSION} is not there: `.ci/peers melodium` builds it"
)

# Of an earlier engine, no two of which can connect any more; `.ci/peers` builds none then.
reaches_workers = pytest.mark.skipif(
    time.time() > built_in_until(VERSION).timestamp(), reason="the certificate in the engine has ended"
)


def detailed() -> list[str]:
    """The options for a report with all values, which the engine gives by itself before 0.11.0."""
    return ["--debug-level", "detailed"] if HAS_SECRETS else []


def secret(value: str, folder: Path) -> str:
    """What a program is given for a secret: the file that it is in, or the value for an engine without secrets."""
    if not HAS_SECRETS:
        return value
    file = folder / f"secret-{uuid.uuid4()}"
    file.write_text(value)
    return f"file:{file}"


def agent_environment() -> dict[str, str]:
    """By which agents and commands find the engine; in this process itself it would change other tests."""
    if not BINARY.is_file():
        return {}
    return {"CADENCE_MELODIUM": str(BINARY), **({"CADENCE_MELODIUM_CONTAINERS": "sandbox"} if bubblewrap() else {})}


def is_listening(port: int) -> bool:
    """Looked up, not tried: a worker serves whoever connects first."""
    local = f":{port:04X}"
    states = (line.split()[1:4:2] for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(address.endswith(local) and state == "0A" for address, state in states)


@dataclass(frozen=True)
class Ids:
    run: str = field(default_factory=lambda: str(uuid.uuid4()))
    group: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Engine:
    """`url` is the API's address, `/0.1` included."""

    url: str
    token: str

    def environment(self, ids: Ids, tags: str = "") -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "NO_PROXY": "127.0.0.1,localhost",
            "NO_COLOR": "1",
            "MELODIUM_API_URL": self.url,
            "MELODIUM_API_TOKEN": self.token,
            "MELODIUM_RUN_ID": ids.run,
            "MELODIUM_GROUP_ID": ids.group,
            **({"MELODIUM_API_TAGS": tags} if tags else {}),
        }

    def run(self, program: str, ids: Ids, *words: str, tags: str = "") -> str:
        """Runs a program to its end; what it wrote."""
        done = subprocess.run(
            [str(BINARY), "run", "--api-report", *detailed(), str(PROGRAMS / program), *words],
            env=self.environment(ids, tags), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and "Failed to" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def post(self, path: str, body: Any) -> Any:
        """As an engine says it; the answer's JSON."""
        answer = requests.post(f"{self.url}/{path}", json=body, headers=self._headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def access(self, run_id: str) -> Any:
        """Asks until there is an answer, as engines do."""
        for _ in range(10):
            answer = requests.get(f"{self.url}/execution/run/{run_id}/access", headers=self._headers, timeout=60)
            if answer.status_code != 202:
                assert answer.status_code == 200, answer.text
                return answer.json()
        raise AssertionError(f"worker {run_id} neither listens nor is there a reason why not")

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @contextmanager
    def running(self, *words: str, ids: Ids) -> Iterator["subprocess.Popen[str]"]:
        """A process under way; it is ended with the block, if it has not by itself."""
        process = subprocess.Popen(
            [str(BINARY), *words],
            env=self.environment(ids),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()
