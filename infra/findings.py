"""Accepted findings of cdk-nag (rule pack AwsSolutions), each with its reason.

This is also the list of what a ``*`` in a permission may stand for: any other wildcard fails ``make check``.
"""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct

from infra.resources import Resources

_PACK = "AwsSolutions"


def accept(construct: Construct, rule: str, reason: str) -> None:
    """Accepts a finding on ``construct`` and the constructs inside it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{_PACK}::{_PACK}-{rule}", reason=reason))


def accept_wildcard(construct: Construct, arn: str, reason: str) -> None:
    """Accepts that a permission inside ``construct`` is given on ``arn``, which has a ``*`` in it."""
    accept(construct, f"IAM5[Resource::{_as_reported(Stack.of(construct), arn)}]", reason)


def accept_shared_wildcards(stack: Stack, resources: Resources) -> None:
    """Accepts the wildcards that several roles have: keys and names that are known only at run time."""
    for arn, reason in shared_wildcards(resources).items():
        if "*" in arn:
            accept_wildcard(stack, arn, reason)


def shared_wildcards(resources: Resources) -> Mapping[str, str]:
    """Returns ARNs with a wildcard, and why each cannot be narrower."""
    return {
        resources.task_tokens("run"): "Only on the local stack, which does not know the machine of a token.",
        resources.data("documents/*"): "A document's key is its digest.",
        resources.data("deliveries/*"): "The key of a webhook's body is its digest.",
        resources.data("caches/*"): "Keys of caches begin with the organization, the project and the entry's id.",
        resources.data("sources/*"): "The key of a commit's files ends with their digest.",
        resources.data("splits/*"): "Keys of parts of the search index begin with organization and project.",
        resources.data("uploads/*"): "Keys of what engines upload begin with the run's id.",
        resources.data("dead-letters/*"): "Keys of dead letters end with the number that the stream gave the record.",
        resources.data("runs/*"): "Keys of values and log segments begin with the run's id.",
        resources.data("runs/*/tests/*"): "Keys of results of tests have the run's id and the treatment in them.",
        resources.data("runs/*/melodium/secrets"): "Each run of an engine has one, which its workers read.",
        resources.changes("access"): "DynamoDB names the stream of a table's changes after the time of its creation.",
        resources.changes("runs"): "DynamoDB names the stream of a table's changes after the time of its creation.",
        resources.changes("logs"): "DynamoDB names the stream of a table's changes after the time of its creation.",
        resources.live_connections(): "AWS gives the API and each connection its id.",
        resources.queue("work-notification-*"): "A pool of hosts gets its own queue when the pool is created.",
        resources.topic("alerts-*"): "A channel of an alert gets its own topic when it is first used.",
        resources.schedules(): "Names of schedules derive from the pipelines that have them.",
        resources.stack(resources.log_stream_stack_name): "Each time the stack is created it gets another id.",
        **{
            resources.anywhere(
                "ec2", f"{kind}/*"
            ): "A pool's settings name the region; conditions restrict it to tagged resources."
            for kind in (
                *("instance", "volume", "launch-template"),
                *("image", "network-interface", "security-group", "subnet"),
            )
        },
        resources.anywhere(
            "ecs", "task/*"
        ): "A pool's settings name the region; conditions restrict it to tagged resources.",
        resources.anywhere("ecs", "task-definition/cadence-*"): "Definitions are named after their content.",
        resources.anywhere(
            "ssm", "parameter/aws/service/*"
        ): "AWS publishes the ids of its images there, for everyone.",
        resources.anywhere(
            "ssm", "parameter/cadence/*"
        ): "Parameters with ids of images, which a pool's settings name.",
        resources.runner_roles(): "A pool's settings name the role of its runners; its name has to permit that.",
        resources.anywhere("logs", "log-group:*"): "A pool's settings name the log group of its tasks.",
        resources.function("provider_*"): "The placement of a treatment names the provider.",
    }


def _as_reported(stack: Stack, arn: str) -> str:
    """Returns an ARN as cdk-nag writes it: ``<AWS::Region>`` in place of a reference."""
    for token, name in ((stack.partition, "Partition"), (stack.region, "Region"), (stack.account, "AccountId")):
        arn = arn.replace(token, f"<AWS::{name}>")
    return arn
