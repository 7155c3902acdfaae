"""What the words of an OpenStack's refusals mean."""

from typing import Any

import pytest

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict, Transient
from cadence.providers.openstack.services import OpenStackDialect
from cadence.providers.rest import RestResponse


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        # A page of a list was asked for after a server that another call had deleted.
        (400, {"badRequest": {"code": 400, "message": "marker [b269a0a0-f25f] not found"}}, Transient),
        (413, {"overLimit": {"code": 413, "message": "too many requests"}}, Transient),
        (403, {"forbidden": {"code": 403, "message": "Quota exceeded for cores"}}, CapacityExhausted),
        (409, {"conflictingRequest": {"code": 409, "message": "Cannot 'delete' while it is in task_state x"}}, Conflict),
        (400, {"badRequest": {"code": 400, "message": "Invalid flavorRef provided."}}, None),
    ],
)  # fmt: skip
def test_what_they_mean(status: int, body: dict[str, Any], error: type[CadenceError] | None) -> None:
    answer, dialect = RestResponse(status, {}, body), OpenStackDialect()
    assert dialect.decide(dialect.read(answer), answer) is error
