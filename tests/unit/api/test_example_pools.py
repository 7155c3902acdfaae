"""The examples of pools are what the API takes."""

from pathlib import Path

import pytest
import yaml

from api.routes.placement.pool_shapes import PoolBody
from cadence.adapters.http.pool_settings_schema import check_settings
from cadence.domain.values.value_retention import ValueCapture, ValuePolicy

POOLS = Path(__file__).resolve().parents[3] / "examples" / "pools"


@pytest.mark.parametrize("path", sorted(POOLS.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_is_a_pool(path: Path) -> None:
    body = PoolBody.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert [*body.violations(), *check_settings(body.provider, body.settings)] == []


def test_the_example_of_values_keeps_what_it_says() -> None:
    body = PoolBody.model_validate(yaml.safe_load((POOLS / "digests-in-europe.yaml").read_text(encoding="utf-8")))
    policy = body.pool("default", "eu", None).policy
    assert (policy.residency, policy.values) == (
        "eu",
        ValuePolicy(ValueCapture.DIGEST, "acme-values-eu", "eu-central-1"),
    )
