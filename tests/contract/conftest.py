"""An emulated DynamoDB for the suites that run over a store in memory and over DynamoDB's, started once a module.

Starting it and making its clients takes longer than most tests; a table of its own is what a test needs.
"""

import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from cadence.adapters.aws import clients
from cadence.adapters.dynamodb.shared import binding
from infra.synth import assembly
from tests.emulation import quick_emulation

REGION = "eu-west-1"


@pytest.fixture(scope="session", autouse=True)
def _quick_emulation() -> Iterator[None]:
    with quick_emulation():
        yield


@pytest.fixture(scope="session")
def table_properties() -> dict[str, Any]:
    """The table `runs` as the synthesized template makes it, so that its keys and indexes cannot drift from
    the tests'.
    """
    for template in sorted(Path(assembly("local")).glob("*.template.json")):
        for resource in json.loads(template.read_text())["Resources"].values():
            properties: dict[str, Any] = resource.get("Properties", {})
            if resource["Type"] == "AWS::DynamoDB::GlobalTable" and "runs" in str(properties.get("TableName")):
                return properties
    raise AssertionError("no template has the table")


@pytest.fixture(scope="module")
def emulated_dynamodb() -> Iterator[Any]:
    """A client of the emulation that the adapters use, too, while a module's tests run."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setattr(binding, "REGION", REGION)
        patch.setattr(clients, "REGION", REGION)
        one_at_a_time(patch)
        forget_clients()
        with mock_aws():
            yield boto3.client("dynamodb", region_name=REGION)
        forget_clients()


@pytest.fixture
def bound_table(emulated_dynamodb: Any, table_properties: dict[str, Any]) -> Iterator[str]:
    """The name of an empty table like `runs`, which is the test's own."""
    table = f"runs-{secrets.token_hex(4)}"  # no model is bound to it yet
    emulated_dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        **{key: table_properties[key] for key in ("KeySchema", "AttributeDefinitions")},
        GlobalSecondaryIndexes=[
            {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
            for index in table_properties["GlobalSecondaryIndexes"]
        ],
    )
    yield table
    # The emulation copies every table for each transaction.
    emulated_dynamodb.delete_table(TableName=table)


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
    """Clients live as long as their process, and would outlive the emulation."""
    for kept in (clients.client, clients._session, binding.transaction_connection):
        kept.cache_clear()
