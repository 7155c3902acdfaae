"""Scaleway's provider against a double of its APIs that the official SDK's own types hold to account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest
from cadence.providers.scaleway.dialect import ScalewayDialect
from cadence.providers.scaleway.provider import ScalewayProvider
from tests.contract.providers.doubled import Doubled
from tests.contract.providers.peer import Trouble
from tests.doubles.scaleway import SECRET_KEY, Scaleway
from tests.unit.providers.requests import API
from tests.unit.providers.test_scaleway import SETTINGS


class ScalewayPeer(Doubled[Scaleway]):
    what = "a double of Scaleway's Instances and Block Storage, held against the types of the SDK (PyPI scaleway 2.12)"
    words: ClassVar = {
        Trouble.FULL: "resource is out of stock",
        Trouble.QUOTA: "Quotas exceeded for this resource",
        Trouble.CREDENTIALS: "authentication is denied",
        Trouble.IMAGE: "resource is not found",
        Trouble.THROTTLED: "too many requests",
        Trouble.BROKEN: "internal error",
    }
    secret = SECRET_KEY
    page = 4
    throttled: ClassVar = {"type": "too_many_requests", "message": "too many requests"}
    broken: ClassVar = {"type": "internal", "message": "internal error"}

    def provider(self) -> ScalewayProvider:
        key = "another-secret-key" if self.trouble is Trouble.CREDENTIALS else SECRET_KEY
        hidden = Hidden([key])
        rest = Rest(self.url, ScalewayDialect(), lambda: {"X-Auth-Token": key}, hidden=hidden, seconds=self.patience)
        image = "no_such_image" if self.trouble is Trouble.IMAGE else SETTINGS.image
        return ScalewayProvider(self.owner, replace(SETTINGS, image=image), rest, hidden, API, page=3)

    def fill(self) -> None:
        self.cloud.full = {(kind, zone) for kind in self.cloud.types for zone in self.cloud.zones}

    def exhaust_quota(self) -> None:
        self.cloud.quota = 0

    def make_room(self) -> None:
        self.cloud.full, self.cloud.quota = set(), 1_000

    def creates(self, method: str, path: str) -> bool:
        return method == "POST" and path.endswith("/servers")

    def boot(self, runner_id: str) -> None:
        for server_id in self._of(runner_id):
            self.cloud.boot(server_id)

    def end(self, runner_id: str) -> None:
        for server_id in self._of(runner_id):
            self.cloud.switch_off(server_id)

    def settle(self) -> None:
        self.cloud.settle()
        for volume_id, volume in list(self.cloud.volumes.items()):
            if not volume["references"]:
                del self.cloud.volumes[volume_id]  # as the sweeper does it, by the inventory

    def machines(self, runner_id: str) -> int:
        return sum(self.cloud.servers[server_id]["state"] != "stopping" for server_id in self._of(runner_id))

    def add_foreign(self) -> None:
        foreign = ScalewayPeer(self.cloud, self.url, MachineOwner("another", "installation", "pool"))
        foreign.provider().start(self.a_request("foreign-0"))

    def _of(self, runner_id: str) -> list[str]:
        return [one["id"] for one in self.cloud.servers.values() if f"cadence-runner={runner_id}" in one["tags"]]


@contextmanager
def peer() -> Iterator[ScalewayPeer]:
    cloud = Scaleway()
    with cloud.serving() as url:
        yield ScalewayPeer(cloud, url)
