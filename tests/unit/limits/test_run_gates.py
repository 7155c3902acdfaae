"""What runs pass before they begin: order, policies, quotas, throttles and crashes."""

import dataclasses
from dataclasses import dataclass
from datetime import timedelta

import pytest

from cadence.application.pipelines.run_request import RunRequest
from cadence.application.runs.cancel_run import CancelRun
from cadence.application.runs.start_run import StartRun
from cadence.application.scheduling.watchdog import LONGEST_WAIT
from cadence.domain.limits.quotas import Quotas
from cadence.domain.pipelines.specification import ConcurrencyPolicy
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, Transient
from tests.fakes.services import MemoryMachines
from tests.unit.scheduling.setting import Setting, spec

P = ConcurrencyPolicy


class ThrottledMachines(MemoryMachines):
    """Starts no more than `allowed` executions, until it is told otherwise."""

    allowed: int = 10_000

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        if len(self.runs) >= self.allowed:
            raise Transient("throttled")
        super().start_run(run_id, deadline_seconds, execution)


@dataclass
class Office(Setting):
    """Runs that start and end."""

    def __post_init__(self) -> None:
        self.machines = ThrottledMachines()
        super().__post_init__()
        self.start = StartRun(self.runs, self.run_gates, self.deadlines, self.clock)
        self.plan_sha256 = ""

    def begin(
        self, run_id: str, group: str | None = None, policy: P = P.QUEUE, project: str = "site", **fields: int
    ) -> Run:
        frozen = RunRequest(
            organization="acme", project=project, pipeline="build", document_sha256="d" * 64, plan_sha256=self.plan_sha256, max_duration=600, concurrency_group=group, concurrency_policy=policy,
            **fields,  # type: ignore[arg-type]
        )  # fmt: skip
        return self.start.start(run_id, frozen, {}, "alice")

    def take_up(self, run_id: str) -> None:
        """The run's machine begins."""
        self.runs.begin_run(run_id, f"token-{run_id}", self.clock.now)

    def end(self, run_id: str) -> None:
        self.take_up(run_id)
        self.finalise.finalise(run_id)

    def begun(self) -> list[str]:
        return list(self.machines.runs)

    def run(self, run_id: str) -> Run:
        return self.runs.get_run(run_id)

    @property
    def throttled(self) -> ThrottledMachines:
        assert isinstance(self.machines, ThrottledMachines)
        return self.machines


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_run_without_a_group_begins_at_once(office: Office) -> None:
    office.begin("r1")
    assert office.begun() == ["r1"]
    assert office.run("r1").waiting_for is None


def test_runs_of_a_group_run_one_after_another_in_order(office: Office) -> None:
    for number in range(4):
        office.begin(f"r{number}", "deploy")
    assert office.begun() == ["r0"]
    assert office.run("r2").state is RunState.PENDING
    assert office.run("r2").waiting_for == "run r0 of concurrency group deploy"
    for number in range(4):
        assert office.begun() == [f"r{n}" for n in range(number + 1)]
        office.end(f"r{number}")
    assert office.run("r3").waiting_for is None


def test_groups_of_two_projects_are_two_groups(office: Office) -> None:
    office.begin("r0", "deploy")
    office.begin("r1", "deploy", project="shop")
    assert office.begun() == ["r0", "r1"]


def test_cancel_running_cancels_what_runs_and_what_waits(office: Office) -> None:
    for number in range(2):
        office.begin(f"r{number}", "deploy")
    office.take_up("r0")
    office.begin("r2", "deploy", P.CANCEL_RUNNING)
    assert office.run("r1").state is RunState.CANCELLED
    assert office.run("r1").cause == "cancelled: run r2 of concurrency group deploy takes its place"
    assert office.run("r0").stop_requested is RunState.CANCELLED
    assert "token-r0" in office.machines.answers
    assert office.begun() == ["r0"]
    office.finalise.finalise("r0")
    assert office.begun() == ["r0", "r2"]


def test_drop_ends_at_once_and_says_for_whom(office: Office) -> None:
    office.begin("r0", "deploy")
    dropped = office.begin("r1", "deploy", P.DROP)
    assert dropped.state is RunState.CANCELLED
    assert dropped.cause == "dropped: run r0 of concurrency group deploy was running"
    office.end("r0")
    office.begin("r2", "deploy", P.DROP)
    assert office.begun() == ["r0", "r2"]


def test_a_cancelled_waiting_run_leaves_the_queue(office: Office) -> None:
    for number in range(3):
        office.begin(f"r{number}", "deploy")
    assert CancelRun(office.run_gates).cancel("r1", "alice").state is RunState.CANCELLED
    office.end("r0")
    assert office.begun() == ["r0", "r2"]


