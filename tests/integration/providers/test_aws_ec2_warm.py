"""Instances of EC2 that wait stopped, and starts that race for them. Against moto."""

import base64
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from cadence.application.placement.ports import MachineClaim
from cadence.domain.shared.errors import Transient
from cadence.providers.aws_ec2.provider import Ec2Provider
from cadence.providers.aws_ec2.warm import MARK
from cadence.providers.contract import MachineCondition, RunnerNeeds, RunnerRequest
from tests.contract.providers.aws_ec2_peer import Ec2Peer, instances, peer
from tests.contract.providers.test_contract import TOKEN, a_request
from tests.doubles.aws import GOOD_KEY
from tests.doubles.ec2 import REGION, backend
from tests.fakes.services import ManualClock

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def infrastructure() -> Iterator[Ec2Peer]:
    with peer() as made:
        yield made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def ec2(infrastructure: Ec2Peer) -> Iterator[Ec2Peer]:
    infrastructure.clear()
    infrastructure.double.calls.clear()
    infrastructure.ec2.fleets.clear()  # what was asked for in another test
    yield infrastructure
    for each in made_in_advance():
        backend(REGION).terminate_instances([each.id])


def made_in_advance() -> list[Any]:
    return [
        each
        for reservation in backend(REGION).reservations.values()
        for each in reservation.instances
        if any(tag["key"] == MARK for tag in each.get_tags()) and each.state != "terminated"
    ]


def hydrated(ec2: Ec2Peer, clock: ManualClock, number: int) -> Ec2Provider:
    """So many have booted once, and switched themselves off."""
    provider = ec2.waiting(clock)
    provider.keep_warm(0, number)
    made = made_in_advance()
    assert len(made) == number
    ec2._clients(GOOD_KEY, 20)("ec2", REGION).stop_instances(InstanceIds=[each.id for each in made])
    ec2.double.calls.clear()
    return provider


def at_once(ec2: Ec2Peer, clock: ManualClock, requests: list[RunnerRequest]) -> list[str]:
    """Each by a process of its own."""
    ready = Barrier(len(requests))
    providers = [ec2.waiting(clock) for _ in requests]

    def start(number: int) -> str:
        ready.wait()
        return providers[number].start(requests[number])

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(start, range(len(requests))))


def tags(instance: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in instance.get_tags()}


def test_a_start_takes_a_waiting_instance_and_tells_it_who_it_is(ec2: Ec2Peer, clock: ManualClock) -> None:
    provider, request = hydrated(ec2, clock, 2), a_request()
    ref = provider.start(request)
    assert ec2.double.calls["CreateFleet"] == 0
    ((_, instance),) = instances(request.runner_id)
    assert ref == f"{REGION}/{instance.id}"
    assert (instance.state, instance.instance_initiated_shutdown_behavior) == ("running", "terminate")
    assert tags(instance)["cadence-expires"] and TOKEN in _text(instance.user_data)
    machine = provider.describe(ref)
    assert (machine.runner_id, machine.condition) == (request.runner_id, MachineCondition.RUNNING)
    # The other one still waits, and is nobody's.
    refs = {f"{REGION}/{each.id}" for each in made_in_advance()}
    assert sorted(one.runner_id for one in provider.list_owned() if one.ref in refs) == ["", request.runner_id]


def test_what_waits_was_told_no_token(ec2: Ec2Peer, clock: ManualClock) -> None:
    hydrated(ec2, clock, 1)
    (instance,) = made_in_advance()
    text = _text(instance.user_data)
    assert "CADENCE_WARM" in text and TOKEN not in text and "cadence/token" not in text


def test_a_start_again_adopts(ec2: Ec2Peer, clock: ManualClock) -> None:
    hydrated(ec2, clock, 2)
    request = a_request()
    refs = {ec2.waiting(clock).start(request) for _ in range(3)}
    assert len(refs) == 1 and len(instances(request.runner_id)) == 1


def test_no_two_starts_take_the_same(ec2: Ec2Peer, clock: ManualClock) -> None:
    """Three wait, eight want one: three get those, five get new ones."""
    hydrated(ec2, clock, 3)
    waiting = {f"{REGION}/{each.id}" for each in made_in_advance()}
    requests = [a_request() for _ in range(8)]
    refs = at_once(ec2, clock, requests)
    assert len(set(refs)) == 8
    assert len(waiting & set(refs)) == 3
    for request, ref in zip(requests, refs, strict=True):
        assert [f"{region}/{each.id}" for region, each in instances(request.runner_id)] == [ref]
        assert f"CADENCE_RUNNER_ID={request.runner_id}" in _text(instances(request.runner_id)[0][1].user_data)


