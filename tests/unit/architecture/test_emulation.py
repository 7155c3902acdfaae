"""The emulated AWS answers the same when it is quick."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model

from tests.emulation import quick_emulation

ITEM = {
    "pk": {"S": "a"},
    "number": {"N": "1"},
    "none": {"NULL": True},
    "bytes": {"B": "YQ=="},
    "nested": {"M": {"list": {"L": [{"S": "1"}, {"M": {}}, {"SS": ["x", "y"]}]}}},
}
CAPACITY = {"TableName": "runs", "CapacityUnits": 1.0}
ANSWERS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("dynamodb", "json", "GetItem", {"Item": ITEM, "ConsumedCapacity": CAPACITY}),
    ("dynamodb", "json", "GetItem", {}),
    ("dynamodb", "json", "GetItem", {"item": ITEM, "consumed_capacity": CAPACITY}),
    ("dynamodb", "json", "Query", {"Items": [ITEM, ITEM, {}], "Count": 3, "LastEvaluatedKey": {"pk": {"S": "a"}}}),
    ("dynamodb", "json", "DescribeTable", {"Table": {"TableName": "runs", "table_status": "ACTIVE", "Status": "x"}}),
    ("sqs", "json", "ReceiveMessage", {"messages": [{"Id": "1", "MessageId": "2", "body": "x", "Attributes": {}}]}),
    ("kms", "json", "CreateKey", {"KeyMetadata": {"KeyId": "1", "arn": "arn", "Enabled": False, "Description": None}}),
    ("ec2", "ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-1", "id": "other", "Tags": [{"Key": "a", "Value": "b"}]}]}),
    ("sns", "query", "ListTopics", {"Topics": [{"arn": "a", "TopicArn": "b"}, {"Arn": "c"}]}),
]


def serialized(service: str, protocol: str, operation: str, answer: dict[str, Any]) -> object:
    made: Any = get_serializer_class(service, protocol)(
        operation_model=get_service_model(service).operation_model(operation),
        value_picker=XFormedAttributePicker(),
    )
    return {**made.serialize(answer), "headers": None}


@pytest.mark.parametrize(("service", "protocol", "operation", "answer"), ANSWERS)
def test_answers_are_the_same(service: str, protocol: str, operation: str, answer: dict[str, Any]) -> None:
    before = serialized(service, protocol, operation, answer)
    with quick_emulation():
        first = serialized(service, protocol, operation, answer)
        second = serialized(service, protocol, operation, answer)
    assert before == first == second


def test_in_any_order() -> None:
    before = [serialized(*answer) for answer in ANSWERS]
    with quick_emulation():
        for order in (ANSWERS, ANSWERS[::-1], ANSWERS):
            assert [serialized(*answer) for answer in order] == [before[ANSWERS.index(answer)] for answer in order]


TRANSACTIONS: list[list[dict[str, Any]]] = [
    [{"Put": {"Item": {"pk": {"S": "a"}, "sk": {"S": "1"}, "n": {"N": "1"}}}}],
    [
        {"Put": {"Item": {"pk": {"S": "b"}, "sk": {"S": "1"}, "list": {"L": [{"S": "x"}]}}}},
        {
            "Update": {
                "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}},
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        },
    ],
    # Refused at its last item, after the others are written, so that they are taken back: changed, made and deleted.
    [
        {
            "Update": {
                "Key": {"pk": {"S": "b"}, "sk": {"S": "1"}},
                "UpdateExpression": "SET #list[0] = :y",
                "ExpressionAttributeNames": {"#list": "list"},
                "ExpressionAttributeValues": {":y": {"S": "y"}},
            }
        },
        {"Put": {"Item": {"pk": {"S": "c"}, "sk": {"S": "1"}}}},
        {"Put": {"Item": {"pk": {"S": "a"}, "sk": {"S": "2"}}}},
        {"Delete": {"Key": {"pk": {"S": "a"}, "sk": {"S": "1"}}}},
        {
            "ConditionCheck": {
                "Key": {"pk": {"S": "z"}, "sk": {"S": "1"}},
                "ConditionExpression": "attribute_exists(pk)",
            }
        },
    ],
    [{"Delete": {"Key": {"pk": {"S": "b"}, "sk": {"S": "1"}}}}],
]


def written() -> Iterator[object]:
    """What the table and its stream have after each of the transactions."""
    with mock_aws():
        tables: Any = boto3.client("dynamodb", region_name="eu-west-1")
        streams: Any = boto3.client("dynamodbstreams", region_name="eu-west-1")
        made = tables.create_table(
            TableName="runs",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        stream = made["TableDescription"]["LatestStreamArn"]
        for operations in TRANSACTIONS:
            try:
                tables.transact_write_items(
                    TransactItems=[
                        {name: {**operation, "TableName": "runs"} for name, operation in item.items()}
                        for item in operations
                    ]
                )
            except ClientError as error:
                yield error.response["CancellationReasons"]
            yield tables.scan(TableName="runs")["Items"]
            (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
            start = streams.get_shard_iterator(
                StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            records = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
            yield [
                (one["eventName"], one["dynamodb"].get("OldImage"), one["dynamodb"].get("NewImage")) for one in records
            ]


def test_transactions_come_to_the_same() -> None:
    before = list(written())
    with quick_emulation():
        assert list(written()) == before
    assert any(one and isinstance(one, list) and "Code" in one[0] for one in before)


@mock_aws
def test_without_signatures_the_emulation_knows_who_calls_as_before():
    seen: list[dict[str, Any]] = []
    client = boto3.client("sts", region_name="eu-west-1", aws_access_key_id="AKIAONE", aws_secret_access_key="x")
    client.meta.events.register_first("before-send.sts.*", lambda request, **_: seen.append(dict(request.headers)))
    answers = [client.get_caller_identity()["Arn"]]
    with quick_emulation():
        answers.append(client.get_caller_identity()["Arn"])

    signed, unsigned = seen
    assert answers[0] == answers[1]
    assert signed.keys() == unsigned.keys()
    assert signed["Authorization"].split(b"Signature=")[0] == unsigned["Authorization"].split(b"Signature=")[0]
    assert unsigned["Authorization"].endswith(b"Signature=" + b"0" * 64)
