"""Room ``scheduling``: the state machine of treatments, and the queues of deadlines and wake-ups."""

from collections.abc import Mapping

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn

from infra.alarms import Alarms
from infra.rooms.room import Room
from infra.row.queues import DEADLINES
from infra.shared import Shared
from infra.state_machines import create_state_machine


class SchedulingRoom(Room):
    """Each treatment that is ready is an execution of the state machine ``treatment``."""

    name = "scheduling"
    _machine: sfn.StateMachine

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        # An execution that broke has not settled its run or treatment: the watchdog does it instead.
        machines = [shared.resources.machine(name) for name in ("run", "treatment")]
        events.Rule(
            self,
            "BrokenExecutions",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"status": ["FAILED", "TIMED_OUT", "ABORTED"], "stateMachineArn": machines},
            ),
            targets=[targets.SqsQueue(self.queues[DEADLINES.name].queue)],
        )

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "treatment_machine_arn": self.shared.resources.machine("treatment")}

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Creates the state machine, which invokes Lambdas that themselves start and answer it."""
        self._machine = create_state_machine(self, self.shared, "treatment", functions)

    def add_alarms(self, alarms: Alarms) -> None:
        super().add_alarms(alarms)
        alarms.on_machine("treatment", self._machine)
