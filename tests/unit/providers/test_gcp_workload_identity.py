"""Google Cloud without a key: what AWS says of a pool is exchanged for a token, and of no other pool."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from cadence.adapters.aws import pool_identity
from cadence.adapters.aws.clients import client
from cadence.adapters.aws.pool_identity import PoolIdentity
from cadence.application.placement.ports import IdentityKeys
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected, Transient
from cadence.providers.contract import ProviderContext
from cadence.providers.gcp import workload
from cadence.providers.gcp.building import build
from cadence.providers.gcp.provider import GcpProvider
from cadence.providers.gcp.workload import Federation, session_name
from tests.doubles.cloud import Trouble
from tests.doubles.gcp import AUDIENCE, EMAIL, HERE, PROJECT, Gcp, account_key
from tests.fakes.answering import Reply
from tests.fakes.back_offs import MemoryBackOffs
from tests.unit.providers.requests import runner

pytestmark = pytest.mark.skipif(not HERE, reason="Google's discovery documents are not here (.ci/descriptions)")

ROLE = "arn:aws:iam::123456789012:role/cadence-main-pools"
SUBJECT = "arn:aws:sts::123456789012:assumed-role/cadence-main-pools/{}"
CONFIGURATION: dict[str, Any] = {
    "type": "external_account",
    "audience": AUDIENCE,
    "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
    "token_url": "https://elsewhere.example.org/token",
    "service_account_impersonation_url": f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken",
    "credential_source": {"environment_id": "aws1", "region_url": "http://169.254.169.254/latest"},
}
SETTINGS = {
    "project": PROJECT,
    "zones": ["europe-west1-b"],
    "types": [{"type": "e2-standard-2", "cpu": 2000, "memory": 8000}],
    "images": {"amd64": "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64"},
}


class Shown:
    """AWS as the double of Google knows it: keys by the session that they were taken on for."""

    region = "eu-west-1"

    def __init__(self, cloud: Gcp) -> None:
        self.cloud = cloud
        self.sessions: list[str] = []

    def keys(self, session: str) -> IdentityKeys:
        self.sessions.append(session)
        keys = IdentityKeys(f"ASIA{len(self.sessions):012}", f"secret of {session}", f"session-token-of-{session}")
        self.cloud.aws[keys.key_id] = (keys.secret, keys.token, SUBJECT.format(session))
        return keys


class World:
    def __init__(self, cloud: Gcp, url: str, clock: Any) -> None:
        self.cloud, self.url, self.clock = cloud, url, clock
        self.shown = Shown(cloud)

    def provider(self, pool: str = "par", configuration: dict[str, Any] | None = None, **more: str) -> GcpProvider:
        told = json.dumps(CONFIGURATION if configuration is None else configuration)
        credentials = {"workload_identity": told, **more}
        around = ProviderContext(
            installation="cadence-main", clock=self.clock, back_offs=MemoryBackOffs(), identity=self.shown
        )
        where = (f"{self.url}/compute/v1", f"{self.url}/v1", self.url, self.url)
        return build(
            Pool(organization="default", name=pool, provider="gcp", settings=SETTINGS), credentials, around, *where
        )

    def asked(self) -> list[str]:
        return [one.path for one in self.cloud.asked if not one.path.startswith("/compute/")]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(workload, "_tokens", type(workload._tokens)())
    cloud = Gcp()
    with cloud.serving() as url:
        yield World(cloud, url, lambda: datetime.now(UTC))


def test_a_pool_starts_runners_without_any_key(world: World) -> None:
    world.cloud.trusted = {SUBJECT.format("default.par")}
    assert world.provider().start(runner())
    assert world.provider().list_owned()
    # The token is kept from one provider to the next.
    assert world.asked() == ["/v1/token", f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"]
    assert world.shown.sessions == ["default.par"]
    assert world.cloud.wrong == []


def test_what_is_given_to_one_pool_is_given_to_no_other(world: World) -> None:
    """Whatever the owner of the other one writes into theirs: they have the very same configuration."""
    world.cloud.trusted = {SUBJECT.format("default.par")}
    with pytest.raises(ProviderRejected, match=r"workload identity is refused: .*getAccessToken.* denied"):
        world.provider("other").list_owned()
    assert world.provider("par").list_owned() == []


def test_a_role_of_the_workload_itself_needs_no_account(world: World) -> None:
    direct = {**CONFIGURATION}
    del direct["service_account_impersonation_url"]
    assert world.provider(configuration=direct).list_owned() == []
    assert world.asked() == ["/v1/token"]
    (token,) = world.cloud.given
    assert world.cloud.given[token] == SUBJECT.format("default.par")


def test_addresses_in_the_configuration_are_not_gone_by() -> None:
    wanted = Federation.from_configuration(json.dumps(CONFIGURATION))
    assert wanted == Federation(AUDIENCE, EMAIL)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "service_account"}, "of another kind"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "of another kind"),
        (
            {"audience": "//iam.googleapis.com/locations/global/workforcePools/a/providers/b"},
            "its audience is no provider",
        ),
        ({"audience": f"{AUDIENCE}/../x"}, "its audience is no provider"),
        ({"service_account_impersonation_url": "https://example.org/take"}, "is no service account"),
    ],
)
def test_another_configuration_is_refused(world: World, change: dict[str, str], words: str) -> None:
    with pytest.raises(ProviderRejected, match=words):
        world.provider(configuration={**CONFIGURATION, **change})
    assert world.cloud.asked == []


def test_no_file_and_two_kinds_are_refused(world: World) -> None:
    with pytest.raises(ProviderRejected, match="it is no such file"):
        build(
            Pool(organization="default", name="par", provider="gcp", settings=SETTINGS), ({"workload_identity": "nothing"}),
            ProviderContext(installation="cadence-main", clock=world.clock, back_offs=MemoryBackOffs(), identity=world.shown),
        )  # fmt: skip
    with pytest.raises(ProviderRejected, match="give no key"):
        world.provider(service_account_key=account_key())
    nobody = ProviderContext(installation="cadence-main", clock=world.clock, back_offs=MemoryBackOffs())
    told = {"workload_identity": json.dumps(CONFIGURATION)}
    with pytest.raises(ProviderRejected, match="This installation has no identity of AWS"):
        build(Pool(organization="default", name="par", provider="gcp", settings=SETTINGS), told, nobody)


def test_what_google_does_not_believe_is_told_without_secrets(world: World) -> None:
    keys = world.shown.keys
    world.shown.keys = lambda session: replace(keys(session), secret="made up")  # type: ignore[method-assign]
    with pytest.raises(ProviderRejected, match="Received invalid AWS response") as refused:
        world.provider().list_owned()
    assert "made up" not in str(refused.value) and "session-token" not in str(refused.value)


def test_google_that_is_busy_is_asked_again_later(world: World) -> None:
    world.cloud.trouble = Trouble(Reply(503, {"error": "temporarily_unavailable"}, {"retry-after": "7"}))
    with pytest.raises(Transient, match=r"the token endpoint is not available now \(503\)") as busy:
        world.provider().list_owned()
    assert busy.value.retry_after == 7


def test_a_session_is_named_after_one_pool_only() -> None:
    assert session_name("acme", "par") == "acme.par"
    long = "a" * 63
    assert len(session_name(long, long)) == 48
    assert session_name(long, "par") != session_name(long, "lon")


def test_the_installation_takes_its_role_on_and_keeps_what_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        sts = client.__wrapped__("sts")
        monkeypatch.setattr(pool_identity, "client", lambda service: sts)
        identity = PoolIdentity(ROLE)
        keys = identity.keys("default.par")
        assert identity.keys("default.par") is keys
        assert identity.keys("default.lon").key_id != keys.key_id
        assert keys.secret not in repr(keys) and keys.token not in repr(keys)
