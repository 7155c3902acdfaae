"""The user whose key signs what engines upload with.

A form that is signed with a Lambda's own credentials ends with them, some hours later, and an engine asks for it only once.
"""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.resources import Resources
from infra.settings import Deployment

# Raising it makes a new key; what was signed with the old one is refused from then on.
_KEY_NUMBER = 1


class Uploader(Construct):
    """``key_id`` and ``key_secret`` may put objects below ``uploads/`` of the data bucket, and do nothing else."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment, resources: Resources) -> None:
        super().__init__(scope, construct_id)
        puts = iam.PolicyStatement(actions=["s3:PutObject"], resources=[resources.data("uploads/*")])
        # In a group, since rights are not given to users one by one.
        group = iam.Group(self, "Group", group_name=deployment.name("uploads"))
        policy = iam.Policy(self, "Puts", groups=[group], statements=[puts])
        user = iam.User(self, "User", user_name=deployment.name("uploads"), groups=[group])
        key = iam.CfnAccessKey(self, "Key", user_name=user.user_name, serial=_KEY_NUMBER)
        key.node.add_dependency(policy)
        self.key_id = key.ref
        self.key_secret = key.attr_secret_access_key
