"""The provider that others are copied from, against a double of an infrastructure that does not exist."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.providers._template.dialect import TemplateDialect
from cadence.providers._template.provider import TemplateProvider
from cadence.providers._template.settings import TemplateSettings
from cadence.providers.choices import Choice
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest
from tests.contract.providers.doubled import Doubled
from tests.contract.providers.peer import Trouble
from tests.doubles.template import TOKEN, Template


class TemplatePeer(Doubled[Template]):
    what = "a double of an infrastructure that does not exist"
    words: ClassVar = {
        Trouble.FULL: "no more of these",
        Trouble.QUOTA: "no more of these",
        Trouble.CREDENTIALS: "who are you?",
        Trouble.IMAGE: "there is no ",
        Trouble.THROTTLED: "not so fast",
        Trouble.BROKEN: "something is broken",
    }
    secret = TOKEN
    page = 4
    throttled: ClassVar = {"code": "rate", "message": "not so fast"}
    broken: ClassVar = {"code": "internal", "message": "something is broken"}

    def provider(self) -> TemplateProvider:
        token = "another-token" if self.trouble is Trouble.CREDENTIALS else TOKEN
        hidden = Hidden([token])
        rest = Rest(
            self.url,
            TemplateDialect(),
            lambda: {"Authorization": f"Bearer {token}"},
            hidden=hidden,
            seconds=self.patience,
        )
        image = "none" if self.trouble is Trouble.IMAGE else "linux"
        settings = TemplateSettings(("east", "west"), (Choice(type="small"), Choice(type="large")), image)
        api = LimitedApi("account", "all", "machines", RateLimit(per_second=5, burst=20))
        return TemplateProvider(self.owner, settings, rest, hidden, api, page=3)

    def fill(self) -> None:
        self.cloud.full = True

    def exhaust_quota(self) -> None:
        self.cloud.quota = True

    def make_room(self) -> None:
        self.cloud.full = self.cloud.quota = False

    def creates(self, method: str, path: str) -> bool:
        return method == "POST"

    def boot(self, runner_id: str) -> None:
        for one in self.cloud.of(runner_id):
            one["state"] = "running"

    def end(self, runner_id: str) -> None:
        for one in self.cloud.of(runner_id):
            one["state"] = "off"

    def settle(self) -> None:
        self.cloud.settle()

    def machines(self, runner_id: str) -> int:
        return sum(one["state"] != "deleting" for one in self.cloud.of(runner_id))

    def add_foreign(self) -> None:
        foreign = TemplatePeer(self.cloud, self.url, MachineOwner("another", "installation", "pool"))
        foreign.provider().start(self.a_request("foreign-0"))


@contextmanager
def peer() -> Iterator[TemplatePeer]:
    cloud = Template()
    with cloud.serving() as url:
        yield TemplatePeer(cloud, url)
