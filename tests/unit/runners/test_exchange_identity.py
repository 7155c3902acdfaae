"""Only the very run that was started for a runner gets its token, however a stranger tries."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cadence.application.runners.exchange_identity import ExchangeIdentity
from cadence.application.runners.runner_tokens import matches
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.job_identity import JobIdentity, expected_identity
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, Gone, NotFound, Transient, Unauthenticated
from tests.unit.providers.requests import EXPIRES as AT

RUNNER = "01jdf8z4q2w3e4r5t6y7u8i9op-0123456789ab-1"
GITHUB = Pool(
    organization="acme",
    name="github",
    provider="github_actions",
    settings={"repository": "Acme/Runners", "runners": []},
)
GITLAB = Pool(
    organization="acme",
    name="gitlab",
    provider="gitlab",
    settings={"project": "acme/runners", "url": "https://git.example/", "runners": []},
)
SHOWN = {
    "repository": "acme/runners",
    "event_name": "workflow_dispatch",
    "run_id": "30000001",
    "workflow_ref": "acme/runners/.github/workflows/cadence-runner.yml@refs/heads/main",
}


class Tokens:
    """Reads `good`, whatever it is asked for, and remembers that."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        self.claims = claims
        self.asked: list[tuple[str, str]] = []

    def read(self, token: str, issuer: str, audience: str) -> Mapping[str, Any]:
        self.asked.append((issuer, audience))
        if token != "good":
            raise Unauthenticated("not valid")
        return self.claims


class Runners:
    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def get_runner(self, runner_id: str) -> Runner:
        if runner_id != self.runner.runner_id:
            raise NotFound("none")
        return self.runner

    def change_runner(self, runner_id: str, source: set[RunnerState], **changes: Any) -> Runner:
        if self.runner.state not in source:
            raise Conflict("changed")
        self.runner = replace(self.runner, **changes)
        return self.runner


class Pools:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def get_pool(self, organization: str, name: str) -> Pool:
        return self.pool


def a_runner(**changes: Any) -> Runner:
    runner = Runner(
        runner_id=RUNNER,
        run_id="run",
        treatment="build",
        attempt=1,
        organization="acme",
        project="default",
        pool="github",
        provider="github_actions",
        state=RunnerState.BOOTING,
        created_at=AT,
        boot_deadline=120,
        ref="30000001",
    )
    return replace(runner, **changes)


def exchange(
    runner: Runner, claims: Mapping[str, Any] = SHOWN, pool: Pool = GITHUB
) -> tuple[ExchangeIdentity, Runners]:
    runners = Runners(runner)
    return ExchangeIdentity(runners, Pools(pool), Tokens(claims)), runners  # type: ignore[arg-type]


def test_the_run_gets_a_token_and_another_until_it_is_used() -> None:
    it, runners = exchange(a_runner())
    first, second = it.exchange(RUNNER, "good"), it.exchange(RUNNER, "good")
    assert first != second
    assert matches(runners.runner.one_time_hash, second) and not matches(runners.runner.one_time_hash, first)
    assert it.tokens.asked[0] == ("https://token.actions.githubusercontent.com", f"cadence:{RUNNER}")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "changed",
    [
        {"repository": "stranger/runners"},
        {"run_id": "30000002"},
        {"event_name": "push"},
        {"workflow_ref": "acme/runners/.github/workflows/other.yml@refs/heads/main"},
        {"workflow_ref": "acme/runners/.github/workflows/cadence-runner.yml@refs/heads/feature"},
    ],
)
def test_any_other_run_is_refused(changed: Mapping[str, str]) -> None:
    it, runners = exchange(a_runner(), {**SHOWN, **changed})
    with pytest.raises(Unauthenticated, match="not that of the run"):
        it.exchange(RUNNER, "good")
    assert runners.runner.one_time_hash is None


@pytest.mark.parametrize("missing", sorted(SHOWN))
def test_what_is_not_said_is_not_so(missing: str) -> None:
    it, _ = exchange(a_runner(), {name: value for name, value in SHOWN.items() if name != missing})
    with pytest.raises(Unauthenticated):
        it.exchange(RUNNER, "good")


def test_a_token_that_is_not_valid_is_refused() -> None:
    it, _ = exchange(a_runner())
    with pytest.raises(Unauthenticated, match="not valid"):
        it.exchange(RUNNER, "bad")


@pytest.mark.parametrize("state", [RunnerState.CLAIMED, RunnerState.COMPLETED, RunnerState.RELEASED, RunnerState.LOST])
def test_a_runner_that_is_no_longer_waited_for_gets_none(state: RunnerState) -> None:
    it, _ = exchange(a_runner(state=state))
    with pytest.raises(Gone):
        it.exchange(RUNNER, "good")


def test_a_cancelled_one_gets_none() -> None:
    it, _ = exchange(a_runner(cancel_reason="no longer wanted"))
    with pytest.raises(Gone):
        it.exchange(RUNNER, "good")


def test_a_run_that_is_faster_than_its_note_asks_again() -> None:
    it, _ = exchange(a_runner(ref=None))
    with pytest.raises(Transient):
        it.exchange(RUNNER, "good")


def test_an_unknown_runner_is_not_told_apart() -> None:
    it, _ = exchange(a_runner())
    with pytest.raises(Unauthenticated, match="not that of the run"):
        it.exchange("another", "good")


def test_other_providers_machines_have_no_identity_to_show() -> None:
    it, _ = exchange(a_runner(), pool=Pool(organization="acme", name="ec2", provider="aws_ec2"))
    with pytest.raises(Unauthenticated):
        it.exchange(RUNNER, "good")


def test_what_gitlab_has_to_say() -> None:
    expected = expected_identity(GITLAB, RUNNER, "42")
    assert expected == JobIdentity(
        "https://git.example",
        f"cadence:{RUNNER}",
        {
            "project_path": "acme/runners",
            "pipeline_id": "42",
            "pipeline_source": "api",
            "ref": "main",
            "ref_type": "branch",
        },
    )
