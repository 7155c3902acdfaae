"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from cadence.adapters.aws import clients
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.shared import binding
from cadence.application.shared.run_ports import RunStore
from infra.synth import assembly
from tests.fakes.runs import MemoryRunStore

REGION = "eu-west-1"


@pytest.fixture(scope="session")
def table_properties() -> dict[str, Any]:
    """The table `runs` as the synthesized template makes it, so that its keys and indexes cannot drift from the tests'."""
    for template in sorted(Path(assembly("local")).glob("*.template.json")):
        for resource in json.loads(template.read_text())["Resources"].values():
            properties: dict[str, Any] = resource.get("Properties", {})
            if resource["Type"] == "AWS::DynamoDB::GlobalTable" and "runs" in str(properties.get("TableName")):
                return properties
    raise AssertionError("no template has the table")


def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes each call atomic, as DynamoDB does and moto, under threads, does not."""
    turn = threading.RLock()
    client: Any = BaseClient
    call = client._make_api_call

    def in_turn(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        with turn:
            return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", in_turn)


def forget_clients() -> None:
    """Clients live as long as their process, and would outlive this test's AWS."""
    for kept in (clients.client, clients._session, binding.transaction_connection):
        kept.cache_clear()


@contextmanager
def bound_table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty table like `runs`, by its name, in an AWS of its own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(binding, "REGION", REGION)
    monkeypatch.setattr(clients, "REGION", REGION)
    forget_clients()
    table = f"runs-{secrets.token_hex(4)}"  # a name of its own, so that nothing is bound to it yet
    properties = request.getfixturevalue("table_properties")
    one_at_a_time(monkeypatch)
    with mock_aws():
        client: Any = boto3.client("dynamodb", region_name=REGION)
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            **{key: properties[key] for key in ("KeySchema", "AttributeDefinitions")},
            GlobalSecondaryIndexes=[
                {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
                for index in properties["GlobalSecondaryIndexes"]
            ],
        )
        yield table
        forget_clients()


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunStore]:
    if request.param == "memory":
        yield MemoryRunStore()
        return
    with bound_table(request, monkeypatch) as table:
        yield DynamoRunStore(table)
