"""A machine tells its boot's phases with its one-time token."""

import pytest

from cadence.application.runners.claim import ClaimAssignment
from cadence.application.runners.report_boot import BootPhase, ReportBoot
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import Gone, RunnerLost, Unauthenticated
from tests.integration.runners.conftest import World
from tests.integration.runners.test_claim import NONCE, Booting, booting, claim, host

__all__ = ["booting", "claim", "host"]

VERIFIED = BootPhase("agent-verified", ok=True, seconds=1.5)


@pytest.fixture
def report(world: World) -> ReportBoot:
    return ReportBoot(world.runners, world.machines)


def test_phases_are_kept_with_their_times(world: World, report: ReportBoot, booting: Booting) -> None:
    report.report(*booting, BootPhase("booted", ok=True, seconds=0.25))
    report.report(*booting, VERIFIED)

    runner = world.runners.get_runner(booting[0])
    assert runner.phase == "booting: agent-verified"
    assert runner.boot_phases == {"booted": 0.25, "agent-verified": 1.5}


def test_a_report_that_comes_after_the_claim_does_no_harm(
    world: World, report: ReportBoot, claim: ClaimAssignment, booting: Booting
) -> None:
    claim.claim(*booting, NONCE, {})
    report.report(*booting, VERIFIED)
    report.report(*booting, BootPhase("started", ok=False, seconds=2))

    runner = world.runners.get_runner(booting[0])
    assert runner.state is RunnerState.CLAIMED
    assert runner.phase is None
    assert world.machines.failed == []


def test_a_boot_that_failed_ends_at_once_and_says_where(world: World, report: ReportBoot, booting: Booting) -> None:
    report.report(*booting, BootPhase("python", ok=False, seconds=0, detail="there is no Python"))

    assert world.runners.get_runner(booting[0]).state is RunnerState.LOST
    ((token, error),) = world.machines.failed
    assert token == "launch-token"
    assert isinstance(error, RunnerLost)
    assert "phase python failed: there is no Python" in error.message
    with pytest.raises(Gone):
        report.report(*booting, VERIFIED)


def test_only_who_holds_the_token_is_heard(world: World, report: ReportBoot, booting: Booting) -> None:
    for runner_id, token in ((booting[0], "another"), ("no-such-runner", booting[1])):
        with pytest.raises(Unauthenticated):
            report.report(runner_id, token, VERIFIED)
    assert world.runners.get_runner(booting[0]).boot_phases == {}


def test_a_machine_cannot_fill_the_table(world: World, report: ReportBoot, booting: Booting) -> None:
    for number in range(100):
        report.report(*booting, BootPhase(f"phase-{'x' * (number % 26)}{number // 26 * 'y'}", ok=True, seconds=number))
    assert len(world.runners.get_runner(booting[0]).boot_phases) == 16
