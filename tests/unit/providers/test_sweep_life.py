"""The diagram of the sweeper is what the sweeper does: no more, no less."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from cadence.domain.runners.runner import Runner, RunnerState
from cadence.providers.contract import Machine, MachineCondition
from cadence.providers.sweep_life import TRANSITIONS, MachineSweepState, mermaid
from cadence.providers.sweeping import LOOK_AGAIN, START_TAKES, Sweep
from tests.fakes.cloud import MemoryCloud
from tests.fakes.pool_records import MemoryPoolRecords
from tests.fakes.runners import MemoryRunnerStore
from tests.fakes.services import ManualClock

_PAGE = Path(__file__).parents[3] / "docs" / "runners.md"
_REF, _RUNNER = "machine-of-r-1", "r-1"


def test_the_page_shows_the_diagram() -> None:
    assert f"```mermaid\n{mermaid()}```" in _PAGE.read_text(), (
        "Write docs/runners.md again with cadence.providers.sweep_life.mermaid()"
    )


class Watched:
    """One machine, a sweeper that looks at it at odd times, and a table that says now this, now that of its runner."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.cloud, self.runners, self.records = MemoryCloud(self.clock), MemoryRunnerStore(), MemoryPoolRecords()
        self.sweep = Sweep(
            providers=lambda *_: self.cloud, runners=self.runners.get_runners, records=self.records, clock=self.clock
        )
        born = self.clock.now - START_TAKES
        self.cloud.machines[_REF] = Machine(
            ref=_REF, runner_id=_RUNNER, condition=MachineCondition.RUNNING, created_at=born
        )

    def seen(self) -> MachineSweepState:
        if _REF not in self.cloud.machines:
            return MachineSweepState.ENDED
        return MachineSweepState.MARKED if _REF in self.records.marks("acme", "near") else MachineSweepState.WANTED

    def say(self, state: RunnerState | None) -> None:
        self.runners.runners.clear()
        if state is not None:
            self.runners.put_runner(
                Runner(
                    runner_id=_RUNNER,
                    run_id="run",
                    treatment="build",
                    attempt=1,
                    organization="acme",
                    project="site",
                    pool="near",
                    provider="fake",
                    state=state,
                    created_at=self.clock.now,
                )
            )


def test_machines_go_the_ways_of_the_diagram_and_no_others() -> None:
    random, went = Random(1), set()
    for _ in range(60):
        watched = Watched()
        marked_at: datetime | None = None
        watched.say(RunnerState.CLAIMED)
        while watched.seen() is not MachineSweepState.ENDED:
            before = watched.seen()
            watched.say(random.choice((None, RunnerState.LOST, RunnerState.RELEASED, RunnerState.CLAIMED)))
            watched.clock.advance(random.choice((timedelta(seconds=20), LOOK_AGAIN, timedelta(minutes=5))))
            watched.sweep.sweep("acme", "near")
            after = watched.seen()
            if after is MachineSweepState.ENDED:
                assert marked_at is not None
                assert watched.clock.now >= marked_at + LOOK_AGAIN
            if before is not after:
                went.add((before, after))
                marked_at = watched.clock.now if after is MachineSweepState.MARKED else None
    assert went == set(TRANSITIONS)
