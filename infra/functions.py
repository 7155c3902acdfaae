"""The Lambdas of a room, from their rows: function, role and log group."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import Aws, Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cadence.composition.shared.settings import environment
from infra import packaging
from infra.deployment import Deployment
from infra.findings import accept_wildcard
from infra.queues import construct_id
from infra.resources import Resources
from infra.row import INDICES, LambdaRow
from infra.row.permissions import IamPermission, everything

# MB of /tmp that every Lambda has without asking.
_LEAST_STORAGE = 512


class Functions(Construct):
    """Lambdas (``by_folder``), each with its own role, log group (``log_groups``, by folder too) and settings."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        resources: Resources,
        rows: Iterable[LambdaRow],
        *,
        settings: Mapping[str, str],
        secrets_key_arn: str,
    ) -> None:
        super().__init__(scope, "Functions")
        self._deployment = deployment
        self._resources = resources
        self._secrets_key_arn = secrets_key_arn
        self.log_groups: dict[str, logs.LogGroup] = {}
        self.by_folder: Mapping[str, lambda_.Function] = {
            row.folder: self._function(row, environment(row.settings, settings)) for row in rows
        }

    def _function(self, row: LambdaRow, variables: Mapping[str, str]) -> lambda_.Function:
        deployment = self._deployment
        name = deployment.function_name(row.folder)
        title = construct_id(row.folder)
        self.log_groups[row.folder] = log_group = logs.LogGroup(
            self,
            f"{title}Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention(deployment),
            removal_policy=RemovalPolicy.DESTROY,
        )
        function = lambda_.Function(
            self,
            title,
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.X86_64 if deployment.is_local else lambda_.Architecture.ARM_64,
            handler=f"{row.folder}.handler.handler",
            code=lambda_.Code.from_asset(str(self._archive(row))),
            role=self._role(row, title, f"/aws/lambda/{name}"),
            memory_size=row.memory,
            timeout=Duration.seconds(row.timeout),
            reserved_concurrent_executions=deployment.reserved_concurrency if row.reserves_concurrency else None,
            ephemeral_storage_size=None if row.storage == _LEAST_STORAGE else Size.mebibytes(row.storage),
            environment={**variables, "POWERTOOLS_SERVICE_NAME": row.folder},
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
        )
        network = deployment.directory_network
        if row.joins_network and network:
            _of(function).vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(network.subnets), security_group_ids=list(network.security_groups)
            )
        return function

    def _archive(self, row: LambdaRow) -> Path:
        return packaging.bundle(row) if self._deployment.bundles else packaging.shared_sources()

    def _role(self, row: LambdaRow, title: str, log_group: str) -> iam.Role:
        log_streams = self._resources.log_group(log_group)
        writes_logs = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_streams]
        )
        of_search = search_statements(self._deployment, row)
        of_value_buckets = value_bucket_statements(self._deployment, row)
        of_network = network_statements(self._deployment, row)
        of_archive = audit_archive_statements(self._deployment, self._resources, row)
        of_sources = secret_source_statements(self._deployment, row)
        of_others = (*of_search, *of_value_buckets, *of_network, *of_archive, *of_sources)
        statements = [writes_logs, *self._statements(row.all_permissions), *of_others]
        role = iam.Role(
            self,
            f"{title}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "own": iam.PolicyDocument(statements=[*statements, *self._secrets_key_statements(row)]),
            },
        )
        accept_wildcard(role, log_streams, "Lambda names the streams of the function's own log group.")
        for arn in _wildcards(of_search):
            accept_wildcard(role, arn, "An organization has an index for each month.")
        for arn in _wildcards(of_value_buckets):
            accept_wildcard(role, arn, "Keys begin with the run's id, or with the project of a cache.")
        if of_network:
            accept_wildcard(role, "*", "Lambda's network interfaces have no name before they are made.")
        for arn in _wildcards(of_archive):
            accept_wildcard(role, arn, "Keys have the organization and the numbers of the records in them.")
        for arn in _wildcards(of_sources):
            accept_wildcard(role, arn, "Names below a prefix that the operator chose; keys only through the service.")
        if any(everything in permission.targets for permission in row.all_permissions):
            accept_wildcard(
                role, "*", "These actions do not act on a resource; creating machines is restricted by tags."
            )
        return role

    def _secrets_key_statements(self, row: LambdaRow) -> list[iam.PolicyStatement]:
        use = row.secrets_key
        if use is None:
            return []
        # MiniStack does not know the condition, and would refuse the call.
        context = {} if self._deployment.is_local else use.context
        conditions = {f"kms:EncryptionContext:{key}": value for key, value in context.items()}
        return [
            iam.PolicyStatement(
                actions=list(use.actions),
                resources=[self._secrets_key_arn],
                conditions={"StringEquals": conditions} if conditions else None,
            )
        ]

    def _statements(self, permissions: Iterable[IamPermission]) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=list(permission.actions),
                resources=[target(self._resources) for target in permission.targets],
                conditions=self._conditions(permission),
            )
            for permission in permissions
        ]

    def _conditions(self, permission: IamPermission) -> Mapping[str, Any] | None:
        """MiniStack knows no tags of machines, and would refuse: on the local stack there are no conditions on them."""
        conditions: dict[str, Any] = {}
        if permission.leading_keys:
            keys = list(permission.leading_keys)
            conditions["ForAllValues:StringLike"] = {"dynamodb:LeadingKeys": keys}
        if permission.conditions and not self._deployment.is_local:
            equal = {key: value(self._resources) for key, value in permission.conditions.items()}
            conditions["StringEquals"] = equal
        return conditions or None


