"""What is GitHub's own: runs that are found by their names, its limits, Apps, logs elsewhere."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cadence.domain.shared.errors import CapacityExhausted, NotReady, ProviderRejected, Transient
from cadence.providers.choices import Choice
from cadence.providers.contract import Credentials, MachineCondition, RunnerNeeds
from cadence.providers.github_actions.dialect import GithubDialect
from cadence.providers.github_actions.provider import GithubProvider
from cadence.providers.github_actions.settings import GithubSettings
from cadence.providers.github_actions.tokens import tokens
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest
from tests.doubles.cloud import Trouble
from tests.doubles.github import HERE, REPOSITORY, TOKEN, Github, app_pem
from tests.fakes.answering import Reply
from tests.unit.providers.requests import API, EXPIRES, OWNER, RUNNER, runner
from tests.unit.providers.requests import TOKEN as ONE_TIME

pytestmark = pytest.mark.skipif(not HERE, reason="GitHub's OpenAPI document is not here (.ci/descriptions)")

SETTINGS = GithubSettings(
    repository=REPOSITORY,
    runners=(Choice(type="ubuntu-24.04", cpu=4_000), Choice(type="self-hosted, arm64", arch="arm64")),
)
APP = {"app_id": "123", "installation_id": "7"}


class Hands:
    def __init__(self, cloud: Github, url: str) -> None:
        self.cloud, self.url = cloud, url
        cloud.url = url
        self.now = datetime(2026, 11, 25, 10, 0, 30, tzinfo=UTC)

    def provider(
        self,
        settings: GithubSettings = SETTINGS,
        credentials: Credentials | None = None,
        owner: MachineOwner = OWNER,
        seconds: float = 5.0,
    ) -> GithubProvider:
        hidden = Hidden()
        its = tokens(credentials or {"token": TOKEN}, REPOSITORY, self.url, hidden, lambda: self.now, seconds=seconds)
        rest = Rest(self.url, GithubDialect(), its.token, hidden=hidden, seconds=seconds)
        return GithubProvider(owner, settings, rest, hidden, lambda: self.now, API, page=3)


@pytest.fixture
def github() -> Iterator[Hands]:
    cloud = Github()
    with cloud.serving() as url:
        yield Hands(cloud, url)


def test_a_run_is_dispatched_without_any_secret(github: Hands) -> None:
    its = github.provider()
    ref = its.start(runner())
    inputs = github.cloud.inputs[int(ref)]
    assert inputs["runner"] == RUNNER and json.loads(inputs["labels"]) == ["ubuntu-24.04"]
    assert inputs["agent_sha256"] == "0" * 64 and inputs["minutes"] == "72"
    assert ONE_TIME not in json.dumps(inputs)
    machine = its.describe(ref)
    assert (machine.runner_id, machine.condition, machine.expires_at) == (RUNNER, MachineCondition.STARTING, EXPIRES)


def test_needs_choose_the_labels(github: Hands) -> None:
    ref = github.provider().start(runner(needs=RunnerNeeds(arch="arm64")))
    assert json.loads(github.cloud.inputs[int(ref)]["labels"]) == ["self-hosted", "arm64"]
    with pytest.raises(CapacityExhausted, match="16000 millicores"):
        github.provider().start(runner("other", needs=RunnerNeeds(cpu=16_000, arch="amd64")))


def test_an_older_github_says_later_which_run_it_is(github: Hands) -> None:
    github.cloud.details = False
    with pytest.raises(NotReady):
        github.provider().start(runner())
    (run_id,) = github.cloud.runs
    assert github.provider().start(runner()) == str(run_id)


def test_twins_of_a_lagging_list_are_cancelled_but_the_oldest(github: Hands) -> None:
    first = github.provider().start(runner())
    github.cloud.hidden = set(github.cloud.runs)
    second = github.provider().start(runner())
    github.cloud.hidden = set()
    assert first != second and github.provider().start(runner()) == first
    assert github.provider().describe(second).reason == "completed, cancelled"


@pytest.mark.parametrize(
    ("status", "headers", "message", "least"),
    [
        (403, {"x-ratelimit-remaining": "0"}, "API rate limit exceeded for installation ID 7.", 100),
        (403, {"retry-after": "60"}, "You have exceeded a secondary rate limit.", 60),
        (429, {}, "You have exceeded a secondary rate limit.", 1),
    ],
)
def test_its_limits_pass(github: Hands, status: int, headers: dict[str, str], message: str, least: float) -> None:
    reset = {"x-ratelimit-reset": str(int(time.time()) + 200)}
    github.cloud.trouble = Trouble(Reply(status, {"message": message}, {**reset, **headers}))
    with pytest.raises(Transient, match="rate limit") as raised:
        github.provider().start(runner())
    assert raised.value.retry_after >= least


def test_what_is_forbidden_stays_so(github: Hands) -> None:
    github.cloud.trouble = Trouble(Reply(403, {"message": "Resource not accessible by personal access token"}))
    with pytest.raises(ProviderRejected, match="not accessible"):
        github.provider().start(runner())


def test_an_app_gets_a_token_for_this_repository_and_keeps_it(github: Hands) -> None:
    its = github.provider(credentials={**APP, "private_key": app_pem()})
    its.start(runner())
    its.list_owned()
    assert github.cloud.tokens == 1
    github.now += timedelta(minutes=56)
    github.cloud.token_until = "2026-11-25T12:00:00Z"
    its.list_owned()
    assert github.cloud.tokens == 2


@pytest.mark.parametrize("credentials", [{}, APP, {"private_key": "planted-secret"}])
def test_what_is_missing_of_the_credentials_is_said(credentials: Credentials) -> None:
    with pytest.raises(ProviderRejected, match="app_id") as raised:
        tokens(credentials, REPOSITORY, "http://127.0.0.1", Hidden(), lambda: datetime.now(UTC))
    assert "planted" not in raised.value.message


def test_a_key_that_is_none_is_not_shown(github: Hands) -> None:
    with pytest.raises(ProviderRejected, match="private_key") as raised:
        github.provider(credentials={**APP, "private_key": "planted-secret"}).list_owned()
    assert "planted" not in raised.value.message and raised.value.__cause__ is None


def test_the_log_of_its_job(github: Hands) -> None:
    its = github.provider()
    ref = its.start(runner())
    assert its.console(ref) is None
    github.cloud.logs[int(ref)] = "x" * 40_000 + "No route to host"
    text = its.console(ref) or ""
    assert text.endswith("No route to host") and len(text) == 16 * 1024
    assert its.console(RUNNER) == text and its.console("none") is None


def test_a_probe_names_what_is_missing(github: Hands) -> None:
    github.cloud.state = "disabled_manually"
    missing = {check.what: check for check in github.provider().probe() if check.missing}
    assert "disabled_manually" in (missing["image"].missing or "") and "cadence-runner.yml" in (
        missing["image"].hint or ""
    )
    another = replace(SETTINGS, workflow="none.yml")
    assert "Not Found" in str([check.missing for check in github.provider(another).probe()])
