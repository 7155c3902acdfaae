"""GitHub's provider against a double that GitHub's own OpenAPI document holds to account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

import pytest

from cadence.providers.github_actions.provider import GithubProvider
from cadence.providers.marks import MachineOwner
from tests.contract.providers.doubled import Doubled
from tests.contract.providers.peer import Trouble
from tests.doubles.github import HERE, TOKEN, Github
from tests.unit.providers.test_github_actions import SETTINGS, Hands


class GithubPeer(Doubled[Github]):
    what = "a double of GitHub's Actions, held against GitHub's OpenAPI document (npm @octokit/openapi 23.0.2)"
    words: ClassVar = {
        Trouble.CREDENTIALS: "Bad credentials",
        Trouble.IMAGE: "Not Found",
        Trouble.THROTTLED: "secondary rate limit",
        Trouble.BROKEN: "Server Error",
    }
    cannot: ClassVar = {"without_room_the_next_pool_is_tried": "GitHub queues what it has no room for"}
    secret = TOKEN
    page = 4
    throttled: ClassVar = {"message": "You have exceeded a secondary rate limit."}
    broken: ClassVar = {"message": "Server Error"}

    def provider(self) -> GithubProvider:
        credentials = {"token": "github_pat_another0123456789" if self.trouble is Trouble.CREDENTIALS else TOKEN}
        workflow = "none.yml" if self.trouble is Trouble.IMAGE else SETTINGS.workflow
        settings = replace(SETTINGS, workflow=workflow)
        return Hands(self.cloud, self.url).provider(settings, credentials, self.owner, self.patience)

    def make_room(self) -> None:
        """It always has."""

    def creates(self, method: str, path: str) -> bool:
        return path.endswith("/dispatches")

    def boot(self, runner_id: str) -> None:
        for run in self.cloud.of(runner_id):
            run["status"] = "in_progress"

    def end(self, runner_id: str) -> None:
        for run in self.cloud.of(runner_id):
            run |= {"status": "completed", "conclusion": "success"}

    def settle(self) -> None:
        """A run that is cancelled is over."""

    def machines(self, runner_id: str) -> int:
        return sum(run["status"] != "completed" for run in self.cloud.of(runner_id))

    def add_foreign(self) -> None:
        foreign = GithubPeer(self.cloud, self.url, MachineOwner("another", "installation", "pool"))
        foreign.provider().start(self.a_request("foreign-0"))


@contextmanager
def peer() -> Iterator[GithubPeer]:
    if not HERE:
        pytest.skip("GitHub's OpenAPI document is not here (.ci/descriptions)")
    cloud = Github()
    with cloud.serving() as url:
        yield GithubPeer(cloud, url)
