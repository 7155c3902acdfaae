"""The state machines, for the Lambdas that start executions or answer their tokens."""

from typing import Protocol

from cadence.adapters.aws.step_functions import StepFunctionsMachines
from cadence.adapters.dynamodb.runs.task_tokens import DynamoTaskTokens


class _Settings(Protocol):
    """What a Lambda's settings have to name."""

    @property
    def run_machine_arn(self) -> str: ...

    @property
    def treatment_machine_arn(self) -> str: ...

    @property
    def runs_table(self) -> str: ...


def state_machines(config: _Settings) -> StepFunctionsMachines:
    tokens = DynamoTaskTokens(config.runs_table)
    return StepFunctionsMachines(config.run_machine_arn, config.treatment_machine_arn, tokens)
