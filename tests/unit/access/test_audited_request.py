"""One request in the audit log: what it does before it does it, why it is refused, and no flood of either."""

from datetime import UTC, datetime, timedelta

from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import TokenRefused
from cadence.application.runners.runner_tokens import refuse_runner, runner_principal
from cadence.domain.access.access import Principal
from cadence.domain.access.audit import AuditKind
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, Forbidden, NotFound, Transient
from tests.fakes.audit import MemoryAuditTrail

NOW = datetime(2026, 3, 4, 5, 30, tzinfo=UTC)
ADA = Principal(
    token_id="t1", name="Ada", organization="acme", project="*", permissions=frozenset(), subject="member:1"
)
RUNNER = Runner(
    runner_id="r1", run_id="run", treatment="make", attempt=2, organization="acme", project="site", pool="linux",
    provider="host", state=RunnerState.CLAIMED, created_at=NOW,
)  # fmt: skip


class Log:
    def __init__(self) -> None:
        self.trail, self.now = MemoryAuditTrail(), NOW

    def request(self, action: str = "put", target: str = "/v1/x") -> AuditedRequest:
        return AuditedRequest(self.trail, lambda: self.now, action, target, "192.0.2.1")

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        return [(str(one.kind), one.action, one.outcome) for one in self.trail.noted]


def test_a_change_has_an_entry_and_another_one_if_it_is_refused_after_all() -> None:
    log = Log()
    request = log.request()
    request.accept(ADA, AuditKind.CHANGE, "site")
    request.refuse(ADA, Conflict("moved"))

    assert log.outcomes == [("change", "put", "accepted"), ("change", "put", "conflict")]
    first, second = log.trail.noted
    assert first.request == second.request != ""
    assert (first.actor, first.token_id, first.project, first.source) == ("member:1", "t1", "site", "192.0.2.1")


def test_an_outcome_that_is_not_known_is_no_refusal() -> None:
    log = Log()
    request = log.request()
    request.accept(ADA, AuditKind.CHANGE)
    request.refuse(ADA, Transient("busy"))
    assert log.outcomes == [("change", "put", "accepted")]


def test_a_refusal_has_one_entry_an_hour_for_a_caller_and_an_operation() -> None:
    log = Log()
    for target in ("/v1/x", "/v1/y"):
        log.request(target=target).refuse(ADA, Forbidden("no"))
    log.request("delete").refuse(ADA, Forbidden("no"))
    assert log.outcomes == [("refusal", "put", "forbidden"), ("refusal", "delete", "forbidden")]
    log.now += timedelta(hours=1)
    log.request().refuse(ADA, Forbidden("no"))
    assert len(log.trail.noted) == 3


def test_other_errors_of_a_request_that_was_not_accepted_are_no_refusals() -> None:
    log = Log()
    log.request().refuse(ADA, NotFound("no such thing"))
    log.request().refuse(None, Forbidden("by nobody who is known"))
    assert log.trail.noted == []


def test_what_is_read_has_one_entry_an_hour_for_a_caller_and_a_target() -> None:
    log = Log()
    for target in ("/v1/x", "/v1/y", "/v1/x"):
        log.request(target=target).accept_hourly(ADA, AuditKind.VALUE)
    assert [one.target for one in log.trail.noted] == ["/v1/x", "/v1/y"]


def test_a_runner_with_a_wrong_token_has_one_entry_an_hour_for_all_operations() -> None:
    log = Log()
    for action in ("claim", "heartbeat"):
        error = refuse_runner("wrong_session_token", "It is not the one.", RUNNER)
        assert isinstance(error, TokenRefused)
        log.request(action).refuse(None, error)
    (entry,) = log.trail.noted
    assert (entry.organization, entry.project, entry.outcome) == ("acme", "site", "unauthenticated")
    assert (entry.actor, entry.token_id, entry.token_name) == ("runner:r1", "r1", "pool linux, attempt 2")


def test_a_runner_as_records_name_it_may_do_nothing() -> None:
    by = runner_principal(RUNNER)
    assert by.permissions == frozenset()
    assert not by.may("logs:read")


def test_long_paths_are_cut() -> None:
    log = Log()
    log.request(target="/" + "x" * 5_000).accept(ADA, AuditKind.CHANGE)
    assert len(log.trail.noted[0].target) == 1_000
