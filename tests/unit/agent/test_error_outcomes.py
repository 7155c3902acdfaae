"""Which outcome an error of the agent gives the assignment."""

import errno
from pathlib import Path

import pytest

from runner_bootstrap.agent.shared.error_outcomes import terminate_for
from runner_bootstrap.agent.shared.errors import (
    AgentError,
    GatewayUnreachable,
    LeaseLost,
    RequestRefused,
    Stopped,
    TreatmentFailed,
)
from runner_bootstrap.agent.shared.termination import Termination

QUOTA = {"quota": "storage", "limit": 1, "used": 1}


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (
            RequestRefused(413, "the gateway answered 413: the quota is reached", QUOTA),
            "failed",
            "the quota is reached",
        ),
        (RequestRefused(413, "the gateway answered 413: too large"), "infrastructure", "too large"),
        (GatewayUnreachable("no answer"), "infrastructure", "no answer"),
        (AgentError("the store refuses"), "infrastructure", "the store refuses"),
        (TreatmentFailed("not a number"), "failed", "not a number"),
        (OSError(errno.ENOSPC, "No space left on device"), "infrastructure", "the disk of /work is full"),
        (ValueError("odd"), "infrastructure", "the agent failed: ValueError: odd"),
    ],
    ids=["quota", "refused", "unreachable", "agent", "treatment", "disk", "other"],
)
def test_an_error_ends_the_assignment_with_its_outcome(error: Exception, outcome: str, message: str) -> None:
    termination = Termination()
    terminate_for(termination, error, Path("/work"))
    assert (termination.outcome, termination.report) == (outcome, True)
    assert message in str(termination.error)


def test_a_lost_lease_is_not_reported_and_a_stopped_thread_decides_nothing() -> None:
    stopped, lost = Termination(), Termination()
    terminate_for(stopped, Stopped(), Path("/work"))
    terminate_for(lost, LeaseLost(410, "gone"), Path("/work"))
    assert (stopped.decided, lost.decided, lost.report) == (False, True, False)
    assert (lost.outcome, lost.error) == ("infrastructure", "the lease is lost: gone")


def test_a_lost_lease_that_is_a_cancellation_has_its_reason() -> None:
    termination = Termination()
    terminate_for(termination, LeaseLost(410, "gone", {"cancel": "cancelled by ada"}), Path("/work"))
    assert (termination.outcome, termination.error, termination.report) == ("cancelled", "cancelled by ada", False)
