"""Where the schedules of pipelines are kept, and what they may do."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.queues import WorkQueue
from infra.resources import Resources


class PipelineSchedules(Construct):
    """The group of all schedules, and the role with which each sends its message, or tells that it could not."""

    def __init__(self, scope: Construct, construct_id: str, resources: Resources, deliveries: WorkQueue) -> None:
        super().__init__(scope, construct_id)
        scheduler.CfnScheduleGroup(self, "Group", name=resources.schedules_group)
        queues = [deliveries.queue.queue_arn, deliveries.failed.queue_arn]
        sends = iam.PolicyStatement(actions=["sqs:SendMessage"], resources=queues)
        self.role = iam.Role(
            self,
            "Role",
            # EventBridge Scheduler serves every account: only schedules of this one may take the role on.
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
            inline_policies={"send": iam.PolicyDocument(statements=[sends])},
        )

    def let_schedule(self, function: lambda_.Function) -> None:
        """Whoever creates a schedule hands it the role."""
        iam.Policy(
            self,
            "PassRole",
            statements=[
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[self.role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
                )
            ],
        ).attach_to_role(_role_of(function))


def _role_of(function: lambda_.Function) -> iam.IRole:
    if function.role is None:
        raise ValueError(f"{function.node.path} has no role")
    return function.role
