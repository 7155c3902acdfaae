"""Every statement of the templates for AWS, held against AWS's service authorization reference."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from tests.infrastructure.assembly import Assembly
from tests.infrastructure.authorization import Grant, Resolver, faults, missing_types, needs, of_statement

pytestmark = pytest.mark.slow

# What the reference does not say, and AWS says elsewhere: the action, and the end of the ARN.
_BEYOND_THE_REFERENCE = {
    # "Lambda triggers" in DynamoDB's guide lets the poller's role list streams on the stream itself.
    ("dynamodb:ListStreams", "/stream/"),
    # A token belongs to a machine, whose ARN is checked (the CDK's `grant_task_response` relies on it).
    ("states:SendTaskFailure", ":stateMachine:"),
    ("states:SendTaskSuccess", ":stateMachine:"),
}

# Actions that the reference lists as needed, and why these calls do not need them.
_NOT_NEEDED = {
    ("cloudformation:DescribeStacks", "cloudformation:ListStacks"): "Only for a call that names no stack.",
    ("sns:CreateTopic", "iam:PassRole"): "Only for a topic that logs its deliveries.",
    # Quotas of these services are read with their own actions; a pool reads those of EC2 and Fargate.
    **{
        ("servicequotas:GetServiceQuota", other): "Only for quotas of that service."
        for other in (
            "autoscaling:DescribeAccountLimits",
            "cloudformation:DescribeAccountLimits",
            "dynamodb:DescribeLimits",
            "elasticloadbalancing:DescribeAccountLimits",
            "iam:GetAccountSummary",
            "kinesis:DescribeLimits",
            "rds:DescribeAccountAttributes",
            "route53:GetAccountLimit",
        )
    },
}

# Types of resources that the reference requires of every call, and why these calls have none.
_NOT_IN_THE_CALL = {
    ("kinesis:ListTagsForResource", "consumer"): "The stream's tags are listed, which has no consumer.",
    ("kinesis:StartStreamEncryption", "kmsKey"): "The key is AWS's own, alias/aws/kinesis.",
    ("states:ListExecutions", "maprun"): "Executions of a machine are listed, not those of a map.",
}

# What the reference does not name as needed: CloudFormation tags what it creates.
_ALSO_NEEDED = {"lambda:CreateEventSourceMapping": ("lambda:TagResource",)}
_BY_CLOUDFORMATION = "LogStreamRole"


def test_every_statement_of_a_role_allows_what_it_says(aws: Assembly) -> None:
    grants = _grants(aws)
    assert len(grants) > 500
    assert list(_wrong(grants)) == []


def test_every_role_has_all_that_its_actions_need(aws: Assembly) -> None:
    assert list(_lacking(_grants(aws))) == []


def test_policies_of_resources_name_actions_and_conditions_that_exist(aws: Assembly) -> None:
    resolver = _resolver(aws)
    found = [
        fault
        for kind, document in (
            ("AWS::KMS::Key", "KeyPolicy"),
            ("AWS::S3::BucketPolicy", "PolicyDocument"),
            ("AWS::SNS::TopicPolicy", "PolicyDocument"),
            ("AWS::SQS::QueuePolicy", "PolicyDocument"),
        )
        for name, properties in aws.of_type(kind).items()
        for statement in properties[document]["Statement"]
        for grant in of_statement(name, statement, resolver)
        for fault in faults(grant)
    ]
    assert found == []


def test_every_exception_is_in_use(aws: Assembly) -> None:
    grants = _grants(aws)
    actions = {grant.action for grant in grants}
    assert {action for action, _ in _BEYOND_THE_REFERENCE} <= actions
    assert {action for action, _ in (*_NOT_NEEDED, *_NOT_IN_THE_CALL)} <= actions
    assert all(needed in needs(action) for action, needed in _NOT_NEEDED)


def test_tagging_a_mapping_under_a_condition_on_its_lambda_is_found(aws: Assembly) -> None:
    """The log stream could not come back after it was parked."""
    broken = [
        dataclasses.replace(grant, keys=("lambda:FunctionArn",)) if grant.action == "lambda:TagResource" else grant
        for grant in _grants(aws)
    ]
    (fault,) = _wrong(broken)
    assert "lambda:TagResource" in fault
    assert "does not know the condition lambda:FunctionArn" in fault


@pytest.mark.parametrize(
    ("action", "needed", "by"),
    [
        ("iam:PassRole", "ecs:RunTask needs iam:PassRole", "AwsFargate"),
        ("iam:PassRole", "ec2:RunInstances needs iam:PassRole", "AwsEc2"),
        ("ssm:GetParameters", "ec2:RunInstances needs ssm:GetParameters", "AwsEc2"),
        ("lambda:TagResource", "lambda:CreateEventSourceMapping needs lambda:TagResource", _BY_CLOUDFORMATION),
    ],
)
def test_a_role_without_what_its_actions_need_is_found(aws: Assembly, action: str, needed: str, by: str) -> None:
    broken = [grant for grant in _grants(aws) if not (grant.action == action and by in grant.owner)]
    assert any(needed in fault and by in fault for fault in _lacking(broken))


@pytest.mark.parametrize(
    ("grant", "fault"),
    [
        (Grant("r", "s3:ListBucket", ("arn:aws:s3:::data/runs/*",), ()), "does not act on"),
        (Grant("r", "s3:GetObject", ("arn:aws:s3:::data",), ()), "does not act on"),
        (Grant("r", "dynamodb:GetItem", ("arn:aws:dynamodb:eu-west-3:1:table/runs/index/listing",), ()), "act on"),
        (Grant("r", "sqs:SendMessages", ("*",), ()), "is no action of AWS"),
        (Grant("r", "nothing:Do", ("*",), ()), "is no action of AWS"),
        (Grant("r", "kms:Nothing*", ("*",), ()), "no action is named like"),
        (Grant("r", "ec2:DescribeImages", ("arn:aws:ec2:*::image/*",), ()), "it needs *"),
        (Grant("r", "sqs:SendMessage", ("*",), ("aws:ResourceTag/x", "s3:prefix")), "the condition s3:prefix"),
    ],
    ids=lambda value: value.action if isinstance(value, Grant) else "",
)
def test_what_allows_nothing_is_found(grant: Grant, fault: str) -> None:
    assert any(fault in found for found in faults(grant))


@pytest.mark.parametrize(
    "grant",
    [
        Grant("r", "s3:GetObject", ("arn:aws:s3:::data/runs/*",), ("aws:SecureTransport",)),
        Grant("r", "dynamodb:Query", ("arn:aws:dynamodb:eu-west-3:1:table/runs/index/listing",), ()),
        Grant("r", "kms:Decrypt", ("*",), ("kms:EncryptionContext:provider",)),
        Grant("r", "lambda:InvokeFunction", ("arn:aws:lambda:eu-west-3:1:function:provider-*",), ()),
        Grant("r", "ssm:GetParameters", ("arn:aws:ssm:*::parameter/aws/service/*",), ()),
    ],
    ids=lambda grant: grant.action,
)
def test_what_is_right_is_not(grant: Grant) -> None:
    assert list(faults(grant)) == []


def _wrong(grants: Iterable[Grant]) -> Iterator[str]:
    for grant in grants:
        known = tuple(
            arn for arn in grant.arns if not any(grant.action == a and end in arn for a, end in _BEYOND_THE_REFERENCE)
        )
        yield from faults(dataclasses.replace(grant, arns=known))


def _lacking(grants: Iterable[Grant]) -> Iterator[str]:
    roles: Mapping[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for grant in grants:
        roles[grant.owner][grant.action].extend(grant.arns)
    for role, allowed in roles.items():
        for action, arns in allowed.items():
            for needed in _needed(role, action) - allowed.keys():
                yield f"{role}: {action} needs {needed}."
            for kind in missing_types(action, arns):
                if (action, kind) not in _NOT_IN_THE_CALL:
                    yield f"{role}: {action} always acts on {kind}, which is not allowed."


def _needed(role: str, action: str) -> set[str]:
    by_reference = {one for one in needs(action) if (action, one) not in _NOT_NEEDED}
    return by_reference.union(_ALSO_NEEDED.get(action, ()) if _BY_CLOUDFORMATION in role else ())


def _grants(assembly: Assembly) -> list[Grant]:
    """Everything that roles are allowed; what a policy adds is its roles'."""
    resolver = _resolver(assembly)
    return [
        grant
        for owner, document in _documents(assembly)
        for statement in document["Statement"]
        for grant in of_statement(owner, statement, resolver)
    ]


def _documents(assembly: Assembly) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, properties in assembly.of_type("AWS::IAM::Role").items():
        yield from ((name, policy["PolicyDocument"]) for policy in properties.get("Policies", ()))
    for properties in assembly.of_type("AWS::IAM::Policy").values():
        owners = (*properties.get("Roles", ()), *properties.get("Groups", ()), *properties.get("Users", ()))
        yield from ((owner["Ref"], properties["PolicyDocument"]) for owner in owners)


def _resolver(assembly: Assembly) -> Resolver:
    return Resolver({name: resource["Type"] for name, resource in assembly.all()})
