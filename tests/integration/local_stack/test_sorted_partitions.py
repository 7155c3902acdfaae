"""Queries from sort keys in order give what MiniStack finds by looking at every item, whatever is written
and removed.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.services import dynamodb

from cadence.local.ministack import sorted_partitions

NAME = "sorted-test"
KEYS = st.sampled_from(["A#1", "A#10", "A#2", "B", "B#", "B#é", "C\U0001f600", "a", " "])
OPERATIONS = st.lists(st.tuples(st.booleans(), st.sampled_from(["p", "q"]), KEYS), max_size=40)
CONDITIONS = st.one_of(
    st.just(("#0 = :0", ())),
    KEYS.map(lambda key: ("(#0 = :0 AND begins_with (#1, :1))", (key,))),
    KEYS.map(lambda key: ("(#0 = :0 AND #1 = :1)", (key,))),
    KEYS.map(lambda key: ("(#0 = :0 AND #1 > :1)", (key,))),
    st.tuples(KEYS, KEYS).map(lambda keys: ("(#0 = :0 AND #1 BETWEEN :1 AND :2)", tuple(sorted(keys)))),
)


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, Any]]:
    made = {
        "TableName": NAME,
        "pk_name": "pk",
        "sk_name": "sk",
        "items": defaultdict(dict),
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    }
    dynamodb._tables[NAME] = made
    yield made
    dynamodb._tables.pop(NAME, None)


@settings(max_examples=200)
@given(OPERATIONS, CONDITIONS, st.booleans(), st.sampled_from([None, 1, 2]))
def test_a_query_finds_what_looking_at_all_finds(
    table: dict[str, Any],
    operations: list[tuple[bool, str, str]],
    condition: tuple[str, tuple[str, ...]],
    forward: bool,
    limit: int | None,
) -> None:
    table["items"] = defaultdict(dict)
    for put, key, sort_key in operations:
        if put:
            sorted_partitions.set_item(table, key, sort_key, {"pk": {"S": key}, "sk": {"S": sort_key}})
        else:
            sorted_partitions.remove_item(table, key, sort_key)
    expression, operands = condition
    values = {":0": {"S": "p"}, **{f":{number}": {"S": value} for number, value in enumerate(operands, 1)}}
    asked = {
        "TableName": NAME,
        "KeyConditionExpression": expression,
        "ExpressionAttributeNames": {"#0": "pk"} | ({"#1": "sk"} if operands else {}),
        "ExpressionAttributeValues": values,
        "ScanIndexForward": forward,
    } | ({"Limit": limit} if limit else {})
    ours = sorted_partitions.query(copy.deepcopy(asked))
    table["items"] = defaultdict(dict, {key: dict(partition) for key, partition in table["items"].items()})
    assert ours == sorted_partitions._query(asked)
    assert ours[0] == 200


def test_copies_are_as_ministack_makes_them(table: dict[str, Any]) -> None:
    table["items"] = defaultdict(dict)
    sorted_partitions.set_item(table, "p", "A", {"pk": {"S": "p"}, "sk": {"S": "A"}})
    copied = copy.deepcopy(table["items"])
    assert type(copied) is defaultdict
    assert copied == table["items"]


def test_only_what_is_asked_for_is_looked_at(table: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    table["items"] = defaultdict(dict)
    for number in range(500):
        sort_key = f"EDGE#{number:03}"
        sorted_partitions.set_item(table, "p", sort_key, {"pk": {"S": "p"}, "sk": {"S": sort_key}})
    looked: list[Any] = []
    evaluate = dynamodb._evaluate_condition

    def counting(condition: str, item: Any, *rest: Any, **named: Any) -> Any:
        looked.append(item)
        return evaluate(condition, item, *rest, **named)

    monkeypatch.setattr(dynamodb, "_evaluate_condition", counting)
    asked = {
        "TableName": NAME,
        "KeyConditionExpression": "(#0 = :0 AND begins_with (#1, :1))",
        "ExpressionAttributeNames": {"#0": "pk", "#1": "sk"},
        "ExpressionAttributeValues": {":0": {"S": "p"}, ":1": {"S": "EDGE#12"}},
    }
    assert sorted_partitions.query(asked)[0] == 200
    assert len(looked) == 10
