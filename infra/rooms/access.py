"""Room ``access``: signing people in, and the chain of the audit log."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3

from infra.findings import accept
from infra.rooms.room import Room
from infra.shared import Shared


class AccessRoom(Room):
    """People sign in through a Lambda of their own, since it calls identity providers."""

    name = "access"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        if shared.deployment.audit_lock:
            self._add_audit_bucket()

    def settings(self) -> Mapping[str, str]:
        locked = self.shared.resources.audit_bucket_name if self.shared.deployment.audit_lock else ""
        return {**super().settings(), "audit_bucket": locked}

    def _add_audit_bucket(self) -> None:
        """Creates the bucket whose objects are locked: nobody can remove it while it has any, so it is retained."""
        deployment = self.shared.deployment
        days = Duration.days(deployment.audit_lock_days)
        of_mode = {"governance": s3.ObjectLockRetention.governance, "compliance": s3.ObjectLockRetention.compliance}
        bucket = s3.Bucket(
            self,
            "AuditLog",
            bucket_name=self.shared.resources.audit_bucket_name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=not deployment.is_local,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=of_mode[str(deployment.audit_lock)](days),
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="unlocked",
                    expiration=Duration.days(deployment.audit_lock_days + 1),
                    noncurrent_version_expiration=Duration.days(1),
                )
            ],
        )
        accept(bucket, "S1", "One Lambda writes here; who reads the audit log in the account is in CloudTrail.")
