"""Room ``providers``: Lambdas of providers, and the role that identifies pools to infrastructures that trust AWS."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.functions import role_of
from infra.packaging import agent_sha256
from infra.rooms.room import Room


class ProvidersRoom(Room):
    """A provider's Lambda is invoked by its name, which begins with ``provider_function_prefix``."""

    name = "providers"

    def settings(self) -> Mapping[str, str]:
        resources = self.shared.resources
        return {
            **super().settings(),
            "provider_function_prefix": self.shared.deployment.name("provider-"),
            "pool_identity_role_arn": resources.pool_identity_role(),
            # The tag of machines, by which two installations in one account tell theirs apart.
            "installation": resources.installation,
            "agent_sha256": agent_sha256(),
        }

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Creates the role of pools, which only the Lambda of a provider that needs it may assume."""
        iam.Role(
            self,
            "PoolIdentity",
            role_name=self.shared.resources.pool_identity_role_name,
            description="May do nothing. Other clouds that trust AWS know pools by its sessions' names.",
            assumed_by=iam.ArnPrincipal(role_of(functions["provider_gcp"]).role_arn),
        )
