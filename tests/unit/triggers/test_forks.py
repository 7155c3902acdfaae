"""What pull requests from forks are not given."""

import pytest

from cadence.domain.pipelines.forks import WITHHELD, withhold
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.triggers.git_events import from_fork

PLAIN = TreatmentSpec(name="test", run="make test")
SECRET = TreatmentSpec(name="deploy", run="make deploy", secrets={"TOKEN": "deploy-key"})
EACH = TreatmentSpec(name="each", kind=TreatmentKind.EACH, each="item", instance=SECRET)
FORK = {"kind": "pull_request", "fork": True}


@pytest.mark.parametrize(
    ("event", "fork"),
    [
        (FORK, True),
        ({"kind": "pull_request", "fork": False}, False),
        ({"kind": "pull_request"}, True),
        ({"kind": "pull_request", "fork": "false"}, True),
        ({"kind": "push"}, False),
        ({"kind": "pipeline", "fork": True}, True),
        ({"kind": "trigger"}, False),
        ({}, False),
    ],
)
def test_what_came_from_a_fork(event, fork):
    assert from_fork(event) is fork


def test_only_treatments_with_secrets_are_skipped():
    plain, secret, each = withhold((PLAIN, SECRET, EACH), FORK)

    assert plain == PLAIN
    assert secret.never == each.never == WITHHELD
    assert each.instance is not None
    assert each.instance.never == WITHHELD


def test_nobody_else_is_kept_from_them():
    assert withhold((PLAIN, SECRET, EACH), {"kind": "pull_request", "fork": False}) == (PLAIN, SECRET, EACH)
