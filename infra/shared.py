"""Resources that several rooms need: tables, the data bucket, the key of secrets, and a dead-letter queue."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.data_bucket import DataBucket
from infra.deployment import Deployment
from infra.lambdas import LAMBDAS
from infra.queues import failed_queue
from infra.resources import Resources
from infra.row.queues import WATCHING_FAILED
from infra.tables import Tables

# A new key version each year would add its monthly price for each of the first two; secrets are encrypted anew anyway
# when they change.
_KEY_ROTATION = Duration.days(2560)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Resources that lie in the stack itself, since no room owns them."""

    stack: Stack
    deployment: Deployment
    resources: Resources
    tables: Tables
    store: DataBucket
    secrets_key: kms.Key
    watching_failed: sqs.Queue

    def settings(self) -> Mapping[str, str]:
        """Returns the settings of Lambdas that no room provides, by the names of their fields."""
        deployment = self.deployment
        return {
            **{f"{name}_table": table.table_name for name, table in self.tables.by_name.items()},
            **{f"{folder}_function": deployment.function_name(folder) for folder in LAMBDAS},
            "data_bucket": self.resources.data_bucket_name,
            "value_buckets": deployment.value_buckets,
            "secrets_key": self.secrets_key.key_arn,
            "git_hosts": deployment.git_hosts,
            "outbound_hosts": deployment.outbound_hosts,
            "directory_hosts": deployment.directory_hosts,
            **deployment.secret_sources.settings(),
            "retention_days": str(deployment.retention_days),
            "project_storage_mebibytes": str(deployment.project_storage_mebibytes),
        }


def create_shared(stack: Stack, deployment: Deployment) -> Shared:
    """Creates the shared resources of a deployment in ``stack``."""
    resources = Resources(stack, deployment)
    store = DataBucket(stack, "Store", deployment, resources)
    if deployment.is_local:
        for name in deployment.value_bucket_names:
            store.add_value_bucket(name, deployment.retention_days)
    return Shared(
        stack=stack,
        deployment=deployment,
        resources=resources,
        tables=Tables(stack, "Tables", deployment),
        store=store,
        secrets_key=_secrets_key(stack, deployment),
        watching_failed=failed_queue(Construct(stack, "Watching"), deployment, WATCHING_FAILED),
    )


def _secrets_key(stack: Stack, deployment: Deployment) -> kms.Key:
    return kms.Key(
        stack,
        "SecretsKey",
        alias=f"alias/{deployment.name('secrets')}",
        description="Encrypts the secrets of projects and git hosts, and the topic of alarms.",
        enable_key_rotation=True,
        rotation_period=_KEY_ROTATION,
        removal_policy=RemovalPolicy.DESTROY if deployment.is_local else RemovalPolicy.RETAIN,
    )
