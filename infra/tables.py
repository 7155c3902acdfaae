"""The DynamoDB tables: what is in them is written in ``docs/architecture/storage.md``."""

from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.deployment import Deployment
from infra.lambdas import LAMBDAS
from infra.row.triggers import TableChanges

TABLES = ("access", "pipelines", "runs", "runners", "logs", "telemetry", "alerts", "repositories")
# Tables whose changes invoke Lambdas.
_OBSERVED = {trigger.table for row in LAMBDAS.values() for trigger in row.triggers if isinstance(trigger, TableChanges)}


class Tables(Construct):
    """All tables, on demand and restorable to any second of the last 35 days; ``by_name`` maps our names to them."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment) -> None:
        super().__init__(scope, construct_id)
        self.by_name: Mapping[str, dynamodb.TableV2] = {
            name: dynamodb.TableV2(
                self,
                name.capitalize(),
                table_name=deployment.name(name),
                partition_key=_string("pk"),
                sort_key=_string("sk"),
                billing=dynamodb.Billing.on_demand(),
                # Encryption at rest with the key that DynamoDB owns is free; a customer key would bill every request.
                encryption=dynamodb.TableEncryptionV2.dynamo_owned_key(),
                point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                    point_in_time_recovery_enabled=True
                ),
                time_to_live_attribute="expires_at",
                dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if name in _OBSERVED else None,
                deletion_protection=not deployment.is_local,
                removal_policy=RemovalPolicy.DESTROY if deployment.is_local else RemovalPolicy.RETAIN,
            )
            for name in TABLES
        }
        self.by_name["runs"].add_global_secondary_index(
            index_name="listing", partition_key=_string("scope"), sort_key=_string("run_id")
        )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
