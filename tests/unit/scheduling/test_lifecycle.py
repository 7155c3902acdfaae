"""Starting and releasing runners where pools have no room."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cadence.application.runners.claim import Assignment, ClaimAssignment
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import (
    CadenceError,
    Cancelled,
    CapacityExhausted,
    NotFound,
    ProviderRejected,
    Transient,
    Unauthenticated,
)
from cadence.providers.contract import AgentFile, RunnerRequest
from cadence.providers.homes import Homes
from cadence.providers.lifecycle import Launch, ReleaseRunner, StartRunner
from tests.fakes.audit import MemoryAuditTrail
from tests.fakes.cloud import PlainCipher
from tests.fakes.gates import MemoryEnvironments
from tests.fakes.pool_records import MemoryPoolRecords
from tests.fakes.retentions import MemoryValueRetentionStore
from tests.fakes.services import MemoryPools, PlainIdTokens, no_sources
from tests.unit.scheduling.setting import RUN, Setting, spec

RUNNER = f"{RUN}-build-1"


@dataclass
class Cloud:
    """A provider whose machines boot at once, as far as there is room."""

    room: bool
    trouble: CadenceError | None = None
    first_state: RunnerState = RunnerState.BOOTING
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def start(self, request: RunnerRequest) -> str:
        if self.trouble:
            raise self.trouble
        if not self.room:
            raise CapacityExhausted("full")
        assert request.home is not None
        self.tokens.append(request.home.one_time_token)
        self.started.append(request.runner_id)
        return request.runner_id

    def stop(self, ref: str) -> None:
        self.stopped.append(ref)


@dataclass
class Clouds:
    setting: Setting
    full: Cloud = field(default_factory=lambda: Cloud(room=False))
    free: Cloud = field(default_factory=lambda: Cloud(room=True))
    records: MemoryPoolRecords = field(default_factory=MemoryPoolRecords)
    pools: MemoryPools = field(
        default_factory=lambda: MemoryPools(
            tuple(Pool(organization="acme", name=name, provider=name) for name in ("full", "free"))
        )
    )
    homes: Homes = field(
        default_factory=lambda: Homes(
            "cloud", "https://c.example", AgentFile("https://c.example/a", "0"), PlainCipher()
        )
    )

    def provider(self, organization: str, pool: str) -> Cloud:
        if pool == "removed":
            raise NotFound("There is no pool removed.")
        return {"full": self.full, "free": self.free}[pool]

    def start(self, pool: str) -> None:
        its = self.setting
        start = StartRunner(
            runs=its.runs, treatments=its.runs, runners=its.runners, machines=its.machines, deadlines=its.deadlines, providers=self.provider, clock=its.clock, homes=self.homes,  # type: ignore[arg-type]
            records=self.records, pools=self.pools,
        )  # fmt: skip
        start.start(
            Launch(
                run_id=RUN,
                treatment="build",
                runner_id=RUNNER,
                attempt=1,
                pool=pool,
                provider=pool,
                function=f"provider-{pool}",
                boot_deadline=120,
                task_token=f"launch on {pool}",
                placed_at=its.clock.now,
            )
        )

    def release(self) -> None:
        ReleaseRunner(runners=self.setting.runners, providers=self.provider).release(RUNNER)  # type: ignore[arg-type]


@pytest.fixture
def clouds(setting: Setting) -> Clouds:
    setting.admitted(spec("build"))
    return Clouds(setting)


def test_a_runner_that_found_room_in_the_next_pool_belongs_to_that(clouds: Clouds) -> None:
    with pytest.raises(CapacityExhausted):
        clouds.start("full")
    clouds.setting.clock.advance(timedelta(seconds=200))
    clouds.start("free")

    runner = clouds.setting.runners.get_runner(RUNNER)
    assert (runner.pool, runner.provider, runner.state) == ("free", "free", RunnerState.BOOTING)
    assert runner.created_at == clouds.setting.clock()
    clouds.release()
    assert (clouds.full.stopped, clouds.free.stopped) == ([], [RUNNER])


def test_waiting_for_room_is_not_taken_for_a_boot_without_end(clouds: Clouds) -> None:
    with pytest.raises(CapacityExhausted):
        clouds.start("full")
    clouds.setting.clock.advance(timedelta(seconds=200))
    clouds.setting.watchdog.runner(RUNNER)
    clouds.full.room = True
    clouds.start("full")
    clouds.setting.watchdog.runner(RUNNER)

    assert clouds.setting.runners.get_runner(RUNNER).state is RunnerState.BOOTING
    assert clouds.full.started == [RUNNER]


def test_a_repeated_start_leaves_a_booting_runner_its_deadline(clouds: Clouds) -> None:
    clouds.start("free")
    began = clouds.setting.clock()
    clouds.setting.clock.advance(timedelta(seconds=5))
    clouds.start("free")

    assert clouds.setting.runners.get_runner(RUNNER).created_at == began


def test_a_treatment_that_was_cancelled_meanwhile_is_not_started(clouds: Clouds) -> None:
    clouds.setting.runs.request_cancel(RUN, "build", "another instance failed")
    with pytest.raises(Cancelled, match="another instance failed"):
        clouds.start("free")
    assert clouds.free.started == []


def test_a_run_that_was_cancelled_between_place_and_start_starts_nothing(clouds: Clouds) -> None:
    clouds.setting.place("build")
    clouds.setting.runners.runners.clear()  # as where the provider makes the runner
    clouds.setting.cancel()
    clouds.setting.stop()
    with pytest.raises(Cancelled, match="cancelled by alice"):
        clouds.start("free")
    assert clouds.free.started == []


def claim(clouds: Clouds, token: str) -> Assignment:
    its = clouds.setting
    claim = ClaimAssignment(
        note_spec=lambda run_id, spec: None,
        durations=lambda run, spec: {},
        treatments=its.runs, runners=its.runners, secrets=its.secrets, sources=no_sources(), environments=MemoryEnvironments(), machines=its.machines, begin=its.beginning, engine_secrets=lambda run, spec, attempt, own: {},
        pools=clouds.pools, retentions=MemoryValueRetentionStore(its.runs), inputs=lambda run_id, spec: {}, audit=MemoryAuditTrail(), id_tokens=PlainIdTokens(), clock=its.clock,
    )  # fmt: skip
    return claim.claim(RUNNER, token, "nonce", {})


class AnswerLost(Cloud):
    """It makes the machine, and says nothing."""

    def start(self, request: RunnerRequest) -> str:
        super().start(request)
        raise Transient("503 Service Unavailable")


@pytest.fixture
def lost(clouds: Clouds) -> Clouds:
    """Placed, and launched in a pool whose answer was lost."""
    clouds.setting.place("build")
    clouds.setting.runners.runners.clear()  # as where the provider makes the runner
    clouds.full = AnswerLost(room=True)
    with pytest.raises(Transient):
        clouds.start("full")
    return clouds


def test_the_boot_deadline_counts_from_the_last_call_without_an_answer(lost: Clouds) -> None:
    for _ in range(3):
        lost.setting.clock.advance(timedelta(seconds=100))
        with pytest.raises(Transient):
            lost.start("full")
    lost.setting.watchdog.runner(RUNNER)
    assert lost.setting.runners.get_runner(RUNNER).state is RunnerState.BOOTING
    lost.setting.clock.advance(timedelta(seconds=121))
    lost.setting.watchdog.runner(RUNNER)
    assert lost.setting.runners.get_runner(RUNNER).state is RunnerState.LOST


def test_a_call_that_is_repeated_tells_the_machine_the_same(lost: Clouds) -> None:
    with pytest.raises(Transient):
        lost.start("full")
    first, second = lost.full.tokens
    assert first == second


def test_what_was_made_all_the_same_is_let_in_while_the_attempt_waits(lost: Clouds) -> None:
    lost.setting.runners.change_runner(RUNNER, {RunnerState.BOOTING}, state=RunnerState.OFFERED)
    assert claim(lost, lost.full.tokens[0]).runner.pool == "full"
    # The launch that comes next, elsewhere, finds it at work and waits for it.
    lost.start("free")
    runner = lost.setting.runners.get_runner(RUNNER)
    assert (runner.pool, runner.state, runner.task_token) == ("full", RunnerState.CLAIMED, "launch on free")
    assert lost.free.started == []
    assert lost.setting.treatment("build").pool == "full"


def test_what_was_made_all_the_same_is_refused_once_another_pool_has_the_attempt(lost: Clouds) -> None:
    lost.setting.clock.advance(timedelta(seconds=1))
    lost.start("free")
    with pytest.raises(Unauthenticated):
        claim(lost, lost.full.tokens[0])
    assert claim(lost, lost.free.tokens[0]).runner.pool == "free"
    # Whether anything was made in the first pool only its inventory can tell: it is looked at as often as if it was.
    assert lost.records.active("acme", "full") == lost.records.active("acme", "free") == [RUNNER]


def test_back_in_the_first_pool_what_was_made_there_all_the_same_is_let_in(lost: Clouds) -> None:
    lost.free.room = False
    lost.setting.clock.advance(timedelta(seconds=1))
    with pytest.raises(CapacityExhausted):
        lost.start("free")
    lost.setting.clock.advance(timedelta(seconds=1))
    with pytest.raises(Transient):
        lost.start("full")
    first, again = lost.full.tokens
    assert again == first
    assert claim(lost, first).runner.pool == "full"
    assert lost.setting.runners.get_runner(RUNNER).left_tokens == {}


def test_one_that_calls_home_while_the_next_pool_takes_it_over_is_kept(lost: Clouds) -> None:
    its, moved = lost.setting, lost.setting.runners.move_runner

    def claimed_first(seen: Runner, source: Iterable[RunnerState], **changes: Any) -> Runner:
        its.runners.move_runner = moved  # type: ignore[method-assign]
        claim(lost, lost.full.tokens[0])
        return moved(seen, source, **changes)

    its.runners.move_runner = claimed_first  # type: ignore[method-assign]
    lost.start("free")
    runner = its.runners.get_runner(RUNNER)
    assert (runner.pool, runner.state, runner.task_token) == ("full", RunnerState.CLAIMED, "launch on free")


@pytest.mark.parametrize("error", [CapacityExhausted("full"), ProviderRejected("AuthFailure")])
def test_after_a_clear_no_nothing_is_looked_for(clouds: Clouds, error: CadenceError) -> None:
    clouds.free.trouble = error
    with pytest.raises(type(error)):
        clouds.start("free")
    assert clouds.records.active("acme", "free") == []
    assert clouds.setting.runners.get_runner(RUNNER).state is RunnerState.OFFERED


def test_after_a_call_without_an_answer_a_no_may_be_wrong(lost: Clouds) -> None:
    lost.full = Cloud(room=False)
    with pytest.raises(CapacityExhausted):
        lost.start("full")
    assert lost.records.active("acme", "full") == [RUNNER]


def test_a_pool_that_was_removed_since_the_decision_says_no(clouds: Clouds) -> None:
    with pytest.raises(ProviderRejected, match="There is no pool removed"):
        clouds.start("removed")


def test_a_pool_that_is_removed_while_a_runner_is_asked_for_starts_nothing(clouds: Clouds) -> None:
    clouds.pools.pools = ()  # the provider is remembered, with its credentials
    with pytest.raises(ProviderRejected, match="free"):
        clouds.start("free")
    assert (clouds.free.started, clouds.records.active("acme", "free")) == ([], [])
