"""The log stream's own template is parked and brought back on MiniStack, by the use case with its real adapters."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import requests

from cadence.adapters.aws import clients as aws
from cadence.adapters.aws.cloudformation import CloudFormationStreamStack, S3SavedTemplate
from cadence.adapters.aws.live_runs import StepFunctionsLiveRuns
from cadence.adapters.dynamodb.logs.log_stream_need import DynamoStreamUsage
from cadence.application.logs.log_stream import KeepLogStream, StackState
from cadence.local.shared.ports import first_free
from infra import synth
from tests.waiting import eventually

REGION = "eu-west-1"
ACCOUNT = "000000000000"
STACK = "cadence-main-log-stream"
STREAM = "cadence-main-log-lines"
ACCESS = "access-while-parking"  # bound to nothing by another test of this process
STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = first_free()
    directory = tmp_path_factory.mktemp("ministack")
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(directory),
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
    }
    command = [str(Path(sys.executable).with_name("ministack"))]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=directory, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(address, server)
            yield address
        finally:
            server.terminate()
            server.wait(120)


def _wait_until_ready(address: str, server: "subprocess.Popen[bytes]") -> None:
    def is_ready() -> bool:
        assert server.poll() is None, "MiniStack ended by itself"
        with contextlib.suppress(requests.ConnectionError):  # while it does not listen yet
            return requests.get(f"{address}/_ministack/ready", timeout=2).ok
        return False

    eventually(is_ready, what="MiniStack is not ready")


@dataclass
class Account:
    """An account with the main stack's parts that parking touches, and the log stream's stack as it is deployed."""

    keeper: KeepLogStream
    stack: CloudFormationStreamStack
    kinesis: Any
    now: datetime = STARTED

    def streams(self) -> list[str]:
        names: list[str] = self.kinesis.list_streams()["StreamNames"]
        return names

    def wait_for(self, state: StackState) -> None:
        eventually(lambda: self.stack.state() is state, what=lambda: f"the stack is {self.stack.state()}, not {state}")


@pytest.fixture
def account(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "REGION", REGION)
    aws.client.cache_clear()
    session = botocore.session.get_session()
    clients: dict[str, Any] = {
        name: session.create_client(name, region_name=REGION)
        for name in ("cloudformation", "s3", "dynamodb", "stepfunctions", "kinesis")
    }
    key = [("pk", "HASH"), ("sk", "RANGE")]
    clients["dynamodb"].create_table(
        TableName=ACCESS,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in key],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in key],
    )
    clients["s3"].create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
    machine = clients["stepfunctions"].create_state_machine(
        name="run",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/any",
        definition='{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":3600,"End":true}}}',
    )
    template = (synth.assembly("local") / "CadenceLogStream.template.json").read_text()
    role = f"arn:aws:iam::{ACCOUNT}:role/stream"
    stack = CloudFormationStreamStack(clients["cloudformation"], STACK, role)
    stack.create(template)
    keeper = KeepLogStream(
        parkable=True,
        stack=stack,
        saved=S3SavedTemplate(clients["s3"], "data"),
        need=DynamoStreamUsage(ACCESS),
        live_runs=StepFunctionsLiveRuns(clients["stepfunctions"], machine["stateMachineArn"]),
        clock=lambda: made.now,
    )
    made = Account(keeper, stack, clients["kinesis"])
    made.wait_for(StackState.PRESENT)
    yield made
    aws.client.cache_clear()


def test_the_stream_goes_after_a_day_and_comes_back_with_the_next_run(account: Account) -> None:
    account.keeper.needed()
    account.now += timedelta(hours=23)
    account.keeper.look()
    assert STREAM in account.streams()

    account.now += timedelta(hours=2)
    account.keeper.look()
    account.wait_for(StackState.ABSENT)
    assert STREAM not in account.streams()
    account.keeper.look()  # parked already: nothing to do
    assert account.stack.state() is StackState.ABSENT

    account.keeper.needed()
    account.keeper.needed()
    account.wait_for(StackState.PRESENT)
    assert STREAM in account.streams()
