"""Each Lambda's role allows what the Lambda needs, and nothing else: refused here as AWS would refuse it."""

import json

from tests.e2e.account import Account, refused
from tests.e2e.api import Api
from tests.e2e.conftest import Stack


def test_place_reads_pools_and_can_neither_read_secrets_in_the_clear_nor_write_access(stack: Stack) -> None:
    account = Account(stack)
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
    account = Account(stack)
    gateway, bucket = account.as_lambda("runner-gateway"), account.variables("api")["CADENCE_DATA_BUCKET"]

    assert not refused(gateway("s3").put_object, Bucket=bucket, Key="runs/test/values/a", Body=b"")
    assert refused(gateway("s3").put_object, Bucket=bucket, Key="documents/a", Body=b"")
    # It hands programs to runners, which are kept with the documents.
    assert refused(gateway("s3").get_object, Bucket=bucket, Key="deliveries/a")
    assert refused(gateway("s3").get_object, Bucket=bucket, Key="uploads/a")
    assert refused(gateway("s3").delete_object, Bucket=bucket, Key="runs/test/values/a")


def test_the_gateway_writes_tokens_of_engines_and_no_others(stack: Stack) -> None:
    account = Account(stack)
    gateway, table = account.as_lambda("runner-gateway"), account.variables("api")["CADENCE_ACCESS_TABLE"]
    mine, another = ({"pk": {"S": f"{prefix}#e-test"}, "sk": {"S": "TOKEN"}} for prefix in ("ENGINETOKEN", "TOKEN"))

    assert not refused(gateway("dynamodb").put_item, TableName=table, Item=mine)
    assert not refused(gateway("dynamodb").delete_item, TableName=table, Key=mine)
    assert refused(gateway("dynamodb").put_item, TableName=table, Item=another)
    assert refused(gateway("dynamodb").delete_item, TableName=table, Key=another)


def test_the_gateway_leases_a_runner_again_in_a_transaction_that_checks_the_host(stack: Stack) -> None:
    account = Account(stack)
    gateway, table = account.as_lambda("runner-gateway"), account.variables("api")["CADENCE_RUNNERS_TABLE"]
    key = {"pk": {"S": "HOST#test"}, "sk": {"S": "HOST"}}
    check = {"TableName": table, "Key": key, "ConditionExpression": "attribute_not_exists(pk)"}

    assert not refused(gateway("dynamodb").transact_write_items, TransactItems=[{"ConditionCheck": check}])


def test_only_what_a_run_left_is_removed_when_it_is_too_old(stack: Stack) -> None:
    account = Account(stack)
    retention, bucket = account.as_lambda("retention"), account.variables("api")["CADENCE_DATA_BUCKET"]
    objects = {"Objects": [{"Key": "runs/test/logs/0"}]}

    assert not refused(retention("s3").delete_objects, Bucket=bucket, Delete=objects)
    assert refused(retention("s3").delete_object, Bucket=bucket, Key="documents/a")
    # What a legal hold keeps is written again, and nothing else is read.
    assert not refused(retention("s3").put_object, Bucket=bucket, Key="runs/test/logs/0", Body=b"")
    assert not refused(retention("s3").get_object, Bucket=bucket, Key="runs/test/logs/0")
    assert refused(retention("s3").get_object, Bucket=bucket, Key="documents/a")
    key = {"pk": {"S": "RUN#test"}, "sk": {"S": "RUN"}}
    assert refused(retention("dynamodb").delete_item, TableName=account.variables("api")["CADENCE_RUNS_TABLE"], Key=key)


def test_the_indexer_removes_what_it_set_aside_and_no_log(stack: Stack) -> None:
    account = Account(stack)
    indexer, bucket = account.as_lambda("log-indexer"), account.variables("api")["CADENCE_DATA_BUCKET"]

    assert not refused(indexer("s3").put_object, Bucket=bucket, Key="dead-letters/log-lines/1", Body=b"")
    assert not refused(indexer("s3").delete_object, Bucket=bucket, Key="dead-letters/log-lines/1")
    assert refused(indexer("s3").delete_object, Bucket=bucket, Key="runs/test/logs/0")


def test_expired_runs_are_looked_for_in_every_project(api: Api, stack: Stack) -> None:
    assert api.call("PUT", "/v1/projects/default/retention", json={"days": 1}).json()["days"] == 1
    done = Account(stack).root("lambda").invoke(FunctionName="cadence-main-retention", Payload=b"{}")
    assert "FunctionError" not in done
    assert json.load(done["Payload"])["projects"] >= 1
