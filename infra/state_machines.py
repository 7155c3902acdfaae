"""The two state machines, from ``functions/state_machines/*.asl.json``."""

import json
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.findings import accept, accept_wildcard
from infra.functions import log_retention
from infra.lambdas import LAMBDAS
from infra.packaging import REPOSITORY
from infra.queues import construct_id
from infra.row.triggers import MachineTask
from infra.shared import Shared

DEFINITIONS = REPOSITORY / "functions" / "state_machines"


def create_state_machine(
    room: Construct, shared: Shared, name: str, functions: Mapping[str, lambda_.Function]
) -> sfn.StateMachine:
    """Creates the state machine ``name`` (``run`` or ``treatment``) with its log group and role.

    ``functions`` are all Lambdas by folder; the rows state which of them a machine invokes.
    """
    scope = Construct(room, "Machines")
    deployment = shared.deployment
    log_group = logs.LogGroup(
        scope,
        f"{name.title()}Logs",
        # This prefix keeps the resource policy, which Step Functions extends for each log group, short.
        log_group_name=f"/aws/vendedlogs/states/{deployment.name(name)}",
        retention=log_retention(deployment),
        removal_policy=RemovalPolicy.DESTROY,
    )
    named = _named_lambdas(name)
    role = _role(scope, shared, name, named)
    machine = sfn.StateMachine(
        scope,
        name.title(),
        state_machine_name=deployment.name(name),
        state_machine_type=sfn.StateMachineType.STANDARD,
        definition_body=sfn.DefinitionBody.from_string(_compact(DEFINITIONS / f"{name}.asl.json")),
        definition_substitutions={substitution(folder): functions[folder].function_arn for folder in named},
        role=role,
        # Inputs and outputs stay out of the logs: they may quote the output of commands.
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ERROR, include_execution_data=False),
        removal_policy=RemovalPolicy.DESTROY,
    )
    accept(machine, "SF1", "Events hold the output of commands; the tables keep every state with its cause.")
    accept(machine, "SF2", "A trace of every state would cost more than the states; times are in the tables.")
    accept_wildcard(role, "*", "Delivery of a machine's logs is configured by actions that do not act on a resource.")
    return machine


def _tasks(machine: str) -> Mapping[str, bool]:
    """Returns the Lambdas that a machine invokes, by folder: whether its definition names them.

    The input of an execution names the Lambda of a provider.
    """
    return {
        row.folder: row.provider is None
        for row in LAMBDAS.values()
        for trigger in row.triggers
        if isinstance(trigger, MachineTask) and trigger.machine == machine
    }


def _named_lambdas(machine: str) -> tuple[str, ...]:
    return tuple(folder for folder, is_named in _tasks(machine).items() if is_named)


def _role(scope: Construct, shared: Shared, name: str, named: tuple[str, ...]) -> iam.Role:
    providers = () if all(_tasks(name).values()) else ("provider_*",)
    invoked = [shared.resources.function(folder) for folder in (*named, *providers)]
    allowed = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=invoked)
    return iam.Role(
        scope,
        f"{name.title()}Role",
        assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
        inline_policies={"invoke": iam.PolicyDocument(statements=[allowed])},
    )


def substitution(folder: str) -> str:
    """Returns how a definition names the ARN of a folder's Lambda: ``stop_run`` is ``StopRunFunctionArn``."""
    return construct_id(folder) + "FunctionArn"


def _compact(definition: Path) -> str:
    return json.dumps(json.loads(definition.read_text()), separators=(",", ":"))
