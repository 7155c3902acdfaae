"""OpenStack: nova's real API, scheduler, conductor and compute service with its fake driver, and the real placement
(`tests/peers/openstack`). The tokens and the catalog are of a double that holds requests against keystone's own
schema."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from cadence.providers.choices import Choice
from cadence.providers.contract import AgentFile, CallHome, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.openstack.provider import OpenStackProvider
from cadence.providers.openstack.services import OpenStackServices
from cadence.providers.openstack.settings import OpenStackSettings
from tests.contract.providers.peer import Trouble
from tests.integration.exports.peers import BUILT
from tests.waiting import eventually

SERVE = Path(__file__).parents[2] / "peers" / "openstack" / "serve.py"
IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
NETWORK = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"
# Seconds: bounds on a hang, no measure. Nova shares the machine with the tests, and takes the time that it gets.
PATIENCE = 180
# Seconds between two looks, each of which costs nova as much as what it is waited for.
PAUSE = 0.2
OWNER = MachineOwner("installation", "default", "openstack")


@dataclass
class OpenStackPeer:
    url: str
    trouble: Trouble | None = None

    what: ClassVar = "nova 34 with its fake driver and placement, real; the identity service is a double"
    secret: ClassVar = "of the tests"
    wait_told: ClassVar = 7
    page: ClassVar = 4
    cannot: ClassVar[dict[str, str]] = {}
    words: ClassVar = {
        Trouble.FULL: "No valid host was found",
        Trouble.QUOTA: "Quota exceeded for instances",
        Trouble.CREDENTIALS: "requires authentication",
        Trouble.IMAGE: "Can not find requested image",
        Trouble.THROTTLED: "too many",
        Trouble.BROKEN: "down for maintenance",
    }

    def provider(self) -> OpenStackProvider:
        return self._provider(OWNER)

    def make(self, trouble: Trouble) -> None:
        self.trouble = trouble
        match trouble:
            case Trouble.FULL:
                self._cause(hosts="disabled")
            case Trouble.QUOTA:
                self._cause(quota={"instances": 0})
            case Trouble.THROTTLED:
                self._cause(path="/compute", status=429, retry_after=7, body={"overLimit": {"message": "too many"}})
            case Trouble.BROKEN:
                self._cause(path="/compute", status=503, body={"fault": {"message": "down for maintenance"}})
            case Trouble.SLOW:
                self._cause(path="/compute", delay=2)

    def clear(self) -> None:
        self.trouble = None
        self._cause(clear=True, hosts="enabled", quota={"instances": 1_000, "cores": 1_000, "ram": 10_000_000})

    def lose_answer(self) -> None:
        self._cause(path="POST /compute/v2.1/servers$", lost=True, status=502, times=1)

    def boot(self, runner_id: str) -> None:
        eventually(lambda: [each for each in self._of(runner_id) if each["status"] == "ACTIVE"], PATIENCE, pause=PAUSE)

    def end(self, runner_id: str) -> None:
        for server in self._of(runner_id):
            self._call("POST", f"servers/{server['id']}/action", {"os-stop": None})
        eventually(lambda: [each for each in self._of(runner_id) if each["status"] == "SHUTOFF"], PATIENCE, pause=PAUSE)

    def settle(self) -> None:
        """Nova deletes in its own time; a server that is still being made is made first."""
        deleted = self._deleted()
        eventually(lambda: not [each for each in self._listed() if each["id"] in deleted], PATIENCE, pause=PAUSE)

    def machines(self, runner_id: str) -> int:
        """Servers that nobody asked to delete; that nova deletes the others, in its own time, is what `settle` sees."""
        deleted = self._deleted()
        return sum(each["id"] not in deleted for each in self._of(runner_id))

    def add_foreign(self) -> None:
        home = CallHome(
            "https://cadence.example", "another-token", AgentFile("https://cadence.example/agent", "ab" * 32)
        )
        self._provider(replace(OWNER, pool="another")).start(
            RunnerRequest(runner_id="foreign-1", boot_deadline=60, home=home)
        )

    def _provider(self, owner: MachineOwner) -> OpenStackProvider:
        settings = OpenStackSettings(
            auth_url=f"{self.url}/identity/v3",
            flavors=(Choice(type="m1.tiny", price_per_hour=0.01),),
            image="155d900f-0000-0000-0000-000000000000" if self.trouble is Trouble.IMAGE else IMAGE,
            network=NETWORK,
        )
        credentials = {
            "application_credential_id": "cadence",
            "application_credential_secret": "another" if self.trouble is Trouble.CREDENTIALS else self.secret,
        }
        hidden = Hidden()
        services = OpenStackServices(
            settings, credentials, hidden, seconds=1.0 if self.trouble is Trouble.SLOW else PATIENCE
        )
        return OpenStackProvider(owner, settings, services, hidden, pause=self._until_decided, page=3)

    def _until_decided(self, _: float) -> None:
        """Where a runner's start looks again after a moment, the suite waits until nova has found a host, or none."""
        eventually(
            lambda: all(each["status"] != "BUILD" or each["hostId"] for each in self._listed()), PATIENCE, pause=PAUSE
        )

    def _of(self, runner_id: str) -> list[dict[str, Any]]:
        return [each for each in self._listed() if each["metadata"].get("cadence-runner") == runner_id]

    def _deleted(self) -> set[str]:
        return set(requests.get(f"{self.url}/deleted", timeout=PATIENCE).json())

    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", "servers/detail")["servers"]
        return found

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """As somebody who has a token, whatever trouble the provider has."""
        answer = requests.request(
            method,
            f"{self.url}/plain/v2.1/{path}",
            json=body,
            headers={"X-Auth-Token": "of the test"},
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _cause(self, **trouble: Any) -> None:
        requests.post(f"{self.url}/trouble", json=trouble, timeout=PATIENCE).raise_for_status()


@contextmanager
def peer() -> Iterator[OpenStackPeer]:
    python = next(iter(sorted(BUILT.glob("openstack-*/bin/python"))), None)
    if python is None:
        pytest.skip("there is no nova here (.ci/peers openstack installs it)")
    process = subprocess.Popen([python, SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield OpenStackPeer(process.stdout.readline().strip())
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(120)
