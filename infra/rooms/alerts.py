"""Room ``alerts``: the queue of events that alert rules judge."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.findings import accept_wildcard
from infra.functions import role_of
from infra.rooms.room import Room


class AlertsRoom(Room):
    """While there is no alert rule, no Lambda polls the queue, since polling is billed."""

    name = "alerts"

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "alert_topic_prefix": self.shared.resources.topic("alerts-")}

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Lets ``api`` connect the queue to ``alerts`` with the first alert rule, and disconnect it with the last."""
        resources = self.shared.resources
        # MiniStack does not know the condition, and would refuse the call.
        only_alerts = (
            None
            if self.shared.deployment.is_local
            else {"ArnEquals": {"lambda:FunctionArn": resources.function("alerts")}}
        )
        mappings = resources.event_source_mappings()
        policy = iam.Policy(
            self,
            "Listen",
            statements=[
                # Creating and listing do not act on a resource; the condition restricts the former.
                iam.PolicyStatement(
                    actions=["lambda:CreateEventSourceMapping"], resources=["*"], conditions=only_alerts
                ),
                iam.PolicyStatement(
                    actions=["lambda:DeleteEventSourceMapping"], resources=[mappings], conditions=only_alerts
                ),
                iam.PolicyStatement(actions=["lambda:ListEventSourceMappings"], resources=["*"]),
            ],
        )
        policy.attach_to_role(role_of(functions["api"]))
        accept_wildcard(policy, mappings, "AWS gives a mapping its id; a condition narrows it.")
        accept_wildcard(policy, "*", "Creating and listing mappings know no resource; a condition narrows the first.")
