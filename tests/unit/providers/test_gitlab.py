"""What is GitLab's own: pipelines that are found by their names, variables that everybody sees."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cadence.domain.shared.errors import CapacityExhausted, ProviderRejected
from cadence.providers.choices import Choice
from cadence.providers.contract import MachineCondition, RunnerNeeds
from cadence.providers.gitlab.dialect import GitlabDialect
from cadence.providers.gitlab.provider import GitlabProvider
from cadence.providers.gitlab.settings import GitlabSettings
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest
from tests.doubles.gitlab import HERE, PROJECT, TOKEN, Gitlab
from tests.unit.providers.requests import API, EXPIRES, OWNER, RUNNER, runner
from tests.unit.providers.requests import TOKEN as ONE_TIME

pytestmark = pytest.mark.skipif(not HERE, reason="The types of GitLab's client are not here (.ci/descriptions)")

SETTINGS = GitlabSettings(
    project=PROJECT,
    runners=(Choice(type="saas-linux-medium-amd64", cpu=4_000), Choice(type="saas-linux-small-arm64", arch="arm64")),
)


class Hands:
    def __init__(self, cloud: Gitlab, url: str) -> None:
        self.cloud, self.url = cloud, url
        cloud.url = url

    def provider(
        self, settings: GitlabSettings = SETTINGS, token: str = TOKEN, owner: MachineOwner = OWNER, seconds: float = 5.0
    ) -> GitlabProvider:
        hidden = Hidden([token])
        rest = Rest(
            f"{self.url}/api/v4", GitlabDialect(), lambda: {"PRIVATE-TOKEN": token}, hidden=hidden, seconds=seconds
        )
        return GitlabProvider(owner, settings, rest, hidden, lambda: datetime.now(UTC), API, page=3)


@pytest.fixture
def gitlab() -> Iterator[Hands]:
    cloud = Gitlab()
    with cloud.serving() as url:
        yield Hands(cloud, url)


def test_a_pipeline_is_made_without_any_secret(gitlab: Hands) -> None:
    its = gitlab.provider()
    ref = its.start(runner())
    given = gitlab.cloud.variables[int(ref)]
    assert given["CADENCE_RUNNER"] == RUNNER and given["CADENCE_TAG"] == "saas-linux-medium-amd64"
    assert ONE_TIME not in str(given)
    machine = its.describe(ref)
    assert (machine.runner_id, machine.condition, machine.expires_at) == (RUNNER, MachineCondition.STARTING, EXPIRES)


def test_needs_choose_the_tag(gitlab: Hands) -> None:
    ref = gitlab.provider().start(runner(needs=RunnerNeeds(arch="arm64")))
    assert gitlab.cloud.variables[int(ref)]["CADENCE_TAG"] == "saas-linux-small-arm64"


def test_twins_of_a_lagging_list_are_cancelled_but_the_oldest(gitlab: Hands) -> None:
    first = gitlab.provider().start(runner())
    gitlab.cloud.hidden = set(gitlab.cloud.pipelines)
    second = gitlab.provider().start(runner())
    gitlab.cloud.hidden = set()
    assert first != second and gitlab.provider().start(runner()) == first
    assert gitlab.provider().describe(second).condition is MachineCondition.GONE


def test_minutes_that_are_used_up_are_no_room(gitlab: Hands) -> None:
    gitlab.cloud.quota = True
    with pytest.raises(CapacityExhausted, match="No more compute minutes available"):
        gitlab.provider().start(runner())


def test_what_its_job_printed(gitlab: Hands) -> None:
    its = gitlab.provider()
    ref = its.start(runner())
    gitlab.cloud.traces[int(ref)] = "x" * 40_000 + "No route to host"
    text = its.console(ref) or ""
    assert text.endswith("No route to host") and len(text) == 16 * 1024
    assert its.console(RUNNER) == text and its.console("none") is None


def test_a_probe_names_what_is_missing(gitlab: Hands) -> None:
    assert [check for check in gitlab.provider().probe() if check.missing] == []
    gitlab.cloud.file = "build: {script: [make]}"
    (check,) = (check for check in gitlab.provider().probe() if check.missing)
    assert check.what == "image" and "cadence-runner.yml" in (check.hint or "")
    with pytest.raises(ProviderRejected, match="Reference not found"):
        gitlab.provider(replace(SETTINGS, ref="none")).start(runner())
