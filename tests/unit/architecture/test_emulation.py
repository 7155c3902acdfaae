"""The emulated AWS answers the same when it is quick."""

from typing import Any

import pytest
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
