"""Room ``logs``: log lines, and the role with which ``log_stream`` removes and creates the stack of their stream."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.alarms import Alarms
from infra.functions import role_of
from infra.log_stream_stack import LogStreamRole
from infra.queues import failed_queue
from infra.rooms.room import Room
from infra.row.queues import LOG_LINES_FAILED
from infra.shared import Shared


class LogsRoom(Room):
    """The stream itself lies in a stack of its own (``infra.log_stream_stack``)."""

    name = "logs"
    _indexer: lambda_.Function

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._unindexed = failed_queue(Construct(self, "LogLines"), shared.deployment, LOG_LINES_FAILED)
        self.failed["log-lines"] = self._unindexed
        self._role = LogStreamRole(self, "LogStream", shared.resources).role

    def settings(self) -> Mapping[str, str]:
        resources = self.shared.resources
        return {
            **super().settings(),
            "log_stream_name": resources.log_lines_name,
            "log_stream_stack": resources.log_stream_stack_name,
            "log_stream_role_arn": self._role.role_arn,
            "log_stream_policy": self.shared.deployment.log_stream,
            "failed_log_lines_queue_url": self._unindexed.queue_url,
            "log_mebibytes": str(self.shared.deployment.log_mebibytes),
            "project_log_mebibytes": str(self.shared.deployment.project_log_mebibytes),
        }

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Lets ``log_stream`` pass its role to CloudFormation."""
        self._indexer = functions["log_indexer"]
        iam.Policy(
            self,
            "PassLogStreamRole",
            statements=[
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[self._role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
                )
            ],
        ).attach_to_role(role_of(functions["log_stream"]))

    def add_alarms(self, alarms: Alarms) -> None:
        super().add_alarms(alarms)
        alarms.on_indexing(self._indexer)
