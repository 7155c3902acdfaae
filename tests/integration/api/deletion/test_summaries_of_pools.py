"""Summaries of treatments whose pools have a bucket of their own: their texts are there, and nowhere else."""

from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.runs.summaries import DynamoSummaries
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.summary_texts import S3SummaryTexts
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.shared import ids
from cadence.domain.values.value_retention import ValueRetention
from tests.integration.api.calling import Api
from tests.integration.api.conftest import REGION
from tests.integration.api.test_treatments import run_id  # noqa: F401 (a fixture)

TEXT = "# 30 orders of the customer 4711"


@pytest.fixture
def summaries(api: Api, run_id: str) -> DynamoSummaries:  # noqa: F811
    """The second attempt of `total` had a pool that keeps its values in another bucket."""
    client("s3").create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
    retentions = DynamoValueRetentionStore("runs")
    retentions.note(run_id, "total", 2, ValueRetention("far", bucket="elsewhere"))
    return DynamoSummaries("runs", S3SummaryTexts(Buckets("data", {"elsewhere": REGION}), retentions))


def texts(api: Api, run_id: str) -> dict[str, Any]:  # noqa: F811
    return {one["treatment"]: one["text"] for one in api("GET", f"/v1/runs/{run_id}/summaries").json["items"]}


def test_its_text_is_in_the_bucket_of_the_pool_alone(
    api: Api,
    run_id: str,  # noqa: F811
    summaries: DynamoSummaries,
) -> None:
    summaries.put_summary(JobSummary(run_id, "total", 2, TEXT))
    summaries.put_summary(JobSummary(run_id, "fetch", 1, "# Fetched"))

    key = ids.bucket_and_key(ids.summary_key(run_id, "total", 2, "elsewhere"))[1]
    assert client("s3").get_object(Bucket="elsewhere", Key=key)["Body"].read().decode() == TEXT
    assert "4711" not in str(client("dynamodb").scan(TableName="runs")["Items"])
    own = client("s3").list_objects_v2(Bucket="data", Prefix=f"runs/{run_id}/").get("Contents", [])
    assert not [item["Key"] for item in own if "summar" in item["Key"]]
    assert texts(api, run_id) == {"total": TEXT, "fetch": "# Fetched"}
    (row,) = [one for one in api("GET", f"/v1/runs/{run_id}/data").json["data"] if one["kind"] == "summary"]
    assert (row["bucket"], row["name"], row["bytes"]) == ("elsewhere", "total (attempt 2)", len(TEXT))
    # What is sent to code hosts has only what may leave the pool's bucket.
    assert DynamoSummaries("runs").list_summaries(run_id) == [JobSummary(run_id, "fetch", 1, "# Fetched")]


def test_a_bucket_that_does_not_give_or_take_it_is_named(
    api: Api,
    run_id: str,  # noqa: F811
    summaries: DynamoSummaries,
) -> None:
    client("s3").delete_bucket(Bucket="elsewhere")
    summaries.put_summary(JobSummary(run_id, "total", 2, TEXT))
    assert texts(api, run_id) == {
        "total": "This summary is kept in the bucket elsewhere of its pool, which does not give it now."
    }


def test_a_later_attempt_in_another_pool_has_its_own_place(
    api: Api,
    run_id: str,  # noqa: F811
    summaries: DynamoSummaries,
) -> None:
    summaries.put_summary(JobSummary(run_id, "total", 2, TEXT))
    summaries.put_summary(JobSummary(run_id, "total", 3, "# Public"))
    summaries.put_summary(JobSummary(run_id, "total", 2, TEXT))
    assert texts(api, run_id) == {"total": "# Public"}
