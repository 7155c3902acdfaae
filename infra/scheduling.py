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
from infra.packaging import REPOSITORY
from infra.resources import Resources
from infra.settings import Deployment

DEFINITIONS = REPOSITORY / "functions" / "state_machines"

# The Lambdas that each machine invokes. The treatment machine is told its provider by name at run time.
_INVOKED: Mapping[str, tuple[str, ...]] = {
    "run": ("admit", "stop_run", "finalise"),
    "treatment": ("act", "place", "settle"),
}
_PROVIDERS: Mapping[str, tuple[str, ...]] = {"run": (), "treatment": ("provider_*",)}


class StateMachines(Construct):
    """``by_name`` maps ``run`` and ``treatment`` to their machines."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        deployment: Deployment,
        resources: Resources,
        functions: Mapping[str, lambda_.Function],
    ) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._resources = resources
        self.by_name: Mapping[str, sfn.StateMachine] = {
            name: self._machine(name, {folder: functions[folder] for folder in folders})
            for name, folders in _INVOKED.items()
        }

    def _machine(self, name: str, functions: Mapping[str, lambda_.Function]) -> sfn.StateMachine:
        log_group = logs.LogGroup(
            self,
            f"{name.title()}Logs",
            # This prefix keeps the resource policy, which Step Functions extends for each log group, short.
            log_group_name=f"/aws/vendedlogs/states/{self._deployment.name(name)}",
            retention=log_retention(self._deployment),
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = self._role(name)
        machine = sfn.StateMachine(
            self,
            name.title(),
            state_machine_name=self._deployment.name(name),
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(_compact(DEFINITIONS / f"{name}.asl.json")),
            definition_substitutions={substitution(folder): fn.function_arn for folder, fn in functions.items()},
            role=role,
            # Inputs and outputs stay out of the logs: they may quote what a command printed.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ERROR, include_execution_data=False),
            removal_policy=RemovalPolicy.DESTROY,
        )
        accept(machine, "SF1", "Events hold what commands printed; the tables keep every state with its cause.")
        accept(machine, "SF2", "A trace of every state would cost more than the states; times are in the tables.")
        accept_wildcard(role, "*", "Delivery of a machine's logs is configured by actions that know no resource.")
        return machine

    def _role(self, name: str) -> iam.Role:
        invoked = [self._resources.function(folder) for folder in (*_INVOKED[name], *_PROVIDERS[name])]
        allowed = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=invoked)
        return iam.Role(
            self,
            f"{name.title()}Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={"invoke": iam.PolicyDocument(statements=[allowed])},
        )


def substitution(folder: str) -> str:
    """What a definition calls the ARN of a folder's Lambda: ``stop_run`` is ``StopRunFunctionArn``."""
    return folder.replace("_", " ").title().replace(" ", "") + "FunctionArn"


def _compact(definition: Path) -> str:
    return json.dumps(json.loads(definition.read_text()), separators=(",", ":"))