def network_statements(deployment: Deployment, row: LambdaRow) -> list[iam.PolicyStatement]:
    """Returns what Lambda itself needs of a role to place the function in the deployment's network."""
    if not row.joins_network or not deployment.directory_network:
        return []
    actions = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets", "DeleteNetworkInterface")
    return [iam.PolicyStatement(actions=[f"ec2:{action}" for action in actions], resources=["*"])]


def _of(function: lambda_.Function) -> lambda_.CfnFunction:
    resource = function.node.default_child
    if not isinstance(resource, lambda_.CfnFunction):
        raise TypeError(f"{function.node.path} is no Lambda")
    return resource


def role_of(function: lambda_.Function) -> iam.IRole:
    """Returns a Lambda's role. Raises ``ValueError`` if it has none."""
    if function.role is None:
        raise ValueError(f"{function.node.path} has no role")
    return function.role


def log_retention(deployment: Deployment) -> logs.RetentionDays:
    """Returns how long the control plane's own logs are kept: enough to investigate an alarm, and still cheap."""
    return logs.RetentionDays.ONE_DAY if deployment.is_local else logs.RetentionDays.TWO_WEEKS


def search_statements(deployment: Deployment, row: LambdaRow) -> list[iam.PolicyStatement]:
    """Returns the statements that let a Lambda call the search service; none if the deployment has no such service."""
    search = deployment.search
    if search.secret_arn and row.search_service:
        return [iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[search.secret_arn])]
    if not search.domain_arn:
        return []
    indices = deployment.name("lines.*")
    return [
        iam.PolicyStatement(
            actions=[f"es:{action}" for action in use.actions],
            resources=[f"{search.domain_arn}/{use.path.replace(INDICES, indices)}"],
        )
        for use in row.search_service
    ]


def value_bucket_statements(deployment: Deployment, row: LambdaRow) -> list[iam.PolicyStatement]:
    """Returns the statements that let a Lambda use the buckets that pools keep their values in."""
    use = row.value_buckets
    if use is None or not deployment.value_bucket_names:
        return []
    buckets = [f"arn:{Aws.PARTITION}:s3:::{name}" for name in deployment.value_bucket_names]
    return [
        iam.PolicyStatement(actions=[f"s3:{action}" for action in use.bucket], resources=buckets),
        *(
            iam.PolicyStatement(
                actions=[f"s3:{action}" for action in actions],
                resources=[f"{bucket}/{prefix}" for bucket in buckets for prefix in prefixes],
            )
            for actions, prefixes in use.objects
        ),
    ]


def audit_archive_statements(deployment: Deployment, resources: Resources, row: LambdaRow) -> list[iam.PolicyStatement]:
    """Returns the statements that let a Lambda write to the locked bucket, if the deployment has one."""
    if not (row.audit_archive and deployment.audit_lock):
        return []
    objects = f"arn:{Aws.PARTITION}:s3:::{resources.audit_bucket_name}/*"
    return [iam.PolicyStatement(actions=["s3:PutObject"], resources=[objects])]


def secret_source_statements(deployment: Deployment, row: LambdaRow) -> list[iam.PolicyStatement]:
    """Returns the statements that let a Lambda read what is below the prefixes, and decrypt it.

    A key of the user's own decrypts only through the service, and only what is below the prefix.
    """
    if not row.reads_secret_sources:
        return []
    sources, is_local = deployment.secret_sources, deployment.is_local
    statements = []
    if sources.secrets_manager_prefix:
        secrets = _arn("secretsmanager", f"secret:{sources.secrets_manager_prefix}*")
        statements += [_allows("secretsmanager:GetSecretValue", secrets)]
        statements += [] if is_local else [_decrypts("secretsmanager", "SecretARN", secrets)]
    if sources.parameter_store_prefix:
        parameters = _arn("ssm", f"parameter{sources.parameter_store_prefix}*")
        statements += [_allows("ssm:GetParameter", parameters)]
        statements += [] if is_local else [_decrypts("ssm", "PARAMETER_ARN", parameters)]
    return statements


def _allows(action: str, resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[action], resources=[resource])


def _decrypts(service: str, context: str, resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["kms:Decrypt"],
        resources=[_arn("kms", "key/*")],
        conditions={
            "StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}"},
            "StringLike": {f"kms:EncryptionContext:{context}": resource},
        },
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def _wildcards(statements: Iterable[iam.PolicyStatement]) -> list[str]:
    return [arn for statement in statements for arn in statement.resources if arn.endswith("*")]
