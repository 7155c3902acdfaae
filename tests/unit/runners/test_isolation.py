"""What pools ask of hosts to keep treatments of different projects apart."""

from typing import Any

import pytest

from cadence.adapters.http.pool_settings_schema import check_settings
from cadence.domain.placement.pool import HostIsolation, Pool


@pytest.mark.parametrize(
    ("projects", "settings", "isolation"),
    [
        (("*",), {}, HostIsolation(required=True, private_network=False)),
        (("a", "b"), {}, HostIsolation(required=True, private_network=False)),
        (("a",), {}, HostIsolation(required=False, private_network=False)),
        (("*",), {"require_sandbox": False}, HostIsolation(required=False, private_network=False)),
        (
            ("a",),
            {"require_sandbox": True, "private_network": True},
            HostIsolation(required=True, private_network=True),
        ),
    ],
    ids=["all projects", "several projects", "one project", "switched off", "switched on"],
)
def test_a_sandbox_is_required_where_several_projects_share_hosts(
    projects: tuple[str, ...], settings: dict[str, Any], isolation: HostIsolation
) -> None:
    pool = Pool(organization="default", name="p", provider="host", projects=projects, settings=settings)
    assert pool.isolation == isolation
    assert list(check_settings("host", settings)) == []


def test_machines_that_are_made_for_one_treatment_are_asked_for_nothing() -> None:
    assert Pool(organization="default", name="p", provider="aws_ec2").isolation is None


def test_settings_are_truth_values() -> None:
    found = [one.pointer for one in check_settings("host", {"require_sandbox": "yes", "private_network": 1})]
    assert sorted(found) == ["/settings/private_network", "/settings/require_sandbox"]
