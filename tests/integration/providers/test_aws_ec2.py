"""What only EC2 has: fleets over types and subnets, spot and its circuit, templates, regions. Against moto."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cadence.domain.shared.errors import CapacityExhausted
from cadence.providers.aws_ec2.settings import Ec2Settings
from cadence.providers.contract import RunnerNeeds
from tests.contract.providers.aws_ec2_peer import Ec2Peer, a_place, a_pool, instances, peer
from tests.contract.providers.test_contract import TOKEN, a_request
from tests.doubles.aws import error
from tests.doubles.ec2 import ELSEWHERE, REGION, backend

NO_ROOM = ("InsufficientInstanceCapacity", "no room for it")


@pytest.fixture(scope="module")
def infrastructure() -> Iterator[Ec2Peer]:
    with peer() as made:
        yield made


@pytest.fixture
def ec2(infrastructure: Ec2Peer) -> Ec2Peer:
    infrastructure.clear()
    infrastructure.double.calls.clear()
    return infrastructure


def made(ec2: Ec2Peer, **changes: Any):
    return ec2.made(replace(Ec2Settings.from_json(a_pool()), **changes))


def test_a_start_is_one_call_and_an_end_by_its_reference_another(ec2: Ec2Peer):
    provider = ec2.provider()
    provider.stop(provider.start(a_request()))  # makes the template
    ec2.double.calls.clear()

    provider.stop(provider.start(a_request()))

    assert ec2.double.calls == {"CreateFleet": 1, "TerminateInstances": 1}


def test_many_end_in_one_call_even_if_some_are_gone(ec2: Ec2Peer):
    provider = ec2.provider()
    refs = [provider.start(a_request()) for _ in range(3)]
    ec2.double.calls.clear()

    provider.stop_all([*refs, f"{REGION}/i-0123456789abcdef0"])

    assert ec2.double.calls == {"TerminateInstances": 2}
    assert not {each.ref for each in provider.list_owned()} & set(refs)


def test_what_a_machine_is_told_is_its_own(ec2: Ec2Peer):
    request = a_request()
    ec2.provider().start(request)
    ((_, instance),) = instances(request.runner_id)

    told = base64.b64decode(instance.user_data).decode()

    document = json.loads(told.removeprefix("#cloud-config\n"))
    files = {file["path"]: file["content"] for file in document["write_files"]}
    assert files["/var/lib/cadence/token"] == TOKEN
    assert request.runner_id in files["/var/lib/cadence/settings"]


def test_the_template_lets_nobody_in_and_keeps_nothing(ec2: Ec2Peer):
    ec2.provider().start(a_request())
    (template,) = [each for each in backend(REGION).launch_templates.values() if each.name.startswith("cadence-")][:1]

    data = template.latest_version().data

    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert data["InstanceInitiatedShutdownBehavior"] == "terminate"
    (disk,) = data["BlockDeviceMappings"]
    assert disk["Ebs"]["Encrypted"] and disk["Ebs"]["DeleteOnTermination"]
    assert not data.get("KeyName") and "NetworkInterfaces" not in data


def test_other_settings_are_another_template(ec2: Ec2Peer):
    made(ec2, disk_gb=31).start(a_request())
    made(ec2, disk_gb=32).start(a_request())
    ec2.double.calls.clear()

    made(ec2, disk_gb=31).start(a_request())

    assert ec2.double.calls == {"CreateFleet": 1}


def test_without_spot_it_is_bought_on_demand_and_spot_is_left_alone_for_a_while(ec2: Ec2Peer):
    ec2.ec2.refuses = lambda _, __, market: NO_ROOM if market == "spot" else None
    provider = ec2.provider()
    ref = provider.start(a_request())

    assert (provider.describe(ref).offer or "").startswith(f"m7i.large on-demand in {REGION}")
    assert provider.describe(ref).price_per_hour == 0.12
    ec2.double.calls.clear()
    ec2.ec2.refuses = lambda *_: None
    again = provider.start(a_request())
    assert "on-demand" in (provider.describe(again).offer or "")
    assert ec2.double.calls["CreateFleet"] == 1


def test_what_one_process_was_refused_no_other_asks_for(ec2: Ec2Peer):
    ec2.ec2.refuses = lambda *_: NO_ROOM
    with pytest.raises(CapacityExhausted):
        ec2.provider().start(a_request())
    ec2.double.calls.clear()

    with pytest.raises(CapacityExhausted) as refusal:
        ec2.provider().start(a_request())
    assert ec2.double.calls["CreateFleet"] == 0
    assert NO_ROOM[0] in refusal.value.message and "not asked again before" in refusal.value.message


def test_with_the_circuit_open_what_was_started_before_is_adopted(ec2: Ec2Peer):
    provider, request = ec2.provider(), a_request()
    spot = provider.start(request)
    ec2.ec2.refuses = lambda _, __, market: NO_ROOM if market == "spot" else None
    provider.start(a_request())  # opens it

    assert provider.start(request) == spot
    assert ec2.machines(request.runner_id) == 1


def test_the_other_region_is_another_offer(ec2: Ec2Peer):
    pool = {**a_pool(), "places": [a_place(REGION), a_place(ELSEWHERE)]}
    here = {subnet.id for subnet in backend(REGION).describe_subnets()}
    ec2.ec2.refuses = lambda _, subnet, __: NO_ROOM if subnet in here else None
    provider, request = ec2.made(Ec2Settings.from_json(pool)), a_request()

    ref = provider.start(request)

    assert ref.startswith(f"{ELSEWHERE}/i-")
    assert [each.ref for each in provider.list_owned() if each.runner_id == request.runner_id] == [ref]
    provider.stop(request.runner_id)
    assert ec2.machines(request.runner_id) == 0


def test_one_subnet_without_room_does_not_matter(ec2: Ec2Peer):
    first = a_pool()["places"][0]["subnets"][0]
    ec2.ec2.refuses = lambda _, subnet, __: NO_ROOM if subnet == first else None
    request = a_request()

    ec2.provider().start(request)

    assert ec2.machines(request.runner_id) == 1


def test_all_refusals_are_told(ec2: Ec2Peer):
    ec2.ec2.refuses = lambda _, __, market: NO_ROOM if market == "spot" else ("VcpuLimitExceeded", "no more than 32")

    with pytest.raises(CapacityExhausted) as caught:
        ec2.provider().start(a_request())

    assert "spot in eu-west-3: InsufficientInstanceCapacity: no room for it" in caught.value.message
    assert "on-demand in eu-west-3: VcpuLimitExceeded: no more than 32" in caught.value.message


def test_what_no_type_has_is_not_asked_for(ec2: Ec2Peer):
    with pytest.raises(CapacityExhausted, match="64000 MB of memory"):
        ec2.provider().start(replace(a_request(), needs=RunnerNeeds(memory=64_000)))
    assert not ec2.double.calls


@pytest.mark.parametrize(
    ("denied", "missing"),
    [
        ("CreateFleet", "ec2:CreateFleet"),
        ("RunInstances", "ec2:RunInstances"),
        ("TerminateInstances", "ec2:TerminateInstances"),
    ],
)
def test_the_probe_names_the_permission_that_is_missing(ec2: Ec2Peer, denied: str, missing: str):
    ec2.double.trouble = lambda call: (
        error(call, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
        if call.action == denied
        else None
    )
    found = {check.what: check.missing for check in ec2.provider().probe() if check.missing}
    assert list(found) == ["permissions"]
    assert missing in (found["permissions"] or "")


def test_the_probe_finds_a_group_that_lets_others_in(ec2: Ec2Peer):
    group = backend(REGION).create_security_group("open", "lets others in", vpc_id=None)
    backend(REGION).authorize_security_group_ingress(group.id, "tcp", "22", "22", ["0.0.0.0/0"])
    pool = a_pool()
    pool["places"][0]["security_groups"] = [group.id]

    found = {check.what: check.missing for check in ec2.made(Ec2Settings.from_json(pool)).probe() if check.missing}

    assert list(found) == ["network"]


def test_regions_do_not_wait_for_one_another(ec2: Ec2Peer):
    elsewhere = Ec2Settings.from_json({**a_pool(), "places": [a_place(ELSEWHERE)]})
    apis = [ec2.provider().start_api, ec2.made(elsewhere).start_api]
    assert len({api.bucket for api in apis}) == 2
