"""The partition keys of a request, on which the permissions of a role may depend."""

import json
from typing import Any

import pytest
from ministack.core import iam_actions

from cadence.local.ministack import leading_keys


def key(text: str) -> dict[str, Any]:
    return {"pk": {"S": text}, "sk": {"S": "x"}}


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        ({"TableName": "access", "Item": key("TOKEN#1")}, ["TOKEN#1"]),
        ({"TableName": "access", "Key": key("TOKEN#1")}, ["TOKEN#1"]),
        ({"RequestItems": {"access": {"Keys": [key("a"), key("b")]}}}, ["a", "b"]),
        (
            {"RequestItems": {"access": [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": key("b")}}]}},
            ["a", "b"],
        ),
        ({"TransactItems": [{"Put": {"TableName": "access", "Item": key("a")}}]}, []),
        (
            {
                "TableName": "access",
                "KeyConditionExpression": "(#0 = :0 AND begins_with (#1, :1))",
                "ExpressionAttributeNames": {"#0": "pk", "#1": "sk"},
                "ExpressionAttributeValues": {":0": {"S": "TOKEN#1"}, ":1": {"S": "x"}},
            },
            ["TOKEN#1"],
        ),
        (
            {
                "TableName": "runs",
                "IndexName": "listing",
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": "a"}},
            },
            [],
        ),
        ({"TableName": "access", "KeyConditionExpression": "pk = :pk"}, []),
    ],
    ids=["put", "delete", "batch of reads", "batch of writes", "transaction", "query", "of an index", "no values"],
)
def test_what_a_request_names(request_: dict[str, Any], keys: list[str]) -> None:
    assert leading_keys.leading_keys(json.dumps(request_).encode()) == keys


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Item": []}', b'{"Key": {"pk": 1}}'])
def test_what_is_no_request_names_nothing(body: bytes) -> None:
    assert leading_keys.leading_keys(body) == []


def test_ministack_evaluates_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a new MiniStack takes the condition keys of a request from elsewhere."""
    monkeypatch.setattr(iam_actions, "dynamodb_service_context", iam_actions.dynamodb_service_context)
    leading_keys.install()
    body = json.dumps({"TableName": "access", "Item": key("TOKEN#1")}).encode()
    assert iam_actions.dynamodb_service_context(body)["dynamodb:LeadingKeys"] == ["TOKEN#1"]
