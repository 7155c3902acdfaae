"""What a deployment may be told."""

import aws_cdk
import pytest

from cadence.domain.retention import KEPT
from infra.settings import read_deployment


def test_nothing_is_kept_longer_than_what_leads_to_it() -> None:
    assert read_deployment(aws_cdk.App(context={"retention_days": KEPT.days}).node).retention_days == KEPT.days
    with pytest.raises(ValueError, match=r"retention_days.* from 1 to 90"):
        read_deployment(aws_cdk.App(context={"retention_days": KEPT.days + 1}).node)
