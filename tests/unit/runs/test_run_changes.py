"""What a client that follows a run is sent: over random histories it always knows the run as it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.application.runs.follow_run import FollowRun
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.run_changes import OVERLAP, ChangesPosition, changes_since, position, version_of
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared.errors import InvalidRequest
from tests.fakes.runs import MemoryRunStore, a_run
from tests.fakes.services import ManualClock

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
S = TreatmentState
SKEW = OVERLAP.total_seconds() / 2 - 1


def treatment(name: str, state: TreatmentState, at: datetime, **fields: object) -> Treatment:
    history = (StateChange(at, 1, str(state)),)
    return Treatment(run_id="r", name=name, state=state, waiting=0, history=history, **fields)  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.sampled_from(list(S)),
            st.floats(0, 90),  # seconds until the next change
            st.floats(-SKEW, SKEW),  # of the clock that wrote this one
            st.booleans(),  # whether the client looks after it
        ),
        max_size=30,
    )
)
def test_a_client_knows_what_is_stored(changes: list[tuple[str, TreatmentState, float, float, bool]]) -> None:
    stored: dict[str, Treatment] = {}
    known: dict[str, Treatment] = {}
    now, run = START, a_run()
    where = position(run, [], now)
    for name, state, seconds, skew, looks in changes:
        now += timedelta(seconds=seconds)
        earlier = stored[name].history if name in stored else ()
        changed = treatment(name, state, now + timedelta(seconds=skew))
        stored[name] = replace(changed, history=(*earlier, *changed.history))
        if looks:
            found = changes_since(run, list(stored.values()), where, now)
            assert found is not None
            known |= {one.name: one for one in found.treatments}
            where = found.after
            assert known == stored
            assert changes_since(run, list(stored.values()), where, now + timedelta(hours=1)) is None


def test_what_a_treatment_waits_for_is_a_change() -> None:
    waiting = treatment("a", S.READY, START, waiting_for="a slot of ci")
    where = position(a_run(), [waiting], START + timedelta(hours=1))
    assert changes_since(a_run(), [waiting], where, START) is None
    assert changes_since(a_run(), [replace(waiting, waiting_for="an approval")], where, START) is not None


def test_the_run_itself_is_a_change() -> None:
    where = position(a_run(), [], START)
    assert changes_since(replace(a_run(), state=RunState.FAILED), [], where, START) is not None
    assert version_of([a_run()]) != version_of([replace(a_run(), state=RunState.FAILED)]) != version_of([])


@pytest.mark.parametrize("text", ["", "now", "1", "1.xyz", f"{'9' * 15}.", "1.0123456789abcdef0"])
def test_other_texts_are_no_positions(text: str) -> None:
    with pytest.raises(InvalidRequest):
        ChangesPosition.of(text)
    where = position(a_run(), [], START)
    assert ChangesPosition.of(str(where)) == where


class Setting:
    """A run with one treatment; each sleep passes on the clock, and may let something happen."""

    def __init__(self) -> None:
        self.clock, self.store = ManualClock(), MemoryRunStore()
        self.run = replace(a_run(), state=RunState.RUNNING)
        self.store.create_run(self.run)
        begun = Treatment(run_id=self.run.run_id, name="a", state=S.PENDING, waiting=0)
        self.store.admit(self.run.run_id, [TreatmentSpec(name="a", run="x")], [begun], [])
        self.slept: list[float] = []
        self.happens: dict[int, TreatmentState] = {}
        self.follow = FollowRun(runs=self.store, treatments=self.store, clock=self.clock, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))
        if state := self.happens.get(len(self.slept)):
            self.store.advance(self.run.run_id, "a", 1, {S.PENDING}, state, started_at=self.clock.now)

    def stored(self) -> Run:
        return self.store.get_run(self.run.run_id)


def test_a_request_is_answered_with_the_change() -> None:
    setting = Setting()
    setting.happens = {3: S.RUNNING}
    run, first = setting.follow.follow(setting.stored(), None)
    _, changes = setting.follow.follow(run, first.after, timedelta(seconds=2))
    assert [one.state for one in changes.treatments] == [S.RUNNING]
    assert len(setting.slept) == 3


def test_without_a_change_it_waits_two_seconds_at_most() -> None:
    setting = Setting()
    run, first = setting.follow.follow(setting.stored(), None)
    _, changes = setting.follow.follow(run, first.after, timedelta(minutes=2))
    assert (changes.treatments, changes.after) == ((), first.after)
    assert 1.5 <= sum(setting.slept) <= 2


def test_a_run_that_has_ended_is_not_waited_for() -> None:
    setting = Setting()
    ended = setting.store.finish_run(setting.stored(), RunState.FAILED, None, setting.clock.now)
    _, first = setting.follow.follow(ended, None)
    setting.follow.follow(ended, first.after, timedelta(seconds=2))
    assert setting.slept == []
