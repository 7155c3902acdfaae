"""The diagram of a runner's life is what the code does: no more, no less."""

from collections.abc import Set
from pathlib import Path

import pytest

from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerState
from cadence.domain.runners.runner_life import TRANSITIONS, mermaid
from cadence.domain.shared.errors import Transient
from cadence.providers.lifecycle import ReleaseRunner
from tests.fakes.cloud import MemoryCloud
from tests.unit.providers.storm import Storm
from tests.unit.scheduling.setting import Setting, spec
from tests.unit.scheduling.test_lifecycle import RUNNER, AnswerLost, Clouds, claim

_PAGE = Path(__file__).parents[3] / "docs" / "runners.md"
Moves = Set[tuple[RunnerState, RunnerState]]


def test_the_page_shows_the_diagram() -> None:
    assert f"```mermaid\n{mermaid()}```" in _PAGE.read_text(), (
        "Write docs/runners.md again with cadence.domain.runners.runner_life.mermaid()"
    )


def test_runners_go_the_ways_of_the_diagram_and_no_others() -> None:
    seen: set[tuple[RunnerState, RunnerState]] = set()
    for seed in range(4):
        storm = Storm(seed, lives=12)
        storm.play(cancel_after=150 if seed == 3 else None)
        seen |= set(storm.runners.moves)
    # What a storm seldom or never meets.
    seen |= given_up_before_a_host_took_it() | released_though_its_settling_failed()
    seen |= let_in_though_its_call_got_no_answer()
    assert seen == set(TRANSITIONS)


def given_up_before_a_host_took_it() -> Moves:
    setting = Setting()
    setting.pools.pools = (Pool(organization="acme", name="own", provider="host"),)
    setting.admitted(spec("a"))
    setting.place("a")
    setting.cancel()
    setting.failed_with("a", "Cancelled")
    return setting.runners.moves.keys()


def let_in_though_its_call_got_no_answer() -> Moves:
    setting = Setting()
    setting.admitted(spec("build"))
    setting.place("build")
    setting.runners.runners.clear()  # as where the provider makes the runner
    clouds = Clouds(setting, full=AnswerLost(room=True))
    with pytest.raises(Transient):
        clouds.start("full")
    setting.runners.change_runner(RUNNER, {RunnerState.BOOTING}, state=RunnerState.OFFERED)
    claim(clouds, clouds.full.tokens[0])
    return setting.runners.moves.keys()


def released_though_its_settling_failed() -> Moves:
    """The treatment's machine releases what it launched, whatever state that is in (`Launched?`)."""
    setting = Setting()
    names = [state for state in RunnerState if state.live]
    setting.pools.pools = (Pool(organization="acme", name="near", provider="cloud"),)
    setting.admitted(*(spec(name) for name in names))
    cloud = MemoryCloud(setting.clock)
    release = ReleaseRunner(runners=setting.runners, providers=lambda *_: cloud)
    for state in names:
        release.release(setting.launched(state, state).runner_id)
    return setting.runners.moves.keys()