def test_a_cancelled_run_that_has_begun_is_left_to_its_machine(office: Office) -> None:
    office.begin("r0", "deploy")
    office.take_up("r0")
    assert CancelRun(office.run_gates).cancel("r0", "alice").state is RunState.CANCELLING
    assert "token-r0" in office.machines.answers
    office.finalise.finalise("r0")
    with pytest.raises(Conflict):
        CancelRun(office.run_gates).cancel("r0", "alice")


def test_runs_beyond_the_quota_begin_in_order(office: Office) -> None:
    office.quotas.quotas = Quotas(max_running_runs=3)
    names = [f"r{number:03}" for number in range(100)]
    for name in names:
        office.begin(name)
    assert office.begun() == names[:3]
    assert office.run("r050").waiting_for == ("one of the 3 running runs of organization acme to end (position 48)")
    for name in names:
        office.end(name)
    assert office.begun() == names
    assert office.concurrency_limits.places == {}


def test_a_larger_quota_lets_in_at_once(office: Office) -> None:
    office.quotas.quotas = Quotas(max_running_runs=1)
    for number in range(5):
        office.begin(f"r{number}")
    office.run_gates.limit("acme", Quotas(max_running_runs=4))
    assert office.begun() == ["r0", "r1", "r2", "r3"]


def test_priority_and_fair_share_decide_between_projects(office: Office) -> None:
    office.quotas.quotas = Quotas(max_running_runs=2)
    for number in range(4):
        office.begin(f"a{number}")
    office.begin("b0", project="shop")
    office.begin("a9", priority=10)
    office.end("a0")
    office.end("a1")
    assert office.begun() == ["a0", "a1", "a9", "b0"]


def test_throttled_starts_lose_no_run_and_no_order(office: Office) -> None:
    office.throttled.allowed = 2
    names = [f"r{number}" for number in range(10)]
    for name in names:
        assert office.begin(name).state is RunState.PENDING
    assert office.begun() == names[:2]
    office.throttled.allowed = 10_000
    for run_id, _ in list(office.deadlines.runs):
        office.watchdog.run(run_id)
    assert office.begun() == names


def test_a_throttled_hand_on_is_made_up_for(office: Office) -> None:
    office.begin("r0", "deploy")
    office.begin("r1", "deploy")
    office.throttled.allowed = 1
    office.end("r0")
    assert office.begun() == ["r0"]
    office.throttled.allowed = 10
    office.clock.advance(timedelta(minutes=2))
    for scope, _ in list(office.deadlines.concurrency_limits):
        office.watchdog.concurrency_limit(scope)
    assert office.begun() == ["r0", "r1"]


def test_a_run_that_ended_without_leaving_holds_nobody_up(office: Office) -> None:
    office.begin("r0", "deploy")
    office.begin("r1", "deploy")
    office.runs.finish_run(office.runs.get_run("r0"), RunState.FAILED, "lost", office.clock.now)
    office.clock.advance(timedelta(minutes=2))
    office.watchdog.concurrency_limit(office.deadlines.concurrency_limits[0][0])
    assert office.begun() == ["r0", "r1"]


def test_waiting_does_not_count_as_running_and_has_an_end(office: Office) -> None:
    office.begin("r0", "deploy")
    office.begin("r1", "deploy")
    office.take_up("r0")
    office.clock.advance(timedelta(seconds=3_000))
    office.watchdog.run("r1")
    assert office.run("r1").state is RunState.PENDING
    office.clock.advance(LONGEST_WAIT)
    office.watchdog.run("r1")
    assert office.run("r1").state is RunState.TIMED_OUT
    assert office.run("r1").cause == "the run never began: it waited for run r0 of concurrency group deploy"
    office.end("r0")
    assert office.begun() == ["r0"]


def test_a_run_begun_twice_takes_one_place(office: Office) -> None:
    office.quotas.quotas = Quotas(max_running_runs=1)
    office.begin("r0", "deploy")
    office.begin("r0", "deploy")
    office.begin("r1", "deploy")
    office.begin("r1", "deploy")
    office.end("r0")
    office.finalise.finalise("r0")
    assert office.begun() == ["r0", "r1"]
    assert {place.holder for place in office.concurrency_limits.places.values()} == {"r1"}


def test_an_admitted_run_ends_through_the_same_gates(office: Office) -> None:
    office.create(spec("t"))
    run = office.runs.get_run("01a")
    office.runs.runs["01a"] = dataclasses.replace(run, concurrency_group="deploy")
    office.run_gates.proceed(office.run("01a"))
    office.begin("r1", "deploy")
    office.admit.admit("01a", "run-token")
    office.done("t")
    office.finalise.finalise("01a")
    assert office.begun() == ["01a", "r1"]


def test_no_run_of_a_project_under_deletion_starts() -> None:
    office = Office()
    office.quotas.quotas = Quotas(closed_projects=frozenset({"site"}))
    run = office.begin("r1")
    assert (run.state, run.cause) == (RunState.CANCELLED, "cancelled: the project site is being deleted")
    assert office.machines.runs == {}
    assert office.begin("r2", project="other").state is RunState.PENDING
