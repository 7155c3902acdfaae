"""`LiveRuns`: asks Step Functions, once an hour, whether any run's machine is running."""

from typing import Any


class StepFunctionsLiveRuns:
    def __init__(self, client: Any, run_machine_arn: str) -> None:
        self._client = client
        self._machine = run_machine_arn

    def any(self) -> bool:
        running = self._client.list_executions(stateMachineArn=self._machine, statusFilter="RUNNING", maxResults=1)
        return bool(running["executions"])
