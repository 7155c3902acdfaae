"""The bucket that holds documents, values, log segments, and the template of a parked log stream."""

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cadence.domain.values.cache import LONGEST
from infra.deployment import Deployment
from infra.findings import accept
from infra.resources import Resources


class DataBucket(Construct):
    """Private and encrypted. Not versioned: a key is written once (it holds a digest, or an attempt and a number)."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment, resources: Resources) -> None:
        super().__init__(scope, construct_id)
        self._resources = resources
        self.bucket = s3.Bucket(
            self,
            "Data",
            bucket_name=resources.data_bucket_name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            # Agents of the local stack reach the store over plain HTTP on the loopback interface.
            enforce_ssl=not deployment.is_local,
            removal_policy=RemovalPolicy.DESTROY if deployment.is_local else RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(id="abandoned-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)),
                # Longer than the queues keep the messages that refer to these objects.
                s3.LifecycleRule(id="old-deliveries", prefix="deliveries/", expiration=Duration.days(30)),
                # The gateway removes unused caches; this rule is for projects that save no caches any more.
                s3.LifecycleRule(id="old-caches", prefix="caches/", expiration=Duration.days(LONGEST.days + 1)),
                # A split is removed with its newest line; this rule is for one whose writer ended before recording it.
                s3.LifecycleRule(
                    id="old-splits", prefix="splits/", expiration=Duration.days(deployment.retention_days + 1)
                ),
                # An upload of an engine is deleted once it was processed; this rule is for those that could not be.
                s3.LifecycleRule(id="old-uploads", prefix="uploads/", expiration=Duration.days(15)),
                # Dead letters: records that could not be indexed.
                s3.LifecycleRule(
                    id="old-dead-letters", prefix="dead-letters/", expiration=Duration.days(deployment.retention_days)
                ),
                s3.LifecycleRule(id="old-runs", prefix="runs/", expiration=Duration.days(deployment.retention_days)),
                # Written anew by each event that uses them, so that none is older than the runs it was last given to.
                s3.LifecycleRule(
                    id="old-sources", prefix="sources/", expiration=Duration.days(deployment.retention_days)
                ),
            ],
        )
        accept(
            self.bucket,
            "S1",
            "Access logs name the Lambda that signed a URL, and not whoever uses it; they are late and not complete. The "
            "audit log records which caller was given which value and secret.",
        )

    def add_value_bucket(self, name: str, retention_days: int) -> None:
        """Creates a bucket that pools may keep their values in: on one machine, where no other account owns any."""
        bucket = s3.Bucket(
            self,
            f"Elsewhere-{name}",
            bucket_name=name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(id="old-runs", prefix="runs/", expiration=Duration.days(retention_days)),
                s3.LifecycleRule(id="old-caches", prefix="caches/", expiration=Duration.days(LONGEST.days + 1)),
                s3.LifecycleRule(id="old-splits", prefix="splits/", expiration=Duration.days(retention_days + 1)),
            ],
        )
        accept(bucket, "S1", "Only on the local stack.")
        accept(bucket, "S10", "Agents of the local stack reach the store over plain HTTP on the loopback interface.")

    def notify(self, function: lambda_.Function, prefix: str) -> None:
        """Invokes a Lambda for each new object whose key begins with ``prefix``.

        A queue in between would cost its polling while there are no objects. The notification is one of the bucket's
        own properties, since the CDK's construct for it adds a Lambda.
        """
        allowed = lambda_.CfnPermission(
            self,
            "Uploads",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="s3.amazonaws.com",
            source_account=Stack.of(self).account,
            source_arn=self._resources.data_bucket(),
        )
        bucket = cast(s3.CfnBucket, self.bucket.node.default_child)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            lambda_configurations=[
                s3.CfnBucket.LambdaConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    function=function.function_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(
                            rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value=prefix)]
                        )
                    ),
                )
            ]
        )
        bucket.add_dependency(allowed)
