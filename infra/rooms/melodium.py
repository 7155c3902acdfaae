"""Room ``melodium``: what Mélodium engines talk to, and the user whose key signs their uploads."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.deployment import Deployment
from infra.resources import Resources
from infra.rooms.room import Room
from infra.shared import Shared

# Raising it creates a new key; forms that were signed with the old one are refused from then on.
_KEY_NUMBER = 1


class MelodiumRoom(Room):
    """On one machine, uploads are signed with the credentials of the local stack."""

    name = "melodium"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._uploader = None if shared.deployment.is_local else Uploader(self, shared.deployment, shared.resources)

    def settings(self) -> Mapping[str, str]:
        return {
            **super().settings(),
            "uploads_key_id": self._uploader.key_id if self._uploader else "",
            "uploads_key_secret": self._uploader.key_secret if self._uploader else "",
        }


class Uploader(Construct):
    """A user whose key (``key_id``, ``key_secret``) may put objects below ``uploads/`` of the bucket, and nothing else.

    A form that is signed with a Lambda's own credentials expires with them after some hours, and an engine requests
    the form only once.
    """

    def __init__(self, scope: Construct, deployment: Deployment, resources: Resources) -> None:
        super().__init__(scope, "Uploader")
        puts = iam.PolicyStatement(actions=["s3:PutObject"], resources=[resources.data("uploads/*")])
        # Users get permissions through groups only.
        group = iam.Group(self, "Group", group_name=deployment.name("uploads"))
        policy = iam.Policy(self, "Puts", groups=[group], statements=[puts])
        user = iam.User(self, "User", user_name=deployment.name("uploads"), groups=[group])
        key = iam.CfnAccessKey(self, "Key", user_name=user.user_name, serial=_KEY_NUMBER)
        key.node.add_dependency(policy)
        self.key_id = key.ref
        self.key_secret = key.attr_secret_access_key
