"""Each Lambda's role allows what the Lambda needs, and nothing else: refused here as AWS would refuse it."""

import json
import uuid
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cadence.local.ministack.server import ACCESS_KEY, SECRET_KEY
from cadence.local.shared.region import REGION
from tests.e2e.conftest import Stack

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


class Account:
    """The account as its root sees it, and as the role of one Lambda does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.root = self._session(ACCESS_KEY, SECRET_KEY)

    def _session(self, key: str, secret: str, token: str | None = None) -> Any:
        session: Any = boto3.Session(key, secret, token, REGION)
        return lambda service: session.client(service, endpoint_url=self._endpoint)

    def variables(self, folder: str) -> dict[str, str]:
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


def test_place_reads_pools_and_can_neither_read_secrets_in_the_clear_nor_write_access(stack: Stack) -> None:
    account = Account(stack.aws_endpoint)
    place, api = account.as_lambda("place"), account.variables("api")
    key = {"pk": {"S": "ORG#default"}, "sk": {"S": "POOL#local"}}
    ciphertext = account.root("kms").encrypt(KeyId=api["CADENCE_SECRETS_KEY"], Plaintext=b"x")["CiphertextBlob"]

    assert not refused(place("dynamodb").get_item, TableName=api["CADENCE_ACCESS_TABLE"], Key=key)
    assert refused(place("dynamodb").put_item, TableName=api["CADENCE_ACCESS_TABLE"], Item=key)
    assert refused(place("dynamodb").delete_item, TableName=api["CADENCE_RUNNERS_TABLE"], Key=key)
    assert refused(place("dynamodb").get_item, TableName=api["CADENCE_PIPELINES_TABLE"], Key=key)
    assert refused(place("kms").decrypt, CiphertextBlob=ciphertext, KeyId=api["CADENCE_SECRETS_KEY"])
    assert refused(place("s3").list_objects_v2, Bucket=api["CADENCE_DATA_BUCKET"])
    assert refused(place("stepfunctions").list_executions, stateMachineArn=api["CADENCE_RUN_MACHINE_ARN"])


def test_the_gateway_signs_urls_for_values_and_for_nothing_else_of_the_bucket(stack: Stack) -> None:
    account = Account(stack.aws_endpoint)
    gateway, bucket = account.as_lambda("runner-gateway"), account.variables("api")["CADENCE_DATA_BUCKET"]

    assert not refused(gateway("s3").put_object, Bucket=bucket, Key="runs/test/values/a", Body=b"")
    assert refused(gateway("s3").put_object, Bucket=bucket, Key="documents/a", Body=b"")
    # It hands programs to runners, which are kept with the documents.
    assert refused(gateway("s3").get_object, Bucket=bucket, Key="deliveries/a")
    assert refused(gateway("s3").get_object, Bucket=bucket, Key="uploads/a")
    assert refused(gateway("s3").delete_object, Bucket=bucket, Key="runs/test/values/a")


def test_the_gateway_leases_a_runner_again_in_a_transaction_that_checks_the_host(stack: Stack) -> None:
    account = Account(stack.aws_endpoint)
    gateway, table = account.as_lambda("runner-gateway"), account.variables("api")["CADENCE_RUNNERS_TABLE"]
    key = {"pk": {"S": "HOST#test"}, "sk": {"S": "HOST"}}
    check = {"TableName": table, "Key": key, "ConditionExpression": "attribute_not_exists(pk)"}

    assert not refused(gateway("dynamodb").transact_write_items, TransactItems=[{"ConditionCheck": check}])


def test_only_what_a_run_left_is_removed_when_it_is_too_old(stack: Stack) -> None:
    account = Account(stack.aws_endpoint)
    retention, bucket = account.as_lambda("retention"), account.variables("api")["CADENCE_DATA_BUCKET"]
    objects = {"Objects": [{"Key": "runs/test/logs/0"}]}

    assert not refused(retention("s3").delete_objects, Bucket=bucket, Delete=objects)
    assert refused(retention("s3").delete_object, Bucket=bucket, Key="documents/a")
    assert refused(retention("s3").get_object, Bucket=bucket, Key="runs/test/logs/0")
    key = {"pk": {"S": "RUN#test"}, "sk": {"S": "RUN"}}
    assert refused(retention("dynamodb").delete_item, TableName=account.variables("api")["CADENCE_RUNS_TABLE"], Key=key)


def test_the_indexer_removes_what_it_set_aside_and_no_log(stack: Stack) -> None:
    account = Account(stack.aws_endpoint)
    indexer, bucket = account.as_lambda("log-indexer"), account.variables("api")["CADENCE_DATA_BUCKET"]

    assert not refused(indexer("s3").put_object, Bucket=bucket, Key="dead-letters/log-lines/1", Body=b"")
    assert not refused(indexer("s3").delete_object, Bucket=bucket, Key="dead-letters/log-lines/1")
    assert refused(indexer("s3").delete_object, Bucket=bucket, Key="runs/test/logs/0")
