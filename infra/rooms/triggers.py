"""Room ``triggers``: the queue of deliveries, and the schedules of pipelines."""

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.functions import role_of
from infra.rooms.room import Room
from infra.row.queues import DELIVERIES
from infra.shared import Shared


class TriggersRoom(Room):
    """Schedules are created at run time, in one group, and send their messages with one role."""

    name = "triggers"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._schedules = Construct(self, "Schedules")
        scheduler.CfnScheduleGroup(self._schedules, "Group", name=shared.resources.schedules_group)
        deliveries = self.queues[DELIVERIES.name]
        # A schedule that could not send its message reports that to the dead-letter queue.
        queues = [deliveries.queue.queue_arn, deliveries.failed.queue_arn]
        sends = iam.PolicyStatement(actions=["sqs:SendMessage"], resources=queues)
        self._role = iam.Role(
            self._schedules,
            "Role",
            # EventBridge Scheduler serves every account: only schedules of this one may assume the role.
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
            inline_policies={"send": iam.PolicyDocument(statements=[sends])},
        )

    def settings(self) -> Mapping[str, str]:
        return {
            **super().settings(),
            "schedules_group": self.shared.resources.schedules_group,
            "schedules_role_arn": self._role.role_arn,
        }

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Lets ``api`` pass the role to the schedules that it creates."""
        iam.Policy(
            self._schedules,
            "PassRole",
            statements=[
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[self._role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
                )
            ],
        ).attach_to_role(role_of(functions["api"]))
