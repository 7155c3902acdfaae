"""What a provider's Lambda answers about a pool, and which provider serves it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.application.placement.ports import CredentialsDescription
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import InvalidRequest, NotFound, ProviderRejected
from cadence.providers.contract import Check, Credentials, Provider, ProviderContext
from cadence.providers.operations import Operations
from cadence.providers.provider_cache import CachedProviders
from tests.fakes.back_offs import MemoryBackOffs
from tests.fakes.cloud import MemoryCloud
from tests.fakes.services import ManualClock, MemoryPools
from tests.unit.providers.test_calling_home import World


class Kept:
    """Credentials of every pool."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {"token": "t-1"}

    def get(self, pool: Pool) -> dict[str, str]:
        return dict(self.values)

    def put(self, pool: Pool, credentials: Any, at: datetime) -> CredentialsDescription:
        raise AssertionError("a provider only reads")

    def remove(self, pool: Pool) -> None:
        raise AssertionError("a provider only reads")

    def describe(self, pool: Pool) -> CredentialsDescription:
        raise AssertionError("a provider only reads")


class Remembered:
    def __init__(self) -> None:
        self.pools = MemoryPools([Pool(organization="acme", name="near", provider="fake")])
        self.credentials = Kept()
        self.seconds = 0.0
        self.built: list[tuple[Pool, Credentials]] = []
        surroundings = ProviderContext(installation="cadence-main", clock=ManualClock(), back_offs=MemoryBackOffs())
        self.providers = CachedProviders(
            "fake", self.pools, self.credentials, self._build, surroundings, lambda: self.seconds
        )

    def _build(self, pool: Pool, credentials: Credentials, its: ProviderContext) -> Provider:
        self.built.append((pool, credentials))
        return MemoryCloud(its.clock)


def test_a_provider_is_kept_for_a_while_then_credentials_are_read_again() -> None:
    its = Remembered()
    first = its.providers.get("acme", "near")
    its.credentials.values = {"token": "t-2"}
    its.seconds = 29
    assert its.providers.get("acme", "near") is first
    its.seconds = 31
    assert its.providers.get("acme", "near") is not first
    assert [credentials["token"] for _, credentials in its.built] == ["t-1", "t-2"]


def test_a_changed_pool_is_served_as_it_is_now() -> None:
    its = Remembered()
    first = its.providers.get("acme", "near")
    its.pools.pools = [Pool(organization="acme", name="near", provider="fake", settings={"region": "fr-par"})]
    assert its.providers.get("acme", "near") is not first


def test_a_pool_of_another_provider_is_refused() -> None:
    its = Remembered()
    its.pools.pools = [Pool(organization="acme", name="near", provider="other")]
    with pytest.raises(ProviderRejected, match="gets its runners from other by now"):
        its.providers.get("acme", "near")
    with pytest.raises(NotFound):
        its.providers.get("acme", "nowhere")


def test_what_a_lambda_answers() -> None:
    world = World()
    cloud = world.clouds["near"]
    cloud.checks = (Check("quota", "64 of 64 vCPU are in use", "ask for more"),)
    operations = Operations(start=world.begin, release=None, providers=lambda _, pool: world.clouds[pool])  # type: ignore[arg-type]
    world.start()
    about = {"organization": "acme", "pool": "near"}
    ref = next(iter(cloud.machines))
    cloud.printed[ref] = "cloud-init: no route to host"
    (listed,) = (operations.handle({"operation": "list", **about}) or {})["machines"]
    assert (listed["ref"], listed["condition"], listed["offer"]) == (ref, "starting", "small")
    assert datetime.fromisoformat(listed["expires_at"]) > datetime(2030, 1, 1, tzinfo=UTC)
    assert operations.handle({"operation": "describe", "ref": ref, **about}) == listed
    assert operations.handle({"operation": "probe", **about}) == {
        "checks": [{"what": "quota", "missing": "64 of 64 vCPU are in use", "hint": "ask for more"}]
    }
    assert operations.handle({"operation": "console", "ref": ref, **about}) == {"text": "cloud-init: no route to host"}
    with pytest.raises(InvalidRequest, match="knows no operation 'dance'"):
        operations.handle({"operation": "dance", **about})
