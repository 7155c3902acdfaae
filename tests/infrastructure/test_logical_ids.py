"""Logical ids are those that the CDK gives to resources without their room."""

import pytest

from infra.logical_ids import logical_id

_LONG = "A-Resource_with/a-name".replace("/", "-") * 12


@pytest.mark.parametrize(
    "path",
    [
        ("ApiUrl",),
        ("Tables", "Runs", "Resource"),
        ("Deliveries", "Queue", "Policy", "Resource"),
        ("Functions", "MelodiumReports"),
        ("PublicApi", "Api", "Default", "POST--webhooks--{kind}--{hook}", "Resource"),
        ("Machines", "Machines", "TheMachines", "Machines"),
        ("Queue", "Resource", "Resource"),
        ("Functions", _LONG, "Resource"),
    ],
    ids=lambda path: "/".join(path)[:40],
)
def test_a_room_does_not_change_ids(path: tuple[str, ...]) -> None:
    import aws_cdk
    from constructs import Construct

    stack = aws_cdk.Stack(aws_cdk.App(), "Stack")
    scope: Construct = stack
    for name in path[:-1]:
        scope = Construct(scope, name)
    resource = aws_cdk.CfnResource(scope, path[-1], type="AWS::SNS::Topic")
    by_cdk = stack.resolve(resource.logical_id)
    assert logical_id(path, rooms=["Triggers"]) == by_cdk
    assert logical_id(("Triggers", *path), rooms=["Triggers"]) == by_cdk
