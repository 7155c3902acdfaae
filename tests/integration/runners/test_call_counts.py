"""What the end of a plain treatment, and its inputs, may cost: calls of DynamoDB."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.client import BaseClient

from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.application.limits.concurrency_limits import ConcurrencyLimits
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.runners.complete import Complete
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import token_hash
from cadence.application.scheduling.readiness import Readiness
from cadence.application.scheduling.settle import Settle
from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from tests.fakes.concurrency_limits import MemoryConcurrencyLimitStore
from tests.fakes.gates import MemoryQuotas
from tests.fakes.runners import MemoryStepReports, MemorySummaries
from tests.fakes.runs import a_run
from tests.fakes.services import MemoryDeadlines, MemoryWakeUps
from tests.integration.runners.conftest import World

RUN = "01jd0000000000000000000001"
SUCCESS = RunnerResult(outcome=RunnerOutcome.SUCCEEDED, exit_code=0)


@contextmanager
def calls() -> Iterator[list[str]]:
    """Lists the operations that stores ask DynamoDB for, by whichever client."""
    made: list[str] = []
    clients: Any = BaseClient
    call = clients._make_api_call

    def noting(self: Any, operation: str, arguments: Any) -> Any:
        made.extend([operation] if self.meta.service_model.service_name == "dynamodb" else [])
        return call(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "_make_api_call", noting)
        yield made


def running(world: World, *specs: TreatmentSpec) -> Complete:
    """A run of these treatments in which `first` runs."""
    run = a_run(RUN, "default", "default")
    world.runs.create_run(replace(run, state=RunState.RUNNING, created_at=world.clock()))
    begins = beginning(RUN, specs, world.clock())
    world.runs.admit(RUN, specs, begins.treatments, begins.edges)
    world.runs.advance(RUN, "first", 1, {TreatmentState.PENDING}, TreatmentState.RUNNING)
    world.runners.put_runner(
        Runner(
            runner_id=ids.runner_id(RUN, "first", 1),
            run_id=RUN,
            treatment="first",
            attempt=1,
            organization="default",
            project="default",
            pool="local",
            provider="host",
            state=RunnerState.CLAIMED,
            created_at=world.clock(),
            boot_deadline=60,
            session_hash=token_hash("session"),
            task_token="task",
        )
    )
    readiness = Readiness(
        runs=world.runs,
        treatments=world.runs,
        values=world.runs,
        edges=world.runs,
        groups=DynamoGroupStore("runs"),
        machines=world.machines,
        wake_ups=MemoryWakeUps(),
        clock=world.clock,
    )
    limits = ConcurrencyLimits(MemoryConcurrencyLimitStore(), MemoryDeadlines(), world.clock, lambda attempt: None)
    settle = Settle(
        ended=lambda _: None,
        treatments=world.runs,
        values=world.runs,
        runners=world.runners,
        readiness=readiness,
        slots=RunnerSlots(world.runs, world.machines, limits, MemoryQuotas()),
        provider_function_prefix="provider-",
        deadlines=MemoryDeadlines(),
        clock=world.clock,
    )
    return Complete(
        RunnerSessions(world.runners),
        world.runners,
        settle,
        world.machines,
        lambda _: None,
        MemorySummaries(),
        MemoryStepReports(),
    )


def after(name: str, *producers: str) -> TreatmentSpec:
    return TreatmentSpec(name=name, run="true", after=producers)


def test_the_end_of_a_plain_treatment_takes_four_calls(world: World) -> None:
    complete = running(world, after("first"), after("second", "first"))
    with calls() as made:
        complete.complete(ids.runner_id(RUN, "first", 1), "Bearer session", SUCCESS)
    assert made == ["UpdateItem", "Query", "BatchGetItem", "TransactWriteItems"]
    assert world.machines.started == ["second"]
    assert [answer["next"] for _, answer in world.machines.succeeded] == ["done"]
    assert world.runs.get_treatment(RUN, "second").state is TreatmentState.READY


def test_a_consumer_that_waits_for_more_is_left_to_the_last_producer(world: World) -> None:
    complete = running(world, after("first"), after("other"), after("second", "first", "other"))
    with calls() as made:
        complete.complete(ids.runner_id(RUN, "first", 1), "Bearer session", SUCCESS)
    assert len(made) == 5
    assert world.machines.started == []
    second = world.runs.get_treatment(RUN, "second")
    assert (second.state, second.waiting) == (TreatmentState.PENDING, 1)


def test_a_producer_of_many_inputs_is_read_once(world: World) -> None:
    running(world, TreatmentSpec(name="first", run="true"))
    inputs = [
        InputSpec(port=f"in{number}", flow="block", type="byte", source_treatment="first", source_port=f"out{number}")
        for number in range(20)
    ]

    with calls() as made:
        found = world.sources.find_all(RUN, inputs)

    assert made == ["GetItem"]
    assert found == {one.port: world.sources.find(RUN, one) for one in inputs}
