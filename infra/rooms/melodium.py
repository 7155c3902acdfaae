"""Room ``melodium``: what Mélodium engines talk to, and the user whose key signs their uploads."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.deployment import Deployment
from infra.resources import Resources
from infra.rooms.room import Room
from infra.shared import Shared

# The keys that exist, of which the last one signs; a user has two at most. To rotate, add the next number and deploy;
# remove the one before once its forms have expired, seven days later (at once if it became known to others).
_KEY_NUMBERS = (1,)


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
    """A user who may put objects below ``uploads/`` of the bucket, and nothing else.

    The newest of its keys (``key_id``, ``key_secret``) signs.

    A form that is signed with a Lambda's own credentials expires with them after some hours, and an engine requests
    the form only once.
    """

    def __init__(
        self, scope: Construct, deployment: Deployment, resources: Resources, numbers: Sequence[int] = _KEY_NUMBERS
    ) -> None:
        super().__init__(scope, "Uploader")
        puts = iam.PolicyStatement(actions=["s3:PutObject"], resources=[resources.data("uploads/*")])
        # Users get permissions through groups only.
        group = iam.Group(self, "Group", group_name=deployment.name("uploads"))
        policy = iam.Policy(self, "Puts", groups=[group], statements=[puts])
        user = iam.User(self, "User", user_name=deployment.name("uploads"), groups=[group])
        for number in numbers:
            name = "Key" if number == 1 else f"Key{number}"
            key = iam.CfnAccessKey(self, name, user_name=user.user_name, serial=number)
            key.node.add_dependency(policy)
            self.key_id, self.key_secret = key.ref, key.attr_secret_access_key
