"""What only Fargate has: definitions by digest, spot and what follows, reasons that come later. Against moto."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cadence.domain.pipelines.specification import ServiceSpec
from cadence.domain.shared.errors import CapacityExhausted
from cadence.providers.aws_fargate.settings import FargateSettings
from cadence.providers.contract import Containers, RunnerNeeds
from tests.contract.providers.aws_fargate_peer import CLUSTER, FargatePeer, peer, running
from tests.contract.providers.test_contract import TOKEN, a_request
from tests.doubles.ecs import backend


@pytest.fixture(scope="module")
def infrastructure() -> Iterator[FargatePeer]:
    with peer() as made:
        yield made


@pytest.fixture
def fargate(infrastructure: FargatePeer) -> FargatePeer:
    infrastructure.clear()
    infrastructure.double.calls.clear()
    return infrastructure


def test_a_start_is_one_call_once_the_definition_is_there(fargate: FargatePeer):
    fargate.provider().start(a_request())
    fargate.double.calls.clear()

    fargate.provider().stop(fargate.provider().start(a_request()))

    assert fargate.double.calls == {"RunTask": 1, "StopTask": 1}


def test_other_settings_are_another_definition(fargate: FargatePeer):
    made = FargateSettings.from_json({**fargate.a_pool(), "image": "registry.example/cadence-runner:2"})
    before = set(backend().task_definitions)

    fargate.made(made).start(a_request())

    assert len(set(backend().task_definitions) - before) == 1


def test_a_task_is_told_who_it_is_and_asks_for_what_the_treatment_needs(fargate: FargatePeer):
    request = a_request()
    fargate.provider().start(request)
    (task,) = running(request.runner_id)

    told = {each["name"]: each["value"] for each in task.overrides["containerOverrides"][0]["environment"]}

    assert (told["CADENCE_RUNNER_ID"], told["CADENCE_RUNNER_TOKEN"]) == (request.runner_id, TOKEN)
    assert (task.overrides["cpu"], task.overrides["memory"]) == ("1024", "2048")
    assert "CADENCE_POWER_OFF" not in told


def test_without_spot_it_is_on_demand(fargate: FargatePeer):
    fargate.ecs.refuses = lambda provider: "Capacity is unavailable" if provider == "FARGATE_SPOT" else None
    request = a_request()
    fargate.provider().start(request)
    (task,) = running(request.runner_id)
    assert task.capacity_provider_name == "FARGATE"


def test_why_a_task_ended_is_told(fargate: FargatePeer):
    request = a_request()
    ref = fargate.provider().start(request)
    backend().stop_task(CLUSTER, ref, "CannotPullContainerError: no such image")
    assert "CannotPullContainerError" in (fargate.provider().describe(ref).reason or "")


def test_images_of_treatments_are_for_other_pools(fargate: FargatePeer):
    with pytest.raises(CapacityExhausted, match="the pool's own image"):
        fargate.provider().start(replace(a_request(), needs=RunnerNeeds(image="python:3.13")))
    assert not fargate.double.calls


def test_services_of_treatments_are_for_other_pools(fargate: FargatePeer):
    asked = Containers(services=(ServiceSpec(name="db", image="postgres:16"),))
    with pytest.raises(CapacityExhausted, match="no containers beside"):
        fargate.provider().start(replace(a_request(), containers=asked))
    assert not fargate.double.calls
