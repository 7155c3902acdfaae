"""The AWS account of a local stack, as its root sees it and as the role of one Lambda does."""

import json
import uuid
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.region import REGION

if TYPE_CHECKING:
    from tests.e2e.conftest import Stack

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


class Account:
    """Makes clients: `root(service)` may do everything, `as_lambda(folder)(service)` what that Lambda's role may."""

    def __init__(self, stack: "Stack") -> None:
        self._endpoint = stack.aws_endpoint
        key = AccountKey.read(stack.paths)
        assert key is not None
        self.root = self._session(key.access_key_id, key.secret_access_key)

    def _session(self, key: str, secret: str, token: str | None = None) -> Any:
        session: Any = boto3.Session(key, secret, token, REGION)
        return lambda service: session.client(service, endpoint_url=self._endpoint)

    def variables(self, folder: str) -> dict[str, str]:
        """The environment variables of a Lambda."""
        function = self.root("lambda").get_function_configuration(FunctionName=f"cadence-main-{folder}")
        return dict(function["Environment"]["Variables"])

    def as_lambda(self, folder: str) -> Any:
        """Clients with exactly the rights of a Lambda: its role's policy, in a role that may be assumed from here."""
        iam, name = self.root("iam"), f"test-as-{folder}-{uuid.uuid4().hex[:12]}"
        function = self.root("lambda").get_function_configuration(FunctionName=f"cadence-main-{folder}")
        role = function["Role"].rpartition("/")[2]
        principal = {"AWS": "arn:aws:iam::000000000000:root"}
        trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        given = self.root("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="test")["Credentials"]
        return self._session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def refused(call: Any, **arguments: Any) -> bool:
    """Whether the call is denied; any other error passes."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            return True
        raise
    return False
