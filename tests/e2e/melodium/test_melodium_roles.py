"""What engines say is taken in, kept and passed on by Lambdas that may do that and nothing else."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import websocket

from cadence.cli.client.client import Client
from tests.e2e.account import Account, refused
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.e2e.fake_engine import FakeEngine, debug_chunk, sent

LINES = 3
_QUERY: Mapping[str, Any] = {
    "KeyConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "TEST"}},
}


def reported(stack: Stack) -> FakeEngine:
    engine = FakeEngine(f"{stack.url}/0.1", stack.token)
    engine.start()
    engine.upload("debug", 0, debug_chunk([1_000, 10]))
    engine.upload("logs", 0, engine.lines(0, LINES))
    return engine


def test_what_an_engine_reports_becomes_a_run_with_its_lines_and_values(api: Api, stack: Stack) -> None:
    engine = reported(stack)
    engine.end()
    run = api.finished(engine.run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert [line["text"] for line in api.lines(engine.run_id, LINES)] == [f"line {number}" for number in range(LINES)]
    assert api.content(engine.run_id, "main%2Fsource", "data") == sent([1_000, 10])


def test_an_end_of_a_tunnel_is_known_by_its_run(stack: Stack) -> None:
    engine = reported(stack)
    connection = websocket.create_connection(Client(stack.url, stack.token).live_url(), timeout=60)
    try:
        for run_id, told in ((engine.run_id, {"kind": "joined", "peer": False}), (str(uuid.uuid4()), "not_found")):
            asked = {"action": "tunnel", "run": run_id, "side": "asking", "token": stack.token}
            connection.send(json.dumps(asked))
            answer = json.loads(connection.recv())
            assert told in (answer, answer.get("code")), answer
        # Nobody is at the other end.
        connection.send(json.dumps({"action": "tunnel", "run": engine.run_id, "side": "asking", "data": "AAAA"}))
        assert json.loads(connection.recv()) == {"kind": "absent"}
    finally:
        connection.close()
    engine.end()


def test_the_engines_api_takes_in_processes_and_reads_nothing_that_runs_left(stack: Stack) -> None:
    account = Account(stack)
    api, melodium = account.variables("api"), account.as_lambda("melodium")
    bucket, key = api["CADENCE_DATA_BUCKET"], {"pk": {"S": "TEST"}, "sk": {"S": "MELODIUM"}}

    assert not refused(melodium("s3").put_object, Bucket=bucket, Key="uploads/test/a", Body=b"")
    assert not refused(melodium("dynamodb").put_item, TableName=api["CADENCE_RUNS_TABLE"], Item=key)
    assert refused(melodium("s3").get_object, Bucket=bucket, Key="uploads/test/a")
    assert refused(melodium("s3").get_object, Bucket=bucket, Key="runs/test/values/a")
    assert refused(melodium("s3").put_object, Bucket=bucket, Key="runs/test/values/a", Body=b"")
    assert refused(melodium("dynamodb").put_item, TableName=api["CADENCE_PIPELINES_TABLE"], Item=key)
    assert refused(melodium("dynamodb").delete_item, TableName=api["CADENCE_ACCESS_TABLE"], Key=key)
    assert refused(melodium("lambda").invoke, FunctionName="cadence-main-settle")
    assert refused(melodium("kinesis").put_record, StreamName="cadence-main-log-lines", PartitionKey="x", Data=b"x")


def test_uploads_are_read_kept_without_secrets_and_removed_and_nothing_else_is(stack: Stack) -> None:
    account = Account(stack)
    api, reports = account.variables("api"), account.as_lambda("melodium-reports")
    bucket, key = api["CADENCE_DATA_BUCKET"], {"pk": {"S": "TEST"}, "sk": {"S": "REPORTS"}}
    ciphertext = account.root("kms").encrypt(KeyId=api["CADENCE_SECRETS_KEY"], Plaintext=b"x")["CiphertextBlob"]

    assert not refused(reports("s3").put_object, Bucket=bucket, Key="runs/test/values/b", Body=b"")
    assert not refused(reports("s3").delete_object, Bucket=bucket, Key="uploads/test/b")
    assert refused(reports("s3").delete_object, Bucket=bucket, Key="runs/test/values/b")
    assert refused(reports("s3").put_object, Bucket=bucket, Key="documents/b", Body=b"")
    assert refused(reports("dynamodb").get_item, TableName=api["CADENCE_ACCESS_TABLE"], Key=key)
    assert refused(reports("dynamodb").put_item, TableName=api["CADENCE_RUNNERS_TABLE"], Item=key)
    assert refused(reports("kms").decrypt, CiphertextBlob=ciphertext, KeyId=api["CADENCE_SECRETS_KEY"])
    assert refused(reports("stepfunctions").list_executions, stateMachineArn=api["CADENCE_RUN_MACHINE_ARN"])


def test_a_tunnel_notes_its_ends_and_sees_neither_logs_nor_values(stack: Stack) -> None:
    account = Account(stack)
    api, tunnel = account.variables("api"), account.as_lambda("tunnel")
    bucket, key = api["CADENCE_DATA_BUCKET"], {"pk": {"S": "TEST"}, "sk": {"S": "TUNNEL"}}

    assert not refused(tunnel("dynamodb").put_item, TableName=api["CADENCE_RUNNERS_TABLE"], Item=key)
    assert refused(tunnel("dynamodb").delete_item, TableName=api["CADENCE_RUNNERS_TABLE"], Key=key)
    assert refused(tunnel("dynamodb").put_item, TableName=api["CADENCE_RUNS_TABLE"], Item=key)
    assert refused(tunnel("dynamodb").query, TableName=api["CADENCE_LOGS_TABLE"], **_QUERY)
    assert refused(tunnel("s3").get_object, Bucket=bucket, Key="runs/test/values/a")
    assert refused(tunnel("lambda").invoke, FunctionName="cadence-main-log-stream")
