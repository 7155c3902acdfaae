"""Whatever happens in whatever order, every run ends as its pipeline and its agents' outcomes say."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadence.domain.ids import runner_id
from cadence.domain.pool import HOST
from cadence.domain.run import InputSpec, OutputSpec, RetrySpec, RunState, TreatmentSpec, TreatmentState, Trigger
from cadence.domain.runner import RunnerState
from tests.unit.scheduling.simulation.agent import ENDLESS, FAILING, LOSING, MAX_DURATION, SUCCEEDING
from tests.unit.scheduling.simulation.world import RUN, Faults, World

CONNECTIONS = ("block", "stream", "after", "failed", "finished")
S = TreatmentState


def pipeline(random: Random, size: int) -> tuple[list[TreatmentSpec], dict[str, list[str]]]:
    """Chains, fan-out and fan-in over all kinds of connections, and a script for each treatment."""
    specs, scripts = [], {}
    width = random.choice((1, 3, size))  # how far back a treatment may reach: chains or wide graphs
    for index in range(size):
        name = f"t{index}"
        earlier = [f"t{i}" for i in range(max(0, index - width), index)]
        producers = random.sample(earlier, min(len(earlier), random.choice((0, 1, 1, 2, 3))))
        inputs, after = [], []
        for number, producer in enumerate(producers):
            for kind in random.sample(CONNECTIONS, random.choice((1, 1, 1, 2))):
                match kind:
                    case "after":
                        after.append(producer)
                    case "block" | "stream":
                        inputs.append(InputSpec(f"{kind}{number}", kind, "byte", producer, kind))
                    case trigger:
                        inputs.append(InputSpec(f"{kind}{number}", "block", "void", producer, trigger))
        specs.append(
            TreatmentSpec(
                name=name,
                run="true",
                inputs=tuple(inputs),
                outputs=(OutputSpec("block", "block", "byte"), OutputSpec("stream", "stream", "byte")),
                max_duration=MAX_DURATION,
                after=tuple(after),
                retry=RetrySpec(random.randint(0, 2), random.choice((0, 0, 1))),
            )
        )
        words = SUCCEEDING * 4 + FAILING + LOSING * 2 + (ENDLESS,)
        scripts[name] = [*random.choices(words, k=3), "succeeds"]
    return specs, scripts


def outcome(spec: TreatmentSpec, script: Sequence[str]) -> tuple[TreatmentState, int]:
    """The final state and the last attempt of a treatment that starts and is not stopped."""
    failures = losses = 0
    for attempt, word in enumerate(script, start=1):
        if word in SUCCEEDING:
            return S.SUCCEEDED, attempt
        if word == ENDLESS:
            return S.TIMED_OUT, attempt
        if word in FAILING:
            failures += 1
            if failures > spec.retry.failure:
                return S.FAILED, attempt
        else:
            losses += 1
            if losses > spec.retry.infrastructure:
                return S.LOST, attempt
    raise AssertionError("the script is too short")


def waits(spec: TreatmentSpec) -> list[tuple[str, Trigger]]:
    found = [(producer, Trigger.COMPLETED) for producer in spec.after]
    for port in spec.inputs:
        assert port.source_treatment is not None
        named = {"failed": Trigger.FAILED, "finished": Trigger.FINISHED, "stream": Trigger.OPENED}
        found.append((port.source_treatment, named.get(port.source_port or "", Trigger.COMPLETED)))
    return found


def arrives(trigger: Trigger, state: TreatmentState) -> bool:
    """Written down once more, apart from the code under test."""
    failed = {S.FAILED, S.LOST, S.TIMED_OUT}
    return {
        Trigger.COMPLETED: state is S.SUCCEEDED,
        Trigger.OPENED: state is S.SUCCEEDED,
        Trigger.FAILED: state in failed,
        Trigger.FINISHED: state in failed | {S.SUCCEEDED},
    }[trigger]


def check_every_run(world: World) -> None:
    run = world.runs.get_run(RUN)
    treatments = world.runs.list_treatments(RUN)
    assert [t.name for t in treatments if not t.state.final] == []
    assert len(treatments) == len(world.specs)
    assert run.unsettled == 0
    assert run.state.final
    assert {e.status for e in world.executions} == {"SUCCEEDED"}
    assert len(world.runners.created) == len(set(world.runners.created))
    assert all(times == 1 for times in world.claims.values())
    assert {r.runner_id for r in world.runners.runners.values() if r.state.live} == set()
    for runner in world.runners.runners.values():
        if runner.provider == HOST and runner.result is not None:
            assert runner.state in {RunnerState.COMPLETED, RunnerState.RELEASED}
        else:
            assert runner.runner_id in world.stopped
            assert runner.state in {RunnerState.LOST, RunnerState.RELEASED}
    published = {(v.treatment, v.port, v.sha256, v.attempt) for v in world.runs.published}
    assert len(published) == len({(treatment, port) for treatment, port, _, _ in published})


def check_undisturbed_run(world: World) -> None:
    """Nobody stopped the run: every treatment ends as its producers and its script say."""
    states = {t.name: t for t in world.runs.list_treatments(RUN)}
    started = {name for _, name in world.machines.treatments}
    claimed = set(world.claims)
    for spec in world.specs:
        treatment = states[spec.name]
        unmet = [
            (producer, trigger) for producer, trigger in waits(spec) if not arrives(trigger, states[producer].state)
        ]
        if spec.name not in started:
            assert treatment.state is S.SKIPPED, spec
            assert unmet, f"{spec.name} was skipped though everything arrived"
            continue
        assert (treatment.state, treatment.attempt) == outcome(spec, world.scripts[spec.name]), spec.name
        for producer, trigger in unmet:  # only a stream that was open before it broke
            assert trigger is Trigger.OPENED
            assert any(runner_id(RUN, producer, n) in claimed for n in range(1, states[producer].attempt + 1))
    for spec in world.specs:
        values = {v.port for v in world.runs.list_values(RUN) if v.treatment == spec.name}
        expected = {"block", "stream"} if states[spec.name].state is S.SUCCEEDED else set()
        assert values == expected
        for value in world.runs.list_values(RUN):
            assert value.attempt == states[value.treatment].attempt
    well = all(t.state in {S.SUCCEEDED, S.SKIPPED} for t in states.values())
    assert world.runs.get_run(RUN).state is (RunState.SUCCEEDED if well else RunState.FAILED)


def check_stopped_run(world: World) -> None:
    run = world.runs.get_run(RUN)
    if run.stop_requested is None:
        check_undisturbed_run(world)  # it ended before
        return
    assert run.state is RunState.CANCELLED
    assert run.cause == "cancelled by alice"
    for treatment in world.runs.list_treatments(RUN):
        assert treatment.cause or treatment.state is S.SUCCEEDED, treatment
        if treatment.state not in {S.CANCELLED, S.SKIPPED}:
            assert any(
                runner_id(RUN, treatment.name, n) in world.runners.created for n in range(1, treatment.attempt + 1)
            )


def world_of(size: int, seed: int, faults: Faults) -> World:
    random = Random(seed)
    specs, scripts = pipeline(random, size)
    return World(specs, scripts, random, faults)


RANDOM_RUN: Mapping[str, st.SearchStrategy[int]] = {"size": st.integers(1, 40), "seed": st.integers(0, 2**32)}
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(**RANDOM_RUN)
def test_every_interleaving_gives_the_same_end(size: int, seed: int) -> None:
    world = world_of(size, seed, Faults())
    world.play()
    check_every_run(world)
    check_undisturbed_run(world)


@thorough
@given(**RANDOM_RUN)
def test_processes_that_end_anywhere_and_calls_made_twice_change_nothing(size: int, seed: int) -> None:
    world = world_of(size, seed, Faults(crash=0.01, twice=0.1))
    world.play()
    check_every_run(world)
    check_undisturbed_run(world)


@thorough
@given(**RANDOM_RUN, cancel_after=st.integers(0, 400))
def test_a_run_cancelled_at_any_moment_ends_cancelled(size: int, seed: int, cancel_after: int) -> None:
    world = world_of(size, seed, Faults(crash=0.01, twice=0.1))
    world.play(cancel_after)
    check_every_run(world)
    check_stopped_run(world)


@pytest.mark.parametrize("crash", [0.05, 0.15])
def test_even_when_most_processes_end_early(crash: float) -> None:
    for seed in range(12):
        world = world_of(12, seed, Faults(crash=crash, twice=0.2))
        world.play()
        check_every_run(world)
        check_undisturbed_run(world)
