"""`Machines` on AWS Step Functions."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client, may_succeed_later
from cadence.adapters.aws.retry import insisting
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.scheduling.machine_step import MachineStep
from cadence.domain.shared.errors import CadenceError, Transient, machine_error_name
from cadence.domain.shared.ids import run_execution, treatment_id

# A token is valid until its state has ended; afterwards no execution waits for the answer.
_TOO_LATE = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})
_NO_ROOM = frozenset({"ExecutionLimitExceeded", "TooManyRequestsException"})
_MAX_CAUSE = 32_000


class TaskTokens(Protocol):
    """Task tokens under short names."""

    def keep(self, runner_id: str, token: str, at: datetime) -> str:
        """Stores a token that waits for a runner and returns its name, which tells the runner."""

    def token(self, name: str) -> str | None:
        """Returns the token of a name, None if it is gone; anything but a name is a token itself."""

    def kept_until(self, runner_id: str, moment: datetime) -> Sequence[str]:
        """Returns the tokens that were kept for a runner until a moment."""


class StepFunctionsMachines:
    def __init__(self, run_machine_arn: str, treatment_machine_arn: str, tokens: TaskTokens) -> None:
        self._run_machine = run_machine_arn
        self._treatment_machine = treatment_machine_arn
        self._tokens = tokens

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        payload = {"run_id": run_id, "deadline_seconds": deadline_seconds}
        self._start(self._run_machine, run_execution(run_id, execution), payload)

    def start_treatment(self, run_id: str, treatment: str, kind: TreatmentKind = TreatmentKind.COMMAND) -> None:
        name = treatment_id(run_id, treatment)
        payload = {"run_id": run_id, "treatment": treatment, "kind": str(kind), "attempt": 1}
        insisting(partial(self._start, self._treatment_machine, name, payload))

    def keep(self, runner_id: str, task_token: str, at: datetime) -> str:
        return self._tokens.keep(runner_id, task_token, at)

    def fail_kept(self, runner_id: str, until: datetime, error: CadenceError) -> None:
        for token in self._tokens.kept_until(runner_id, until):
            self.fail(token, error)

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        self._answer("send_task_success", task_token, output=json.dumps(output))

    def proceed(self, task_token: str, step: MachineStep) -> None:
        if step.ends:
            self.succeed(task_token, step.as_json())
        else:
            cause = json.dumps(step.as_json(), ensure_ascii=False, separators=(",", ":"))
            self._answer("send_task_failure", task_token, error=step.name, cause=cause)

    def fail(self, task_token: str, error: CadenceError) -> None:
        self._answer("send_task_failure", task_token, error=machine_error_name(error), cause=error.message[:_MAX_CAUSE])

    @staticmethod
    def _start(machine: str, name: str, payload: Mapping[str, Any]) -> None:
        try:
            client("stepfunctions").start_execution(stateMachineArn=machine, name=name, input=json.dumps(payload))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NO_ROOM or (code != "ExecutionAlreadyExists" and may_succeed_later(error)):
                raise Transient(f"{name}: no execution can be started now ({code})") from error
            if code != "ExecutionAlreadyExists":
                raise

    def _answer(self, operation: str, task_token: str, **arguments: str) -> None:
        token = self._tokens.token(task_token)
        if token is None:
            return
        try:
            getattr(client("stepfunctions"), operation)(taskToken=token, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TOO_LATE:
                raise
