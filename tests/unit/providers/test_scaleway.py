"""What is Scaleway's own: two steps to a machine, zones in order, disks that outlive their machines."""

from collections.abc import Iterator

import pytest

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, NotReady, ProviderRejected, Transient
from cadence.providers.choices import Choice
from cadence.providers.contract import MachineCondition, RunnerNeeds
from cadence.providers.hidden import Hidden
from cadence.providers.rest import Rest
from cadence.providers.scaleway.dialect import ScalewayDialect
from cadence.providers.scaleway.provider import ScalewayProvider
from cadence.providers.scaleway.settings import ScalewaySettings
from tests.doubles.cloud import Trouble
from tests.doubles.scaleway import PROJECT, SECRET_KEY, Scaleway
from tests.fakes.answering import Reply
from tests.unit.providers.requests import API, EXPIRES, OWNER, RUNNER, TOKEN, runner

SETTINGS = ScalewaySettings(
    project_id=PROJECT,
    zones=("fr-par-1", "nl-ams-1"),
    types=(
        Choice(type="PLAY2-MICRO", cpu=2_000, memory=8_000, price_per_hour=0.054),
        Choice(type="PRO2-XS", cpu=4_000),
    ),
    image="ubuntu_noble",
)


@pytest.fixture
def cloud() -> Iterator[Scaleway]:
    cloud = Scaleway()
    with cloud.serving() as url:
        cloud.url = url  # type: ignore[attr-defined]
        yield cloud


def provider(cloud: Scaleway, settings: ScalewaySettings = SETTINGS, key: str = SECRET_KEY) -> ScalewayProvider:
    hidden = Hidden([key])
    url = cloud.url  # type: ignore[attr-defined]
    rest = Rest(url, ScalewayDialect(), lambda: {"X-Auth-Token": key}, hidden=hidden)
    return ScalewayProvider(OWNER, settings, rest, hidden, API, page=3)


def test_a_machine_is_made_told_and_switched_on(cloud: Scaleway) -> None:
    ref = provider(cloud).start(runner())
    zone, server_id = ref.split("/")
    server = cloud.servers[server_id]
    assert zone == "fr-par-1" and server["state"] == "starting"
    assert f"cadence-runner={RUNNER}" in server["tags"] and f"cadence-owner={OWNER.key}" in server["tags"]
    assert server["volumes"]["0"]["size"] == 20_000_000_000
    assert TOKEN in cloud.told[server_id].decode()
    machine = provider(cloud).describe(ref)
    assert (machine.runner_id, machine.condition, machine.expires_at) == (RUNNER, MachineCondition.STARTING, EXPIRES)
    assert machine.price_per_hour == 0.054 and machine.offer == "PLAY2-MICRO in fr-par-1"


@pytest.mark.parametrize("path", ["servers$", "user_data", "action"])
def test_whatever_answer_was_lost_a_repetition_goes_on_from_there(cloud: Scaleway, path: str) -> None:
    lost = Trouble(
        Reply(504),
        on=lambda asked: asked.method != "GET" and bool(cloud.calls(asked.method, path)),
        done_first=True,
        once=True,
    )
    cloud.trouble = lost
    with pytest.raises(Transient):
        provider(cloud).start(runner())
    ref = provider(cloud).start(runner())
    assert provider(cloud).start(runner()) == ref
    (server,) = cloud.servers.values()
    assert server["state"] == "starting" and len(cloud.told) == 1


def test_what_is_sold_out_is_bought_elsewhere_and_nothing_stays_behind(cloud: Scaleway) -> None:
    cloud.full = {("PLAY2-MICRO", "fr-par-1"), ("PLAY2-MICRO", "nl-ams-1")}
    ref = provider(cloud).start(runner())
    (server,) = cloud.servers.values()
    assert ref == f"fr-par-1/{server['id']}" and server["commercial_type"] == "PRO2-XS"
    assert [volume["id"] for volume in cloud.volumes.values()] == [server["volumes"]["0"]["id"]]


def test_when_all_is_sold_out_it_says_where(cloud: Scaleway) -> None:
    cloud.full = {(kind, zone) for kind in cloud.types for zone in cloud.zones}
    with pytest.raises(CapacityExhausted, match=r"PLAY2-MICRO in fr-par-1: .*out of stock.*PRO2-XS in nl-ams-1"):
        provider(cloud).start(runner())
    assert not cloud.servers and not cloud.volumes


def test_a_quota_is_in_its_own_words(cloud: Scaleway) -> None:
    cloud.quota = 0
    with pytest.raises(CapacityExhausted, match="Quotas exceeded for this resource"):
        provider(cloud).start(runner())


