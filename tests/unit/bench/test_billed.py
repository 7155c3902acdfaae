"""What is counted for one request is what AWS bills for it."""

import base64

import pytest

from bench.counting.billed import KINESIS_UNIT, of_dynamodb, of_kinesis, of_s3


def test_dynamodb_units_are_those_of_all_tables_of_the_answer() -> None:
    assert of_dynamodb("GetItem", {}, {"ConsumedCapacity": {"CapacityUnits": 0.5}}, refused=False) == {
        "read_units": 0.5
    }
    answer = {"ConsumedCapacity": [{"CapacityUnits": 4.0}, {"CapacityUnits": 2.0}]}
    assert of_dynamodb("TransactWriteItems", {}, answer, refused=False) == {"write_units": 6.0}


@pytest.mark.parametrize(
    ("action", "kind", "units"),
    [
        ("PutItem", "ConditionalCheckFailedException", {"write_units": 1}),
        ("TransactWriteItems", "TransactionCanceledException", {"write_units": 4}),
        ("PutItem", "ValidationException", {}),
    ],
)
def test_a_write_whose_condition_failed_is_billed_and_a_wrong_request_is_not(
    action: str, kind: str, units: dict[str, int]
) -> None:
    answer = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}"}
    assert of_dynamodb(action, {"TransactItems": [{}, {}]}, answer, refused=True) == units


def test_s3_deletes_are_free_and_only_uploads_are_stored() -> None:
    assert of_s3("PUT", 10) == {"puts": 1, "stored_bytes": 10}
    assert of_s3("GET", 0) == of_s3("HEAD", 0) == {"gets": 1}
    assert of_s3("DELETE", 0) == {}


def test_a_kinesis_record_is_billed_by_begun_units() -> None:
    def record(size: int) -> dict[str, str]:
        return {"Data": base64.b64encode(bytes(size)).decode(), "PartitionKey": "k"}

    request = {"Records": [record(1), record(KINESIS_UNIT)]}
    assert of_kinesis("PutRecords", request) == {"kinesis_put_units": 3}
    assert of_kinesis("GetRecords", {"ShardIterator": "x"}) == {"kinesis_put_units": 0}
