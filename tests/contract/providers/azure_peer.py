"""Azure's provider against a double that the types of Microsoft's own SDK hold to account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from cadence.providers.azure.provider import AzureProvider
from cadence.providers.marks import MachineOwner
from tests.contract.providers.doubled import Doubled
from tests.contract.providers.peer import Trouble
from tests.doubles.azure import CLIENT_SECRET, IMAGE, Azure
from tests.unit.providers.test_azure import CREDENTIALS, SETTINGS, Hands


class AzurePeer(Doubled[Azure]):
    what = "a double of Azure's virtual machines, held against the types of the SDK (PyPI azure-mgmt-compute 39)"
    words: ClassVar = {
        Trouble.FULL: "is currently not available in location",
        Trouble.QUOTA: "exceeding approved Total Regional Cores quota",
        Trouble.CREDENTIALS: "AADSTS7000215: Invalid client secret provided",
        Trouble.IMAGE: "The platform image",
    }
    secret = CLIENT_SECRET
    page = 4
    throttled: ClassVar = {"error": {"code": "TooManyRequests", "message": "The request is being throttled"}}
    broken: ClassVar = {"error": {"code": "InternalServerError", "message": "Encountered internal server error"}}

    def provider(self) -> AzureProvider:
        wrong = {**CREDENTIALS, "client_secret": "another~secret"}
        credentials = wrong if self.trouble is Trouble.CREDENTIALS else CREDENTIALS
        image = {**IMAGE, "publisher": "Nobody"} if self.trouble is Trouble.IMAGE else IMAGE
        settings = replace(SETTINGS, images={"amd64": image})
        return Hands(self.cloud, self.url).provider(settings, credentials, self.owner, self.patience)

    def fill(self) -> None:
        self.cloud.full = {choice.type for choice in SETTINGS.sizes}

    def exhaust_quota(self) -> None:
        self.cloud.quota = True

    def make_room(self) -> None:
        self.cloud.full, self.cloud.quota = set(), False

    def creates(self, method: str, path: str) -> bool:
        return method == "PUT"

    def boot(self, runner_id: str) -> None:
        for name in self._of(runner_id):
            self.cloud.power(name, "running")

    def end(self, runner_id: str) -> None:
        for name in self._of(runner_id):
            self.cloud.power(name, "stopped")

    def settle(self) -> None:
        self.cloud.settle()

    def machines(self, runner_id: str) -> int:
        return sum(
            self.cloud.machines[name]["properties"]["provisioningState"] != "Deleting" for name in self._of(runner_id)
        )

    def add_foreign(self) -> None:
        foreign = AzurePeer(self.cloud, self.url, MachineOwner("another", "installation", "pool"))
        foreign.provider().start(self.a_request("foreign-0"))

    def _of(self, runner_id: str) -> list[str]:
        return [name for name, one in self.cloud.machines.items() if one["tags"]["cadence-runner"] == runner_id]


@contextmanager
def peer() -> Iterator[AzurePeer]:
    cloud = Azure()
    with cloud.serving() as url:
        yield AzurePeer(cloud, url)
