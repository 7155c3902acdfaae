"""Whatever happens in whatever order, every run ends as its pipeline and its agents' outcomes say."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.domain.pipelines.specification import RetrySpec, TreatmentKind, TreatmentSpec
from cadence.domain.placement.pool import HOST
from cadence.domain.runners.runner import RunnerState
from cadence.domain.runs.edge import Trigger
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import FAILED_TREATMENT_STATES, RunState, TreatmentState
from cadence.domain.shared.ids import runner_id
from tests.unit.scheduling.simulation.agent import ENDLESS, FAILING, SUCCEEDING, sent
from tests.unit.scheduling.simulation.plans import GATHERED, OUTPUTS, OVER, pipeline
from tests.unit.scheduling.simulation.world import RUN, Faults, World

pytestmark = pytest.mark.slow

S = TreatmentState


def outcome(spec: TreatmentSpec, script: Sequence[str]) -> tuple[TreatmentState, int]:
    """The final state and the last attempt of a treatment that starts and is not stopped."""
    failures = losses = timeouts = 0
    for attempt, word in enumerate(script, start=1):
        if word in SUCCEEDING:
            return S.SUCCEEDED, attempt
        if word == ENDLESS:
            timeouts += 1
            if timeouts > spec.retry.timeout:
                return S.TIMED_OUT, attempt
            continue
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
    found += [(producer, Trigger.SETTLED) for producer in (*spec.instances, *spec.when_over)]
    for port in spec.inputs:
        if port.source_treatment is None:
            continue
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
        Trigger.SETTLED: True,
    }[trigger]


def check_every_run(world: World) -> None:
    run = world.runs.get_run(RUN)
    treatments = world.runs.list_treatments(RUN)
    assert [t.name for t in treatments if not t.state.final] == []
    made = sum(growth.made for growth in world.runs.growths.values())
    assert len(treatments) == len(world.specs) + made
    assert world.runs.count_unsettled(RUN) == 0
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
    for spec in all_specs(world):
        treatment = states[spec.name]
        unmet = [
            (producer, trigger) for producer, trigger in waits(spec) if not arrives(trigger, states[producer].state)
        ]
        if spec.name not in started:
            if ended_with_its_group(treatment, states):
                continue
            assert treatment.state is S.SKIPPED, spec
            never = spec.never or condition_is_false(spec, states)
            assert unmet or never, f"{spec.name} was skipped though everything arrived"
            continue
        assert not condition_is_false(spec, states)
        if spec.kind is TreatmentKind.COMMAND:
            if not ended_with_its_group(treatment, states):
                script = world.scripts[spec.name if spec.name in world.scripts else str(spec.group)]
                check_end(spec, treatment, script)
        else:
            check_group(world, spec, states)
        for producer, trigger in unmet:  # only a stream that was open before it broke
            assert trigger is Trigger.OPENED
            assert states[producer].kind is TreatmentKind.COMMAND
            assert any(runner_id(RUN, producer, n) in claimed for n in range(1, states[producer].attempt + 1))
    for spec in all_specs(world):
        values = {v.port for v in world.runs.list_values(RUN) if v.treatment == spec.name}
        expected = {output.port for output in spec.outputs} if states[spec.name].state is S.SUCCEEDED else set()
        assert values == expected
        for value in world.runs.list_values(RUN):
            assert value.attempt == states[value.treatment].attempt
    well = all(t.state in {S.SUCCEEDED, S.SKIPPED} for t in states.values())
    assert world.runs.get_run(RUN).state is (RunState.SUCCEEDED if well else RunState.FAILED)


def check_end(spec: TreatmentSpec, treatment: Treatment, script: Sequence[str]) -> None:
    expected, attempt = outcome(spec, script)
    if treatment.cancel_reason and treatment.attempt < attempt:
        # Its group failed fast as its attempt had just ended of itself: it is not tried again.
        once = dataclasses.replace(spec, retry=RetrySpec())
        assert treatment.state is outcome(once, script[treatment.attempt - 1 :])[0], spec.name
    else:
        assert (treatment.state, treatment.attempt) == (expected, attempt), spec.name


def all_specs(world: World) -> list[TreatmentSpec]:
    return [spec for (_, _), spec in sorted(world.runs.specs.items())]


def ended_with_its_group(treatment: Treatment, states: Mapping[str, Treatment]) -> bool:
    """By fail_fast, because of a sibling that really failed."""
    if treatment.state is not S.CANCELLED:
        return False
    group, _, _ = treatment.name.partition(":")
    siblings = [other for name, other in states.items() if name.startswith(f"{group}:")]
    assert states[group].state in {S.FAILED, S.LOST}
    assert any(sibling.state in FAILED_TREATMENT_STATES for sibling in siblings) or states[group].state is S.LOST
    return True


def condition_is_false(spec: TreatmentSpec, states: Mapping[str, Treatment]) -> bool:
    if spec.when is None:
        return False
    other = states[spec.when_over[0]]
    if spec.when.endswith(f"outputs.block > {OVER}"):
        return other.state is not S.SUCCEEDED or int(sent(other.name, OUTPUTS[0])) <= OVER
    return f"treatments.{other.name}.state == '{other.state}'" != spec.when


def check_group(world: World, spec: TreatmentSpec, states: Mapping[str, Treatment]) -> None:
    """It ended as its instances did, and its values are theirs, in order; each element has become one instance."""
    names = list(spec.instances)
    source = None
    if spec.kind is TreatmentKind.EACH:
        source = states[str(spec.inputs[-1].source_treatment)]
        names = [f"{spec.name}:{number}" for number in range(world.runs.get_growth(RUN, spec.name).made)]
        literals = [world.runs.get_spec(RUN, name).inputs[0].literal for name in names]
        elements = elements_of(world, spec)
        assert literals == elements[: len(literals)]
        if states[spec.name].state is S.SUCCEEDED:
            assert literals == elements
    instances = [states[name].state for name in names]
    if source is not None and source.state is not S.SUCCEEDED:
        assert states[spec.name].state in {S.LOST, S.FAILED}
        return
    if any(state in FAILED_TREATMENT_STATES for state in instances):
        assert states[spec.name].state is S.FAILED
        assert spec.fail_fast or S.CANCELLED not in instances
        return
    all_skipped = bool(names) and set(instances) == {S.SKIPPED}
    assert states[spec.name].state is (S.SKIPPED if all_skipped else S.SUCCEEDED), (spec.name, instances)
    if not all_skipped:
        check_gathered(
            world, spec, [name for name, state in zip(names, instances, strict=True) if state is S.SUCCEEDED]
        )


def check_gathered(world: World, spec: TreatmentSpec, names: Sequence[str]) -> None:
    block, stream, listed = (content_of(world, spec.name, output.port) for output in GATHERED)
    assert json.loads(block) == [json.loads(sent(name, OUTPUTS[0])) for name in names]
    assert stream == b"".join(sent(name, OUTPUTS[1]) for name in names)
    assert listed == b"".join(sent(name, OUTPUTS[2]) + b"\n" for name in names)


def elements_of(world: World, spec: TreatmentSpec) -> list[str]:
    given = spec.inputs[-1]
    producer = world.runs.get_spec(RUN, str(given.source_treatment))
    if producer.kind is TreatmentKind.COMMAND:
        output = next(output for output in producer.outputs if output.port == given.source_port)
        content = sent(producer.name, output)
    elif not (content := content_of(world, producer.name, str(given.source_port))):
        return []
    if given.flow == "stream":
        return content.decode().splitlines()
    return [str(number) for number in json.loads(content)]


def content_of(world: World, treatment: str, port: str) -> bytes:
    value = world.runs.values.get((RUN, treatment, port))
    if value is None:
        return b""
    content = b"".join(world.chunks.contents[value.chunk_key(number)] for number in range(value.chunks))
    assert hashlib.sha256(content).hexdigest() == value.sha256
    return content


def check_stopped_run(world: World) -> None:
    run = world.runs.get_run(RUN)
    if run.stop_requested is None:
        check_undisturbed_run(world)  # it ended before
        return
    assert run.state is RunState.CANCELLED
    assert run.cause == "cancelled by alice"
    for treatment in world.runs.list_treatments(RUN):
        assert treatment.cause or treatment.state is S.SUCCEEDED, treatment
        if treatment.state not in {S.CANCELLED, S.SKIPPED} and treatment.kind is TreatmentKind.COMMAND:
            assert any(
                runner_id(RUN, treatment.name, n) in world.runners.created for n in range(1, treatment.attempt + 1)
            )


def world_of(size: int, seed: int, faults: Faults) -> World:
    random = Random(seed)
    specs, scripts = pipeline(random, size)
    return World(specs, scripts, random, faults)


RANDOM_RUN: Mapping[str, st.SearchStrategy[int]] = {"size": st.integers(1, 40), "seed": st.integers(0, 2**32)}
thorough = settings(max_examples=60)


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
