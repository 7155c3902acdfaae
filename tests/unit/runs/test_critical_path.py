"""The critical path: which treatments a run's time went into."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.runs.critical_path import PathStep, critical_path
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.runs.treatment_order import with_elements

S = TreatmentState
BEGIN = datetime(2026, 12, 1, 9, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def treatment(
    name: str, *changes: tuple[float, TreatmentState], attempts: Sequence[int] = (), kept_from: str | None = None
) -> Treatment:
    """A treatment that was in these states, each since so many seconds after the beginning."""
    numbers = attempts or [1] * len(changes)
    history = tuple(
        StateChange(at(second), number, state) for (second, state), number in zip(changes, numbers, strict=True)
    )
    latest = [change for change in history if change.attempt == numbers[-1]] if history else []
    since = {change.state: change.at for change in reversed(latest)}
    state = changes[-1][1] if changes else S.PENDING
    return Treatment(
        run_id="r",
        name=name,
        state=state,
        waiting=0,
        attempt=numbers[-1] if changes else 1,
        ready_at=since.get(S.READY),
        started_at=since.get(S.RUNNING),
        finished_at=history[-1].at if state.final else None,
        history=history,
        kept_from=kept_from,
    )


def command(name: str, ready: float, started: float, finished: float | None = None) -> Treatment:
    """A treatment whose runner took half of the time from `ready` to `started` to boot."""
    changes = [(ready, S.READY), ((ready + started) / 2, S.BOOTING), (started, S.RUNNING)]
    return treatment(name, *changes, *([(finished, S.SUCCEEDED)] if finished is not None else []))


def path(
    treatments: Sequence[Treatment], producers: Mapping[str, Sequence[str]], now: float = 1_000
) -> Sequence[PathStep]:
    return critical_path({one.name: one for one in treatments}, producers, at(now))


def names(steps: Sequence[PathStep]) -> list[str]:
    return [step.treatment for step in steps]


def shares(step: PathStep) -> tuple[float, float, float]:
    return step.queued.total_seconds(), step.booted.total_seconds(), step.ran.total_seconds()


def test_it_leads_through_the_producer_that_ended_last():
    steps = path(
        [command("quick", 0, 2, 5), command("slow", 0, 4, 30), command("end", 31, 33, 40)],
        {"end": ["quick", "slow"]},
    )

    assert names(steps) == ["slow", "end"]
    assert [(step.since, step.until) for step in steps] == [(at(0), at(30)), (at(30), at(40))]
    assert [shares(step) for step in steps] == [(2, 2, 26), (2, 1, 7)]


def test_it_leaves_out_what_ended_before_and_feeds_nothing_of_it():
    steps = path([command("a", 0, 1, 10), command("b", 0, 1, 9), command("c", 9, 9, 9.5)], {"c": ["b"]})

    assert names(steps) == ["a"]


def test_of_a_running_run_it_leads_until_now():
    steps = path([command("a", 0, 1, 10), command("b", 10, 12), command("c", 60, 61)], {"b": ["a"]}, now=100)

    assert names(steps) == ["a", "b"]
    assert steps[-1].until == at(100)
    assert shares(steps[-1]) == (1, 1, 88)
    assert steps[-1].state is S.RUNNING


def test_a_treatment_that_waits_for_its_runner_is_under_way():
    waiting = treatment("b", (10, S.READY))

    assert names(path([command("a", 0, 1, 10), waiting, treatment("c")], {"b": ["a"], "c": ["b"]})) == ["a", "b"]


def test_the_reader_of_a_stream_has_the_time_after_its_producer_ended():
    steps = path([command("p", 0, 2, 50), command("c", 2, 4, 58)], {"c": ["p"]})

    assert names(steps) == ["p", "c"]
    assert shares(steps[1]) == (0, 0, 8)


def test_a_reader_that_ended_first_has_the_time_since_its_producer_started():
    steps = path([command("p", 0, 2, 45), command("c", 2, 4, 40), command("d", 40, 42, 60)], {"c": ["p"], "d": ["c"]})

    assert names(steps) == ["p", "c", "d"]
    assert [shares(step) for step in steps] == [(1, 1, 0), (1, 1, 36), (1, 1, 18)]


def test_of_those_under_way_it_ends_with_the_one_that_has_been_for_the_longest_time():
    assert names(path([command("p", 0, 2), command("c", 2, 4)], {"c": ["p"]})) == ["p"]


def test_earlier_attempts_count_and_what_lies_between_them_is_queued():
    changes = [(0, S.READY), (1, S.BOOTING), (2, S.RUNNING), (5, S.FAILED), (9, S.READY), (10, S.BOOTING)]
    retried = treatment("a", *changes, (12, S.RUNNING), (20, S.SUCCEEDED), attempts=(1, 1, 1, 1, 2, 2, 2, 2))

    (step,) = path([retried], {})

    assert (step.since, step.until, step.attempt) == (at(0), at(20), 2)
    assert shares(step) == (1 + 4 + 1, 1 + 2, 3 + 8)


def test_what_was_taken_over_from_an_earlier_run_took_no_time():
    kept = treatment("a", (-900, S.RUNNING), (-800, S.SUCCEEDED), kept_from="earlier")

    steps = path([kept, command("b", 0, 1, 4)], {"b": ["a"]})

    assert names(steps) == ["b"]
    assert steps[0].since == at(0)


def test_it_leads_through_a_skipped_treatment_that_was_waited_for():
    skipped = treatment("check", (10, S.SKIPPED))

    steps = path([command("a", 0, 1, 10), skipped, command("end", 10, 11, 12)], {"check": ["a"], "end": ["check"]})

    assert names(steps) == ["a", "check", "end"]
    assert shares(steps[1]) == (0, 0, 0)


def test_a_group_of_elements_leads_through_its_slowest_instance():
    producers = with_elements({"g": ["list"], "end": ["g"]}, {"g": ["g:0", "g:1"]})
    group = treatment("g", (5, S.READY), (5, S.RUNNING), (30, S.SUCCEEDED))

    steps = path(
        [
            command("list", 0, 1, 5),
            group,
            command("g:0", 5, 6, 29),
            command("g:1", 5, 6, 9),
            command("end", 30, 31, 32),
        ],
        producers,
    )

    assert names(steps) == ["list", "g:0", "g", "end"]


def test_before_anything_is_ready_there_is_none():
    assert path([treatment("a"), treatment("b")], {"b": ["a"]}) == ()


def test_a_circle_inside_of_an_engine_ends_the_path():
    steps = path([command("a", 0, 1, 10), command("b", 0, 1, 10)], {"a": ["b"], "b": ["a"]})

    assert sorted(names(steps)) == ["a", "b"]


@st.composite
def executions(draw: st.DrawFn) -> tuple[list[Treatment], dict[str, Sequence[str]], float]:
    """Treatments whose blocks let them go on in an order that can happen, seen at some moment."""
    count = draw(st.integers(1, 12))
    seconds = st.integers(0, 50)
    now = draw(st.integers(1, 200))
    ends: dict[str, int] = {}
    treatments = []
    producers: dict[str, Sequence[str]] = {}
    for index in range(count):
        name = f"t{index}"
        producers[name] = draw(st.lists(st.sampled_from(sorted(ends)), unique=True, max_size=3)) if ends else []
        ready = max((ends[one] for one in producers[name]), default=draw(seconds)) + draw(st.integers(0, 2))
        started = ready + draw(seconds)
        ends[name] = started + draw(seconds)
        known = [(moment, state) for moment, state in ((ready, S.READY), (started, S.RUNNING)) if moment <= now]
        known += [(ends[name], S.SUCCEEDED)] if ends[name] <= now else []
        treatments.append(treatment(name, *known))
    return treatments, producers, now


@given(executions())
def test_the_steps_join_and_each_depends_on_the_one_before(execution):
    treatments, producers, now = execution

    steps = path(treatments, producers, now)

    begun = [one for one in treatments if one.ready_at]
    assert bool(steps) == bool(begun)
    for before, after in pairwise(steps):
        assert before.until == after.since
        assert before.treatment in producers[after.treatment]
    for step in steps:
        assert step.since <= step.until
        assert min(shares(step)) >= 0
        assert sum(shares(step)) == (step.until - step.since).total_seconds()
    if begun:
        # Nothing that anyone waited for is left out: it reaches to the last end, or now, from when its first was ready.
        open_ = [one for one in begun if not one.state.final]
        assert steps[-1].until == (at(now) if open_ else max(one.finished_at for one in begun))
        first = next(one for one in treatments if one.name == steps[0].treatment)
        assert steps[0].since == first.ready_at
        assert not producers[first.name]


@given(executions())
def test_no_producer_of_a_step_ended_later_than_the_one_on_the_path(execution):
    treatments, producers, now = execution
    by_name = {one.name: one for one in treatments}

    for step in path(treatments, producers, now):
        ends = [by_name[name].finished_at for name in producers[step.treatment]]
        assert step.since == max(ends, default=by_name[step.treatment].ready_at)
