"""Google Compute Engine's provider against a double that Google's own discovery document holds to account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from cadence.providers.gcp.provider import GcpProvider
from cadence.providers.marks import MachineOwner, host_name
from tests.contract.providers.doubled import Doubled
from tests.contract.providers.peer import Trouble
from tests.doubles.gcp import HERE, Gcp, account_key
from tests.unit.providers.test_gcp import SETTINGS, Hands


class GcpPeer(Doubled[Gcp]):
    what = "a double of Compute Engine, held against Google's discovery document (PyPI google-api-python-client 2.202)"
    words: ClassVar = {
        Trouble.FULL: "does not have enough resources available",
        Trouble.QUOTA: "Quota 'CPUS' exceeded",
        Trouble.CREDENTIALS: "invalid authentication credentials",
        Trouble.IMAGE: "was not found",
        Trouble.THROTTLED: "Rate Limit Exceeded",
        Trouble.BROKEN: "Internal error",
    }
    secret = account_key() if HERE else "-"
    page = 4
    throttled: ClassVar = {
        "error": {"code": 429, "message": "Rate Limit Exceeded", "errors": [{"reason": "rateLimitExceeded"}]}
    }
    broken: ClassVar = {"error": {"code": 500, "message": "Internal error", "errors": [{"reason": "backendError"}]}}

    def provider(self) -> GcpProvider:
        hands = Hands(self.cloud, self.url)
        hands.now = datetime.now(UTC)
        image = "projects/mine/global/images/none" if self.trouble is Trouble.IMAGE else SETTINGS.images["amd64"]
        key = account_key(another=True) if self.trouble is Trouble.CREDENTIALS else None
        return hands.provider(replace(SETTINGS, images={"amd64": image}), key, self.owner, self.patience)

    def fill(self) -> None:
        self.cloud.full = set(self.cloud.zones)

    def exhaust_quota(self) -> None:
        self.cloud.quota = True

    def make_room(self) -> None:
        self.cloud.full, self.cloud.quota = set(), False

    def creates(self, method: str, path: str) -> bool:
        return method == "POST" and path.endswith("/instances")

    def boot(self, runner_id: str) -> None:
        for one in self._of(runner_id):
            one["status"] = "RUNNING"

    def end(self, runner_id: str) -> None:
        for one in self._of(runner_id):
            one["status"] = "TERMINATED"

    def settle(self) -> None:
        self.cloud.settle()

    def machines(self, runner_id: str) -> int:
        return sum(one["status"] != "STOPPING" for one in self._of(runner_id))

    def add_foreign(self) -> None:
        foreign = GcpPeer(self.cloud, self.url, MachineOwner("another", "installation", "pool"))
        foreign.provider().start(self.a_request("foreign-0"))

    def _of(self, runner_id: str) -> list[dict[str, object]]:
        return [one for (_, name), one in self.cloud.instances.items() if name == host_name(runner_id)]


@contextmanager
def peer() -> Iterator[GcpPeer]:
    if not HERE:
        pytest.skip("Google's discovery documents are not here (.ci/descriptions)")
    cloud = Gcp()
    with cloud.serving() as url:
        yield GcpPeer(cloud, url)
