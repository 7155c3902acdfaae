"""Room ``runs``: the state machine of runs."""

from collections.abc import Mapping

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn

from infra.alarms import Alarms
from infra.rooms.room import Room
from infra.state_machines import create_state_machine


class RunsRoom(Room):
    """Each run is an execution of the state machine ``run``."""

    name = "runs"
    _machine: sfn.StateMachine

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "run_machine_arn": self.shared.resources.machine("run")}

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Creates the state machine, which invokes Lambdas that themselves start and answer it."""
        self._machine = create_state_machine(self, self.shared, "run", functions)

    def add_alarms(self, alarms: Alarms) -> None:
        super().add_alarms(alarms)
        alarms.on_machine("run", self._machine)
