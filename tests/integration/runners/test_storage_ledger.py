"""The storage quota on moto: the ledger's items, what is refused, what the Lambdas may write."""

from datetime import UTC, datetime, timedelta

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.removal import S3Removal
from cadence.application.values.storage import release
from tests.integration.runners.conftest import World
from tests.permissions import within_the_role_of

PROJECT = ("default", "default")
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"


@pytest.fixture
def ledger(world: World) -> DynamoStorageLedger:
    return DynamoStorageLedger("runners", timedelta(days=90))


def test_days_and_limit_are_kept_by_project(ledger: DynamoStorageLedger) -> None:
    assert (ledger.read(*PROJECT).days, ledger.read(*PROJECT).own_limit) == ({}, None)
    assert [ledger.add(*PROJECT, TODAY, size) for size in (5, 7, -2)] == [5, 12, 10]
    ledger.put_limit(*PROJECT, 1 << 50)
    use = ledger.read(*PROJECT)
    assert (use.days, use.own_limit) == ({TODAY: 10}, 1 << 50)
    ledger.put_limit(*PROJECT, None)
    assert ledger.read(*PROJECT).own_limit is None
    assert ledger.read("default", "other").days == {}


def test_a_day_counts_until_the_bucket_has_removed_its_values(ledger: DynamoStorageLedger) -> None:
    today = datetime.now(UTC)
    kept, gone = (f"{today - timedelta(days=days):%Y-%m-%d}" for days in (91, 93))
    for day in (kept, gone):
        ledger.add(*PROJECT, day, 3)
    assert ledger.read(*PROJECT).days == {kept: 3}


def test_removed_values_leave_the_count_and_removed_lines_do_not_change_it(ledger: DynamoStorageLedger) -> None:
    for key in ("runs/r/values/make/1/wheel/000000000000", "runs/r/values/test/2/x/000000000000", "runs/r/logs/0"):
        client("s3").put_object(Bucket="data", Key=key, Body=b"12345")
    ledger.add(*PROJECT, TODAY, 10)
    removed = S3Removal(Buckets("data")).remove_values("runs/r/")
    assert release(ledger, *PROJECT, removed) == 3
    assert (sum(removed.days.values()), ledger.read(*PROJECT).used) == (10, 0)
    assert S3Removal(Buckets("data")).remove_values("runs/r/").objects == 0


@pytest.mark.parametrize("folder", ["runner_gateway", "retention", "watchdog", "api"])
def test_those_that_count_may_count(ledger: DynamoStorageLedger, folder: str) -> None:
    with within_the_role_of(folder, pytest.MonkeyPatch()) as done:
        if folder in ("runner_gateway", "api"):
            ledger.read(*PROJECT)
        if folder == "api":
            ledger.put_limit(*PROJECT, 1)
            ledger.put_limit(*PROJECT, None)
        else:
            ledger.add(*PROJECT, TODAY, 1)
    assert {table for _, table, _ in done} == {"table runners"}
