"""The Lambdas: one for each folder of ``functions/`` that has settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import Size as CdkSize
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cadence.composition.settings import SETTINGS, environment
from infra import packaging
from infra.findings import accept_wildcard
from infra.permission import Permission
from infra.permissions import (
    INDICES,
    PERMISSIONS,
    SEARCH_SERVICE,
    SECRET_KEY_ACTIONS,
    SECRET_KEY_CONTEXTS,
    VALUE_BUCKET_ACTIONS,
    VALUE_BUCKETS,
)
from infra.providers import PROVIDER_LAMBDAS
from infra.providers import folder as provider_folder
from infra.resources import Resources
from infra.settings import Deployment


@dataclass(frozen=True)
class Size:
    """``memory`` in MB (a Lambda's share of a CPU grows with it: 1,769 MB is one), ``timeout`` in seconds, ``storage`` in MB of /tmp."""

    memory: int
    timeout: int
    storage: int = 512


# An HTTP API gives up after 30 seconds.
_HTTP = Size(memory=512, timeout=29)
_STATE = Size(memory=512, timeout=60)

SIZES: Mapping[str, Size] = {
    # A whole core, and room for the parts of the search index that are searched.
    "api": Size(memory=1769, timeout=29, storage=4096),
    "webhooks": _HTTP,
    "runner_gateway": _HTTP,
    "melodium": _HTTP,
    # A whole core. What it splits lies on disk, and one event has to fit into memory.
    "melodium_reports": Size(memory=1769, timeout=300, storage=2048),
    "deliveries": Size(memory=1024, timeout=60),
    # Ten thousand treatments are written at the pace of one partition; what a call has not written the next one does.
    "admit": Size(memory=1024, timeout=600),
    "place": _STATE,
    "provider_host": _STATE,
    **{provider_folder(name): Size(memory=row.memory, timeout=row.timeout) for name, row in PROVIDER_LAMBDAS.items()},
    "sweep": Size(memory=256, timeout=60),
    "settle": _STATE,
    # It reads and writes again whatever the instances of a group sent.
    "act": Size(memory=1769, timeout=900),
    "wake_group": _STATE,
    "stop_run": Size(memory=1024, timeout=600),
    "finalise": _STATE,
    "watchdog": _STATE,
    "observe": _STATE,
    # It delivers for up to 40 seconds what was kept for a receiver, and back-fills for as long.
    "exports": Size(memory=1024, timeout=120),
    "alerts": _STATE,
    "alert_deliveries": Size(memory=256, timeout=60),
    "live": _STATE,
    "tunnel": Size(memory=256, timeout=29),
    "log_indexer": Size(memory=512, timeout=120),
    "log_stream": Size(memory=256, timeout=60),
    "retention": Size(memory=512, timeout=900),
    # A whole core; tantivy's buffer, and the lines of the segments that become a split.
    "search_index": Size(memory=2048, timeout=900, storage=4096),
}


class Functions(Construct):
    """All Lambdas (``by_folder``), each with its own role, log group (``log_groups``, by folder too) and settings."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        deployment: Deployment,
        resources: Resources,
        values: Mapping[str, str],
        secrets_key_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._resources = resources
        self._secrets_key_arn = secrets_key_arn
        self.log_groups: dict[str, logs.LogGroup] = {}
        self.by_folder: Mapping[str, lambda_.Function] = {
            folder: self._function(folder, environment(settings, values)) for folder, settings in SETTINGS.items()
        }

    def _function(self, folder: str, variables: Mapping[str, str]) -> lambda_.Function:
        deployment = self._deployment
        name = deployment.function_name(folder)
        title = folder.replace("_", " ").title().replace(" ", "")
        self.log_groups[folder] = log_group = logs.LogGroup(
            self,
            f"{title}Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention(deployment),
            removal_policy=RemovalPolicy.DESTROY,
        )
        size = SIZES[folder]
        return lambda_.Function(
            self,
            title,
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.X86_64 if deployment.is_local else lambda_.Architecture.ARM_64,
            handler=f"{folder}.handler.handler",
            code=lambda_.Code.from_asset(str(self._archive(folder))),
            role=self._role(folder, title, f"/aws/lambda/{name}"),
            memory_size=size.memory,
            timeout=Duration.seconds(size.timeout),
            ephemeral_storage_size=None if size.storage == 512 else CdkSize.mebibytes(size.storage),
            environment={**variables, "POWERTOOLS_SERVICE_NAME": folder},
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
        )

    def _archive(self, folder: str) -> Path:
        return packaging.bundle(folder) if self._deployment.bundles else packaging.shared_sources()

    def _role(self, folder: str, title: str, log_group: str) -> iam.Role:
        log_streams = self._resources.log_group(log_group)
        own_logs = iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_streams])
        statements = [own_logs, *self._statements(PERMISSIONS[folder])]
        asking = search_statements(self._deployment, folder)
        elsewhere = value_bucket_statements(self._deployment, folder)
        statements += [*asking, *elsewhere]
        if folder in SECRET_KEY_ACTIONS:
            statements.append(
                iam.PolicyStatement(
                    actions=list(SECRET_KEY_ACTIONS[folder]),
                    resources=[self._secrets_key_arn],
                    conditions=self._key_conditions(folder),
                )
            )
        role = iam.Role(
            self,
            f"{title}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"own": iam.PolicyDocument(statements=statements)},
        )
        accept_wildcard(role, log_streams, "Lambda names the streams of the function's own log group.")
        for statement in asking:
            for arn in statement.resources:
                if arn.endswith("*"):
                    accept_wildcard(role, arn, "An organization has an index for each month.")
        for arn in (arn for statement in elsewhere for arn in statement.resources if arn.endswith("*")):
            accept_wildcard(role, arn, "Keys begin with the run's id, or with the project of a cache.")
        if folder in map(provider_folder, PROVIDER_LAMBDAS):
            accept_wildcard(
                role, "*", "Describing knows no resource; what a launch makes is narrowed where it is made."
            )
        return role

    def _key_conditions(self, folder: str) -> Mapping[str, Any] | None:
        """MiniStack does not know the condition, so there it would refuse."""
        bound = SECRET_KEY_CONTEXTS.get(folder)
        if bound is None or self._deployment.is_local:
            return None
        return {"StringEquals": {f"kms:EncryptionContext:{key}": value for key, value in bound.items()}}

    def _statements(self, permissions: Iterable[Permission]) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=list(permission.actions),
                resources=[target(self._resources) for target in permission.targets],
                conditions=self._tag_conditions(permission),
            )
            for permission in permissions
        ]

    def _tag_conditions(self, permission: Permission) -> Mapping[str, Any] | None:
        """MiniStack knows no tags of machines and of what makes them, so there it would refuse."""
        if not permission.tagged or self._deployment.is_local:
            return None
        return {"StringEquals": {key: value(self._resources) for key, value in permission.tagged.items()}}


def log_retention(deployment: Deployment) -> logs.RetentionDays:
    """How long the control plane's own logs are kept: long enough to look into an alarm, short enough to be cheap."""
    return logs.RetentionDays.ONE_DAY if deployment.is_local else logs.RetentionDays.TWO_WEEKS


def search_statements(deployment: Deployment, folder: str) -> list[iam.PolicyStatement]:
    """What a Lambda needs to ask the search service, if the deployment has one."""
    search = deployment.search
    if search.secret_arn and folder in SEARCH_SERVICE:
        return [iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[search.secret_arn])]
    if not search.domain_arn:
        return []
    indices = deployment.name("lines.*")
    return [
        iam.PolicyStatement(
            actions=[f"es:{action}" for action in actions],
            resources=[f"{search.domain_arn}/{path.replace(INDICES, indices)}"],
        )
        for actions, path in SEARCH_SERVICE.get(folder, ())
    ]


def value_bucket_statements(deployment: Deployment, folder: str) -> list[iam.PolicyStatement]:
    """What a Lambda may do with the buckets that pools keep their values in."""
    if folder not in VALUE_BUCKETS or not deployment.value_bucket_names:
        return []
    buckets = [f"arn:{Aws.PARTITION}:s3:::{name}" for name in deployment.value_bucket_names]
    return [
        iam.PolicyStatement(actions=[f"s3:{action}" for action in VALUE_BUCKET_ACTIONS[folder]], resources=buckets),
        *(
            iam.PolicyStatement(
                actions=[f"s3:{action}" for action in actions],
                resources=[f"{bucket}/{prefix}" for bucket in buckets for prefix in prefixes],
            )
            for actions, prefixes in VALUE_BUCKETS[folder]
        ),
    ]
