"""Settings that pools of every provider may have."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cadence.adapters.http.pool_settings_schema import check_settings
from cadence.domain.placement.pool import PROVIDERS, Pool
from cadence.domain.shared.schemas import schema
from cadence.providers.openstack.settings import OpenStackSettings
from cadence.providers.vsphere.settings import VSphereSettings

PAGES = Path(__file__).parents[3] / "docs" / "providers"


def example(provider: str) -> dict[str, Any]:
    """As the provider's page has it."""
    found = re.search(r"```json\n(.*?)```", (PAGES / f"{provider}.md").read_text(), re.DOTALL)
    assert found
    settings: dict[str, Any] = json.loads(found[1])["settings"]
    return settings


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_pool_is_to_melodium_engines_is_said_in_one_way(provider: str) -> None:
    assert schema(f"pool-settings/{provider}")["properties"]["melodium"] == schema("pool-settings/host")["properties"]["melodium"]  # fmt: skip

    def wrong(said: Any) -> list[str]:
        return [one.pointer for one in check_settings(provider, {"melodium": said}) if "melodium" in one.pointer]

    assert wrong({"modes": ["shared", "self_managed"], "containers_arch": "required"}) == []
    bad: list[Any] = [{"modes": ["cheap"]}, {"containers_arch": "any"}, {"mode": []}, []]
    for said in bad:
        (pointer,) = wrong(said)
        assert pointer.startswith("/settings/melodium")


@pytest.mark.parametrize(("provider", "read"), [("openstack", OpenStackSettings), ("vsphere", VSphereSettings)])
def test_a_provider_reads_its_own_settings_only(provider: str, read: Any) -> None:
    settings = example(provider)
    said = {**settings, "melodium": {"modes": ["shared"]}, "boot": {}}
    own = {name: value for name, value in settings.items() if name != "boot"}
    assert read.from_json(
        Pool(organization="acme", name="p", provider=provider, settings=said).own_settings
    ) == read.from_json(own)
