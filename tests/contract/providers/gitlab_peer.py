"""GitLab's provider against a double that the types of GitLab's own Go client hold to account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

import pytest

from cadence.providers.gitlab.provider import GitlabProvider
from cadence.providers.marks import MachineOwner
from tests.contract.providers.doubled import Doubled
from tests.contract.providers.peer import Trouble
from tests.doubles.gitlab import HERE, TOKEN, Gitlab
from tests.unit.providers.test_gitlab import SETTINGS, Hands


class GitlabPeer(Doubled[Gitlab]):
    what = "a double of GitLab's pipelines, held against the types of GitLab's Go client (client-go 1.46)"
    words: ClassVar = {
        Trouble.FULL: "No more compute minutes available",
        Trouble.QUOTA: "No more compute minutes available",
        Trouble.CREDENTIALS: "401 Unauthorized",
        Trouble.IMAGE: "Reference not found",
        Trouble.THROTTLED: "Too many requests",
        Trouble.BROKEN: "500 Internal Server Error",
    }
    secret = TOKEN
    page = 4
    throttled: ClassVar = {"message": {"error": "Too many requests"}}
    broken: ClassVar = {"message": "500 Internal Server Error"}

    def provider(self) -> GitlabProvider:
        token = "glpat-another0123456789" if self.trouble is Trouble.CREDENTIALS else TOKEN
        settings = replace(SETTINGS, ref="none" if self.trouble is Trouble.IMAGE else "main")
        return Hands(self.cloud, self.url).provider(settings, token, self.owner, self.patience)

    def fill(self) -> None:
        self.cloud.quota = True

    def exhaust_quota(self) -> None:
        self.cloud.quota = True

    def make_room(self) -> None:
        self.cloud.quota = False

    def creates(self, method: str, path: str) -> bool:
        return path.endswith("/pipeline")

    def boot(self, runner_id: str) -> None:
        for one in self.cloud.of(runner_id):
            one["status"] = "running"

    def end(self, runner_id: str) -> None:
        for one in self.cloud.of(runner_id):
            one["status"] = "success"

    def settle(self) -> None:
        """A pipeline that is cancelled is over."""

    def machines(self, runner_id: str) -> int:
        return sum(one["status"] not in ("success", "canceled") for one in self.cloud.of(runner_id))

    def add_foreign(self) -> None:
        foreign = GitlabPeer(self.cloud, self.url, MachineOwner("another", "installation", "pool"))
        foreign.provider().start(self.a_request("foreign-0"))


@contextmanager
def peer() -> Iterator[GitlabPeer]:
    if not HERE:
        pytest.skip("The types of GitLab's client are not here (.ci/descriptions)")
    cloud = Gitlab()
    with cloud.serving() as url:
        yield GitlabPeer(cloud, url)
