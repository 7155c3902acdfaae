"""What is Azure's own: machines that fail while they are made, what goes with them, tokens of a tenant."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from cadence.domain.shared.errors import CapacityExhausted, NotReady, ProviderRejected, Transient
from cadence.providers.azure.dialect import AzureDialect
from cadence.providers.azure.provider import AzureProvider
from cadence.providers.azure.settings import AzureSettings
from cadence.providers.azure.tokens import ApplicationTokens
from cadence.providers.choices import Choice
from cadence.providers.contract import Credentials, MachineCondition, RunnerNeeds
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest
from tests.doubles.azure import CLIENT_ID, CLIENT_SECRET, IMAGE, SUBNET, SUBSCRIPTION, TENANT, Azure
from tests.doubles.cloud import Trouble
from tests.fakes.answering import Reply
from tests.unit.providers.requests import API, EXPIRES, OWNER, RUNNER, TOKEN, runner

SETTINGS = AzureSettings(
    tenant_id=TENANT,
    subscription_id=SUBSCRIPTION,
    resource_group="runners",
    location="westeurope",
    sizes=(
        Choice(type="Standard_D2as_v5", cpu=2_000, memory=8_000, spot=True, price_per_hour=0.03),
        Choice(type="Standard_D4as_v5", cpu=4_000, memory=16_000),
    ),
    images={"amd64": IMAGE},
    subnet=SUBNET,
)
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
BASE = f"cadence-{RUNNER.lower()}"


class Hands:
    def __init__(self, cloud: Azure, url: str) -> None:
        self.cloud, self.url = cloud, url
        cloud.url = url

    def provider(
        self,
        settings: AzureSettings = SETTINGS,
        credentials: Credentials = CREDENTIALS,
        owner: MachineOwner = OWNER,
        seconds: float = 5.0,
    ) -> AzureProvider:
        hidden = Hidden()
        tokens = ApplicationTokens(TENANT, credentials, hidden, authority=self.url, seconds=seconds)
        return AzureProvider(
            owner, settings, Rest(self.url, AzureDialect(), tokens.token, hidden=hidden, seconds=seconds), hidden, API
        )


@pytest.fixture
def azure() -> Iterator[Hands]:
    cloud = Azure()
    with cloud.serving() as url:
        yield Hands(cloud, url)


def test_a_machine_is_one_call_and_everything_goes_with_it(azure: Hands) -> None:
    its = azure.provider()
    ref = its.start(runner())
    assert ref == f"{BASE}-0"
    (put,) = azure.cloud.calls("PUT")
    properties = put.body["properties"]
    nic = properties["networkProfile"]["networkInterfaceConfigurations"][0]["properties"]
    address = nic["ipConfigurations"][0]["properties"]["publicIPAddressConfiguration"]["properties"]
    assert {properties["storageProfile"]["osDisk"]["deleteOption"], nic["deleteOption"], address["deleteOption"]} == {
        "Delete"
    }
    assert (properties["priority"], properties["evictionPolicy"]) == ("Spot", "Delete")
    assert TOKEN in base64.b64decode(properties["osProfile"]["customData"]).decode()
    machine = its.describe(ref)
    assert (machine.runner_id, machine.condition, machine.expires_at) == (RUNNER, MachineCondition.STARTING, EXPIRES)
    assert machine.offer == "Standard_D2as_v5 spot in westeurope" and machine.price_per_hour == 0.03
    assert machine.created_at == datetime(2026, 11, 25, 10, 0, 0, 123_456, tzinfo=UTC)


def test_no_way_in_from_outside_if_so_wanted(azure: Hands) -> None:
    azure.provider(replace(SETTINGS, public_ip=False, zones=("2",), trusted_launch=False)).start(runner())
    (put,) = azure.cloud.calls("PUT")
    nic = put.body["properties"]["networkProfile"]["networkInterfaceConfigurations"][0]["properties"]
    assert nic["ipConfigurations"][0]["properties"] == {"subnet": {"id": SUBNET}, "primary": True}
    assert put.body["zones"] == ["2"] and "securityProfile" not in put.body["properties"]


def test_one_that_fails_for_want_of_room_is_followed_by_the_next_offer(azure: Hands) -> None:
    azure.cloud.late, azure.cloud.full = True, {"Standard_D2as_v5"}
    for _ in range(2):
        with pytest.raises(NotReady):
            azure.provider().start(runner())
    assert list(azure.cloud.machines) == [f"{BASE}-0"]
    azure.cloud.decide()
    for _ in range(2):
        with pytest.raises(NotReady):
            azure.provider().start(runner())
    azure.cloud.decide()
    assert azure.provider().start(runner()) == f"{BASE}-1"
    azure.provider().stop(f"{BASE}-1")
    azure.cloud.settle()
    assert not azure.cloud.machines


def test_what_was_refused_at_once_is_not_asked_again_while_the_next_is_made(azure: Hands) -> None:
    azure.cloud.full = {"Standard_D2as_v5"}
    assert azure.provider().start(runner()) == f"{BASE}-1"
    azure.cloud.full = set()
    assert azure.provider().start(runner()) == f"{BASE}-1"
    assert list(azure.cloud.machines) == [f"{BASE}-1"]


def test_without_room_anywhere_nothing_stays(azure: Hands) -> None:
    azure.cloud.late, azure.cloud.full = True, {"Standard_D2as_v5", "Standard_D4as_v5"}
    for _ in range(2):
        with pytest.raises(NotReady):
            azure.provider().start(runner())
        azure.cloud.decide()
    with pytest.raises(CapacityExhausted, match=r"Standard_D4as_v5: .*sufficient capacity"):
        azure.provider().start(runner())
    with pytest.raises(NotReady, match=r"is still deleting cadence-"):
        azure.provider().start(runner())
    azure.cloud.settle()
    assert not azure.cloud.machines


def test_needs_choose_the_size(azure: Hands) -> None:
    assert azure.provider().start(runner(needs=RunnerNeeds(cpu=3_000))) == f"{BASE}-1"


def test_a_quota_is_in_its_own_words(azure: Hands) -> None:
    azure.cloud.quota = True
    with pytest.raises(CapacityExhausted, match="exceeding approved Total Regional Cores quota"):
        azure.provider().start(runner())


def test_one_that_switched_itself_off_is_seen(azure: Hands) -> None:
    its = azure.provider()
    ref = its.start(runner())
    azure.cloud.power(ref, "stopped")
    (machine,) = its.list_owned()
    assert machine.condition is MachineCondition.STOPPING and machine.reason == "Succeeded, stopped"


def test_one_token_serves_many_calls(azure: Hands) -> None:
    its = azure.provider()
    its.start(runner())
    its.stop(RUNNER)
    its.list_owned()
    assert azure.cloud.tokens == 1


def test_a_certificate_will_do(azure: Hands) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cadence")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    credentials = {
        "client_id": CLIENT_ID,
        "private_key": pem.decode(),
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }
    assert azure.provider(credentials=credentials).list_owned() == []


@pytest.mark.parametrize("credentials", [{}, {"client_id": "x"}, {"client_secret": "planted-secret"}])
def test_what_is_missing_of_the_credentials_is_said(azure: Hands, credentials: Credentials) -> None:
    with pytest.raises(ProviderRejected, match="client_secret") as raised:
        azure.provider(credentials=credentials)
    assert "planted" not in raised.value.message


def test_a_key_that_cannot_be_read_is_not_shown(azure: Hands) -> None:
    broken = {"client_id": CLIENT_ID, "private_key": "planted-secret", "certificate": "planted-certificate"}
    with pytest.raises(ProviderRejected) as raised:
        azure.provider(credentials=broken).list_owned()
    assert "planted" not in raised.value.message and raised.value.__cause__ is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_no_answer_about_tokens_passes(azure: Hands, status: int) -> None:
    azure.cloud.trouble = Trouble(Reply(status, {}, {"retry-after": "9"}), on=lambda asked: "oauth2" in asked.path)
    with pytest.raises(Transient) as raised:
        azure.provider().list_owned()
    assert raised.value.retry_after == 9


def test_the_end_of_what_it_printed_without_its_token(azure: Hands) -> None:
    its = azure.provider()
    ref = its.start(runner())
    azure.cloud.serial[ref] = "x" * 40_000 + f"token {TOKEN}: No route to host"
    text = its.console(ref) or ""
    assert text.endswith("***: No route to host") and len(text) <= 16 * 1024
    assert its.console(RUNNER) == text and its.console(f"{BASE}-7") is None


def test_a_probe_names_what_is_missing(azure: Hands) -> None:
    assert [check for check in azure.provider().probe() if check.missing] == []
    azure.cloud.actions = ["Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/*", "Microsoft.Network/*"]
    azure.cloud.quota = True
    lacking = replace(SETTINGS, images={"amd64": {**IMAGE, "publisher": "Nobody"}}, subnet=f"{SUBNET}-none")
    azure.cloud.routes = {
        **azure.cloud.routes,
        ("GET", f"{SUBNET}-none"): lambda _: Reply(
            404, {"error": {"code": "ResourceNotFound", "message": "no subnet"}}
        ),
    }
    missing = {check.what: check.missing or "" for check in azure.provider(lacking).probe() if check.missing}
    assert "Microsoft.Compute/disks/write" in missing["permissions"] and "virtualMachines" not in missing["permissions"]
    assert "Nobody" in missing["image"] and "no subnet" in missing["network"] and "10 of 10" in missing["quota"]