def test_starts_of_one_runner_at_once_take_one(ec2: Ec2Peer, clock: ManualClock) -> None:
    hydrated(ec2, clock, 4)
    request = a_request()
    assert len(set(at_once(ec2, clock, [request] * 6))) == 1
    assert ec2.machines(request.runner_id) == 1


def test_a_start_during_another_ones_look_at_the_claims_takes_the_same(
    ec2: Ec2Peer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hydrated(ec2, clock, 4)
    request, first, taken = a_request(), [True], []
    claimed = ec2.claims.claimed

    def during_the_first_look(organization: str, pool: str) -> Mapping[str, MachineClaim]:
        before = claimed(organization, pool)
        if first and first.pop():
            taken.append(ec2.waiting(clock).start(request))
        return before

    monkeypatch.setattr(ec2.claims, "claimed", during_the_first_look)
    taken.append(ec2.waiting(clock).start(request))
    assert len(set(taken)) == 1
    assert ec2.machines(request.runner_id) == 1


@pytest.mark.parametrize("dies_in", ["modify_instance_attribute", "create_tags", "start_instances"])
def test_a_start_that_dies_half_way_goes_on_with_the_same(
    ec2: Ec2Peer, clock: ManualClock, dies_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hydrated(ec2, clock, 2)
    request, other = a_request(), a_request()
    client = ec2._clients(GOOD_KEY, 20)("ec2", REGION)

    def dies(**_: Any) -> None:
        raise Transient("the process ended")

    with monkeypatch.context() as patched:
        patched.setattr(client, dies_in, dies)
        with pytest.raises(Transient):
            ec2.waiting(clock).start(request)
    others = ec2.waiting(clock).start(other)
    mine = ec2.waiting(clock).start(request)
    assert mine != others and {mine, others} == {f"{REGION}/{each.id}" for each in made_in_advance()}
    assert ec2.machines(request.runner_id) == 1


def test_one_that_was_claimed_and_never_started_is_ended(
    ec2: Ec2Peer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = hydrated(ec2, clock, 1)

    def dies(**_: Any) -> None:
        raise Transient("the process ended")

    with monkeypatch.context() as patched:
        patched.setattr(ec2._clients(GOOD_KEY, 20)("ec2", REGION), "start_instances", dies)
        with pytest.raises(Transient):
            provider.start(a_request())
    (claimed,) = made_in_advance()
    provider.keep_warm(0, 0)
    assert claimed.state == "stopped"
    clock.advance(timedelta(minutes=10))
    provider.keep_warm(0, 0)
    assert claimed.state == "terminated"
    provider.keep_warm(0, 0)
    assert ec2.claims.kept == {}


def test_so_many_wait_as_are_wanted(ec2: Ec2Peer, clock: ManualClock) -> None:
    provider = ec2.waiting(clock)
    for wanted in ((0, 2), (0, 2), (1, 2), (0, 1), (0, 0)):
        provider.keep_warm(*wanted)
        assert len(made_in_advance()) == sum(wanted)
        clock.advance(timedelta(minutes=10))


def test_what_was_used_is_made_up_for(ec2: Ec2Peer, clock: ManualClock) -> None:
    provider = hydrated(ec2, clock, 1)
    provider.start(a_request())
    clock.advance(timedelta(minutes=10))
    provider.keep_warm(0, 1)
    assert len([each for each in made_in_advance() if "cadence-runner" not in tags(each)]) == 1


def test_old_ones_and_those_of_other_settings_are_ended(ec2: Ec2Peer, clock: ManualClock) -> None:
    hydrated(ec2, clock, 1)
    (first,) = made_in_advance()
    ec2.settings["disk"] = {"gigabytes": 50}
    changed = ec2.waiting(clock)
    request = a_request()
    assert changed.start(request) != f"{REGION}/{first.id}"
    changed.keep_warm(0, 1)
    assert first.state == "terminated"
    (second,) = [each for each in made_in_advance() if "cadence-runner" not in tags(each)]
    clock.advance(timedelta(days=8))
    changed.keep_warm(0, 1)
    assert second.state == "terminated"


def test_one_that_is_too_small_or_still_boots_is_not_taken(ec2: Ec2Peer, clock: ManualClock) -> None:
    provider = ec2.waiting(clock)
    provider.keep_warm(0, 1)
    (booting,) = made_in_advance()
    assert provider.start(a_request()) != f"{REGION}/{booting.id}"
    ec2._clients(GOOD_KEY, 20)("ec2", REGION).stop_instances(InstanceIds=[booting.id])
    large = replace(a_request(), needs=RunnerNeeds(arch="arm64"))
    assert provider._warm is not None
    assert provider._warm.take(large, "#cloud-config\n{}\n") is None


def _text(user_data: Any) -> str:
    """moto keeps it as it came: of a template, or of a change."""
    return base64.b64decode(user_data if isinstance(user_data, str) else user_data.as_bytes()).decode()
