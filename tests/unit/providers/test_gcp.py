"""What is Google's own: operations that fail later, zones, tokens, the ends that it gives by itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, NotReady, ProviderRejected, Transient
from cadence.providers.choices import Choice
from cadence.providers.contract import MachineCondition, RunnerNeeds
from cadence.providers.gcp.dialect import GcpDialect
from cadence.providers.gcp.provider import GcpProvider
from cadence.providers.gcp.settings import GcpSettings
from cadence.providers.gcp.tokens import ServiceAccountTokens
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest
from tests.doubles.cloud import Trouble
from tests.doubles.gcp import HERE, PROJECT, Gcp, account_key
from tests.fakes.answering import Reply
from tests.unit.providers.requests import API, EXPIRES, OWNER, RUNNER, TOKEN, runner

pytestmark = pytest.mark.skipif(not HERE, reason="Google's discovery documents are not here (.ci/descriptions)")

SETTINGS = GcpSettings(
    project=PROJECT,
    zones=("europe-west1-b", "europe-west1-c"),
    types=(
        Choice(type="e2-standard-2", cpu=2_000, memory=8_000, spot=True, price_per_hour=0.02),
        Choice(type="e2-standard-4", cpu=4_000, memory=16_000),
    ),
    images={"amd64": "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64"},
)
NAME = f"cadence-{RUNNER.lower()}"


class Hands:
    """The double, and providers made as Lambdas would."""

    def __init__(self, cloud: Gcp, url: str) -> None:
        self.cloud, self.url = cloud, url
        self.now = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)

    def provider(
        self,
        settings: GcpSettings = SETTINGS,
        key: str | None = None,
        owner: MachineOwner = OWNER,
        seconds: float = 5.0,
    ) -> GcpProvider:
        hidden = Hidden()
        tokens = ServiceAccountTokens(key or account_key(), hidden)
        compute, resources = (
            Rest(f"{self.url}/{path}", GcpDialect(), tokens.token, hidden=hidden, seconds=seconds)
            for path in ("compute/v1", "v1")
        )
        return GcpProvider(owner, settings, compute, resources, hidden, lambda: self.now, API, page=3)


@pytest.fixture
def gcp() -> Iterator[Hands]:
    cloud = Gcp()
    with cloud.serving() as url:
        yield Hands(cloud, url)


def test_an_instance_is_as_it_has_to_be(gcp: Hands) -> None:
    its = gcp.provider()
    ref = its.start(runner())
    assert ref == f"europe-west1-b/{NAME}"
    (asked,) = gcp.cloud.calls("POST", "/instances$")
    body = asked.body
    assert body["scheduling"] == {
        "provisioningModel": "SPOT",
        "instanceTerminationAction": "DELETE",
        "maxRunDuration": {"seconds": str(120 + 3_600 + 5_400)},
        "automaticRestart": False,
        "onHostMaintenance": "TERMINATE",
    }
    assert body["disks"][0]["autoDelete"] is True and "serviceAccounts" not in body
    assert TOKEN in next(item["value"] for item in body["metadata"]["items"] if item["key"] == "user-data")
    machine = its.describe(ref)
    assert (machine.runner_id, machine.condition, machine.expires_at) == (RUNNER, MachineCondition.STARTING, EXPIRES)
    assert machine.offer == "e2-standard-2 spot in europe-west1-b" and machine.price_per_hour == 0.02
    assert machine.created_at == datetime(2026, 11, 25, 10, 0, 1, tzinfo=UTC)


def test_no_way_in_from_outside_if_so_wanted(gcp: Hands) -> None:
    inside = replace(
        SETTINGS, external_ip=False, subnetwork="regions/europe-west1/subnetworks/inside", network_tags=("builds",)
    )
    gcp.provider(inside).start(runner())
    (asked,) = gcp.cloud.calls("POST", "/instances$")
    assert asked.body["networkInterfaces"] == [{"subnetwork": "regions/europe-west1/subnetworks/inside"}]
    assert asked.body["tags"] == {"items": ["builds"]}


def test_a_zone_that_says_no_later_is_left_for_the_next(gcp: Hands) -> None:
    gcp.cloud.late, gcp.cloud.full = True, {"europe-west1-b"}
    with pytest.raises(NotReady):
        gcp.provider().start(runner())
    with pytest.raises(NotReady):  # nothing is said yet, and nothing is made twice
        gcp.provider().start(runner())
    assert len(gcp.cloud.instances) == 1
    gcp.cloud.decide()
    with pytest.raises(NotReady):
        gcp.provider().start(runner())
    gcp.cloud.decide()
    assert gcp.provider().start(runner()) == f"europe-west1-c/{NAME}"
    assert len(gcp.cloud.instances) == 1


def test_a_zone_is_not_asked_again_while_another_has_begun(gcp: Hands) -> None:
    """Even if so much time went by that the first zone would take it for another request."""
    gcp.cloud.late, gcp.cloud.full = True, {"europe-west1-b"}
    with pytest.raises(NotReady):
        gcp.provider().start(runner())
    gcp.cloud.decide()
    with pytest.raises(NotReady):
        gcp.provider().start(runner())
    gcp.cloud.full = set()
    gcp.now += timedelta(minutes=5)
    with pytest.raises(NotReady):
        gcp.provider().start(runner())
    gcp.cloud.decide()
    assert gcp.provider().start(runner()) == f"europe-west1-c/{NAME}"
    assert len(gcp.cloud.instances) == 1


def test_without_room_anywhere_each_zone_has_its_words(gcp: Hands) -> None:
    gcp.cloud.late, gcp.cloud.full = True, set(gcp.cloud.zones)
    for _ in range(4):
        with pytest.raises(NotReady):
            gcp.provider().start(runner())
        gcp.cloud.decide()
    with pytest.raises(
        CapacityExhausted,
        match=r"e2-standard-2 spot in europe-west1-b: .*not have enough resources.*e2-standard-4 in europe-west1-c",
    ):
        gcp.provider().start(runner())
    assert not gcp.cloud.instances
    gcp.cloud.full, gcp.cloud.late, gcp.now = set(), False, gcp.now + timedelta(minutes=2)
    assert gcp.provider().start(runner()).endswith(NAME)


def test_why_one_is_gone(gcp: Hands) -> None:
    its = gcp.provider()
    zone, name = (ref := its.start(runner())).split("/")
    gcp.cloud.preempt(zone, name)
    gone = its.describe(ref)
    assert gone.condition is MachineCondition.GONE and "was preempted" in (gone.reason or "")


def test_in_one_zone_a_start_is_one_call(gcp: Hands) -> None:
    gcp.provider(replace(SETTINGS, zones=("europe-west1-b",))).start(runner())
    assert len(gcp.cloud.asked) == 1


def test_one_token_serves_many_calls(gcp: Hands) -> None:
    its = gcp.provider()
    for number in range(3):
        its.start(runner(f"runner-{number}"))
    assert len({asked.headers["authorization"] for asked in gcp.cloud.asked}) == 1


def test_a_key_of_another_is_refused_without_being_shown(gcp: Hands) -> None:
    with pytest.raises(ProviderRejected, match="invalid authentication credentials") as raised:
        gcp.provider(key=account_key(another=True)).list_owned()
    assert "PRIVATE KEY" not in raised.value.message and raised.value.__cause__ is None


@pytest.mark.parametrize("key", ["", "{}", "null", '{"private_key": "planted-secret", "client_email": 1}', "[1]"])
def test_what_is_no_key_is_said_so(key: str) -> None:
    with pytest.raises(ProviderRejected, match="service_account_key") as raised:
        ServiceAccountTokens(key, Hidden())
    assert "planted" not in raised.value.message


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind"),
    [
        (403, "rateLimitExceeded", "Rate Limit Exceeded", Transient),
        (403, "forbidden", "Required 'compute.instances.create' permission", ProviderRejected),
        (403, "quotaExceeded", "Quota 'CPUS' exceeded.", CapacityExhausted),
        (400, "resourceNotReady", "The resource is not ready", Transient),
        (400, "invalid", "Invalid value for field 'resource.machineType'", ProviderRejected),
        (412, "conditionNotMet", "Constraint constraints/compute.vmExternalIpAccess violated", ProviderRejected),
        (503, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "try another zone", CapacityExhausted),
    ],
)
def test_what_its_words_mean(gcp: Hands, status: int, reason: str, message: str, kind: type[CadenceError]) -> None:
    error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    gcp.cloud.trouble = Trouble(
        Reply(status, {"error": error}), on=lambda asked: asked.method == "POST" and "instances" in asked.path
    )
    with pytest.raises(CadenceError) as raised:
        gcp.provider().start(runner())
    assert type(raised.value) is kind and message in raised.value.message


def test_a_region_out_of_reach_is_no_empty_region(gcp: Hands) -> None:
    body = {"items": {}, "unreachables": ["zones/europe-west1-c"]}
    gcp.cloud.trouble = Trouble(Reply(200, body), on=lambda asked: "aggregated" in asked.path)
    with pytest.raises(Transient, match="europe-west1-c"):
        gcp.provider().list_owned()


def test_the_end_of_what_it_printed_without_its_token(gcp: Hands) -> None:
    its = gcp.provider()
    ref = its.start(runner())
    gcp.cloud.serial[NAME] = "x" * 40_000 + f"token {TOKEN}: No route to host"
    text = its.console(ref) or ""
    assert text.endswith("***: No route to host") and len(text) <= 16 * 1024
    assert its.console(RUNNER) == text and its.console("europe-west1-b/none") is None


def test_an_architecture_without_an_image_is_said(gcp: Hands) -> None:
    arm = replace(SETTINGS, types=(Choice(type="t2a-standard-2", arch="arm64"),))
    with pytest.raises(ProviderRejected, match="no image for arm64"):
        gcp.provider(arm).start(runner(needs=RunnerNeeds(arch="arm64")))


def test_a_probe_names_what_is_missing(gcp: Hands) -> None:
    assert [check for check in gcp.provider().probe() if check.missing] == []
    gcp.cloud.permissions = {"compute.instances.create"}
    gcp.cloud.quota = True
    lacking = replace(
        SETTINGS,
        types=(Choice(type="z9-huge"),),
        images={"amd64": "projects/mine/global/images/none"},
        network="global/networks/default",
    )
    missing = {check.what: check.missing or "" for check in gcp.provider(lacking).probe() if check.missing}
    assert "compute.instances.delete" in missing["permissions"] and "instances.create" not in missing["permissions"]
    assert "projects/mine" in missing["image"] and "z9-huge" in missing["types in europe-west1-b"]
    assert "CPUS 8 of 8" in missing["quota in europe-west1"]
