"""Tasks of ECS on Fargate, each for one runner. A reference is the task's ARN."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CadenceError, CapacityExhausted, NotFound, ProviderRejected, Transient
from cadence.providers.aws import THROTTLES, Clients, clients, code_of, decided, secrets_of
from cadence.providers.aws_fargate import tasks
from cadence.providers.aws_fargate.probe import FargateProbe
from cadence.providers.aws_fargate.settings import FargateSettings
from cadence.providers.bootstrap import BootOptions, variables
from cadence.providers.choices import Choice, none_left, suitable
from cadence.providers.circuit import SharedCircuit
from cadence.providers.contract import (
    Check,
    Credentials,
    Machine,
    MachineCondition,
    PacedCalls,
    ProviderContext,
    RunnerRequest,
    Unhurried,
)
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner

_PAGE = 100
_CONSOLE = 16 * 1024


class FargateProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING
    # A task is over when its container ends, which it does with the agent.
    ends_itself = True

    def __init__(
        self,
        owner: MachineOwner,
        settings: FargateSettings,
        clients: Clients,
        hidden: Hidden,
        circuit: SharedCircuit,
        boot: BootOptions | None = None,
        calls: PacedCalls | None = None,
    ) -> None:
        self._owner, self._settings, self._hidden = owner, settings, hidden
        self._clients, self._circuit, self._calls = clients, circuit, calls or Unhurried()
        self._boot = boot or BootOptions(console=None)

    @property
    def start_api(self) -> LimitedApi:
        """The API whose rate limit starts wait for."""
        settings = self._settings
        return LimitedApi(settings.account or "own", settings.region, "ecs:RunTask", settings.pace)

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ValueError("a task needs the address to call home to")
        if request.needs.image:
            raise CapacityExhausted("Tasks of Fargate run in the pool's own image, not in one that a treatment names.")
        if request.containers.beside:
            raise CapacityExhausted("Tasks of Fargate have no containers beside the pool's own: no services, no steps.")
        token = request.home.one_time_token
        self._hidden.add(token)
        environment = {**variables(request.home, request, self._boot), "CADENCE_RUNNER_TOKEN": token}
        refusals: list[str] = []
        searched = False
        for choice in suitable(self._settings.sizes, request.needs):
            refusal = self._circuit.opened_by(choice.label)
            if refusal is not None:
                # An earlier start, whose answer was lost, may have asked before the circuit opened.
                existing = [] if searched else self._tasks_of(request.runner_id, "RUNNING")
                searched = True
                if existing:
                    return str(existing[0]["taskArn"])
                refusals.append(f"{refusal.reason} (not asked again before {refusal.until:%H:%M:%S} UTC)")
                continue
            try:
                return self._run(choice, request, environment)
            except CapacityExhausted as error:
                self._circuit.refused(choice.label, error.message)
                refusals.append(error.message)
        raise none_left(refusals)

    def describe(self, ref: str) -> Machine:
        matches = self._described([ref]) if ref.startswith("arn:") else self._tasks_of(ref, "RUNNING", "STOPPED")
        if not matches:
            return Machine(ref=ref, runner_id="" if ref.startswith("arn:") else ref, condition=MachineCondition.GONE)
        return tasks.machine(matches[0], self._settings)

    def stop(self, ref: str) -> None:
        """Ends the task, or by a runner's id all that run for it."""
        arns = [ref] if ref.startswith("arn:") else [task["taskArn"] for task in self._tasks_of(ref, "RUNNING")]
        for arn in arns:
            try:
                with self._called():
                    self._ecs.stop_task(cluster=self._settings.cluster, task=arn, reason="released by Cadence")
            except (NotFound, ProviderRejected) as error:
                if not tasks.is_missing(error):
                    raise

    def list_owned(self) -> Sequence[Machine]:
        entries = self._described(self._listed(desiredStatus="RUNNING"))
        return [tasks.machine(entry, self._settings) for entry in entries if tasks.is_ours(entry, self._owner)]

    def probe(self) -> Sequence[Check]:
        return FargateProbe(self._owner, self._settings, self._clients, self._hidden).checks()

    def console(self, ref: str) -> str | None:
        """Returns the container's output, if the pool has a log group."""
        arn = ref if ref.startswith("arn:") else self.describe(ref).ref
        if not self._settings.log_group or not arn.startswith("arn:"):
            return None
        stream = f"cadence/{tasks.CONTAINER}/{arn.rpartition('/')[2]}"
        logs = self._clients("logs", self._settings.region)
        try:
            with decided(self._hidden):
                answer = logs.get_log_events(
                    logGroupName=self._settings.log_group, logStreamName=stream, startFromHead=False
                )
        except CadenceError as error:
            if error.details.get("reason") == "ResourceNotFoundException":
                return None
            raise
        text = self._hidden.cut("\n".join(event["message"] for event in answer["events"]))
        return text.encode()[-_CONSOLE:].decode("utf-8", "ignore") or None

    def _run(self, choice: Choice, request: RunnerRequest, environment: Mapping[str, str]) -> str:
        parameters = tasks.task(self._settings, self._owner, choice, request, environment)
        try:
            with self._called():
                answer = self._run_task(parameters)
        except NotFound as error:
            raise ProviderRejected(error.message) from None
        arn = tasks.started(answer, choice.label, self._hidden)
        self._circuit.granted(choice.label)
        return arn

    def _run_task(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Runs the task.

        The first start with other settings finds no definition, and registers it: all others are one call.
        """
        try:
            answer: Mapping[str, Any] = self._ecs.run_task(**parameters)
        except ClientError as error:
            message = str(error.response.get("Error", {}).get("Message", ""))
            if "reached the limit" in message or "limit on the number" in message:
                raise CapacityExhausted(self._hidden.cut(f"Fargate: {code_of(error)}: {message}")) from None
            if "TaskDefinition" not in message and "task definition" not in message.lower():
                raise
            self._ecs.register_task_definition(**tasks.definition(self._settings, self._owner))
            answer = self._ecs.run_task(**parameters)
        return answer

    def _tasks_of(self, runner_id: str, *states: str) -> Sequence[Mapping[str, Any]]:
        """Returns the runner's tasks in the order of these desired `states`."""
        arns = [arn for status in states for arn in self._listed(startedBy=runner_id, desiredStatus=status)]
        return [entry for entry in self._described(arns) if tasks.is_ours(entry, self._owner)]

    def _listed(self, **filters: str) -> list[str]:
        with self._called():
            pages = self._ecs.get_paginator("list_tasks").paginate(
                cluster=self._settings.cluster, PaginationConfig={"PageSize": _PAGE}, **filters
            )
            return [arn for page in pages for arn in page["taskArns"]]

    def _described(self, arns: Sequence[str]) -> list[Mapping[str, Any]]:
        entries: list[Mapping[str, Any]] = []
        for start in range(0, len(arns), _PAGE):
            with self._called():
                answer = self._ecs.describe_tasks(
                    cluster=self._settings.cluster, tasks=list(arns[start : start + _PAGE]), include=["TAGS"]
                )
            entries += answer["tasks"]
        return entries

    @property
    def _ecs(self) -> Any:
        return self._clients("ecs", self._settings.region)

    @contextmanager
    def _called(self) -> Iterator[None]:
        """Turns refusals into errors; a throttle slows all starts down."""
        try:
            with decided(self._hidden):
                yield
        except Transient as error:
            if error.details.get("reason") in THROTTLES:
                self._calls.refused(self.start_api, error.retry_after)
            raise


def build(pool: Pool, credentials: Credentials, context: ProviderContext) -> FargateProvider:
    """Returns the provider of a pool; implements `Build`."""
    return FargateProvider(
        MachineOwner(context.installation, pool.organization, pool.name),
        FargateSettings.from_json(pool.settings),
        clients(credentials),
        Hidden(secrets_of(credentials)),
        context.circuit(pool),
        BootOptions.from_json({"console": None, **pool.settings.get("boot", {})}),
        context.calls,
    )