def test_needs_choose_the_type(cloud: Scaleway) -> None:
    provider(cloud).start(runner(needs=RunnerNeeds(cpu=3_000)))
    assert [server["commercial_type"] for server in cloud.servers.values()] == ["PRO2-XS"]
    with pytest.raises(CapacityExhausted, match="16000 millicores"):
        provider(cloud).start(runner("other", needs=RunnerNeeds(cpu=16_000)))


def test_an_unknown_image_never_works(cloud: Scaleway) -> None:
    cloud.images = ()
    with pytest.raises(CadenceError, match="resource is not found") as raised:
        provider(cloud).start(runner())
    assert isinstance(raised.value, ProviderRejected)


def test_twins_of_a_lagging_inventory_are_ended_but_the_oldest(cloud: Scaleway) -> None:
    first = provider(cloud).start(runner())
    cloud.hidden = set(cloud.servers)
    second = provider(cloud).start(runner())
    assert first != second
    cloud.hidden = set()
    for server_id in cloud.servers:
        cloud.boot(server_id)
    kept = provider(cloud).start(runner())
    cloud.settle()
    assert [f"{s['zone']}/{s['id']}" for s in cloud.servers.values()] == [kept]


@pytest.mark.parametrize("by_id", [True, False])
def test_one_that_runs_is_terminated_and_its_disk_found(cloud: Scaleway, by_id: bool) -> None:
    its = provider(cloud)
    ref = its.start(runner())
    cloud.boot(ref.split("/")[1])
    its.stop(RUNNER if by_id else ref)
    assert its.describe(ref).condition is MachineCondition.STOPPING
    its.stop(ref)
    cloud.settle()
    assert its.describe(ref).condition is MachineCondition.GONE
    (left,) = its.list_owned()
    assert left.runner_id == RUNNER and left.reason == "a disk without a machine"
    assert its.describe(left.ref) == left
    its.stop(left.ref)
    its.stop(left.ref)
    its.stop(RUNNER)
    assert its.list_owned() == [] and its.describe(left.ref).condition is MachineCondition.GONE


def test_one_that_switched_itself_off_is_deleted_with_its_disk(cloud: Scaleway) -> None:
    its = provider(cloud)
    ref = its.start(runner())
    cloud.switch_off(ref.split("/")[1])
    assert its.list_owned()[0].condition is MachineCondition.STOPPING
    its.stop(ref)
    assert not cloud.servers and not cloud.volumes


def test_a_disk_that_is_in_use_is_not_ready_to_go(cloud: Scaleway) -> None:
    its = provider(cloud)
    its.start(runner())
    (volume,) = cloud.volumes
    with pytest.raises(NotReady, match="in use"):
        its.stop(f"fr-par-1/volume/{volume}")


def test_the_inventory_has_all_pages_all_zones_and_nobody_elses(cloud: Scaleway) -> None:
    its = provider(cloud)
    for number in range(7):
        its.start(runner(f"runner-{number}"))
    other = ScalewayProvider(type(OWNER)("another", "default", "cloud"), SETTINGS, its._rest, Hidden(), API)
    other.start(runner("runner-elsewhere"))
    moved = provider(
        cloud, ScalewaySettings(project_id=PROJECT, zones=("nl-ams-1",), types=SETTINGS.types, image="ubuntu_noble")
    )
    assert sorted(machine.runner_id for machine in moved.list_owned()) == sorted(f"runner-{n}" for n in range(7))
    assert [machine.runner_id for machine in other.list_owned()] == ["runner-elsewhere"]


def test_a_zone_without_an_answer_is_no_empty_zone(cloud: Scaleway) -> None:
    cloud.trouble = Trouble(Reply(503), on=lambda asked: "/it-mil-1/" in asked.path)
    with pytest.raises(Transient):
        provider(cloud).list_owned()


def test_a_probe_names_what_is_missing(cloud: Scaleway) -> None:
    assert all(check.missing is None for check in provider(cloud).probe())
    (check,) = provider(cloud, key="wrong-secret-key").probe()
    assert check.what == "credentials" and "401" in (check.missing or "")
    settings = ScalewaySettings(
        project_id=PROJECT,
        zones=("fr-par-1",),
        types=(Choice(type="GP9-HUGE"),),
        image="ubuntu_noble",
        security_group="5f0c",
    )
    missing = {check.what: check.missing for check in provider(cloud, settings).probe() if check.missing}
    assert "not sold in this zone: GP9-HUGE" in missing["types in fr-par-1"]
    assert "network in fr-par-1" in missing
    assert not cloud.servers
