"""The bill counts what the templates hold, and says what was not measured."""

import pytest

from infra.bill import Deployed, Line, NotMeasured, PriceList, count, idle, per_runs
from tests.infrastructure.assembly import Assembly

DEPLOYED = Deployed(alarms=12, keys=1, shards=1, polled_queues=2, hourly_rules=1, memory={"admit": 1024, "settle": 512})


def test_what_is_billed_for_existing_is_counted_in_the_templates(aws: Assembly) -> None:
    deployed = count(aws.directory)
    assert (deployed.keys, deployed.shards, deployed.polled_queues, deployed.hourly_rules) == (1, 1, 2, 1)
    assert deployed.alarms == len(aws.of_type("AWS::CloudWatch::Alarm"))
    assert set(deployed.memory) == set(aws.functions())


def test_an_idle_account_stays_below_three_dollars_while_the_stream_is_parked(aws: Assembly) -> None:
    deployed, prices = count(aws.directory), PriceList()
    parked = sum(line.list_price for line in idle(deployed, prices, parked=True))
    kept = sum(line.list_price for line in idle(deployed, prices, parked=False))
    assert parked <= 3
    assert kept - parked == pytest.approx(730 * prices["kinesis_shard_hour"])


def test_what_is_free_is_taken_off_and_never_below_zero() -> None:
    assert Line("x", 12, "alarms", 0.1, free=10).billed == pytest.approx(0.2)
    assert Line("x", 7, "alarms", 0.1, free=10).billed == 0


def test_a_runs_lambda_time_is_priced_by_the_templates_memory() -> None:
    measured = {
        "lambda": {
            "admit": {"invocations": 1, "milliseconds": 500},
            "settle": {"invocations": 4, "milliseconds": 2000},
        }
    }
    lines = {line.what: line for line in per_runs(measured, DEPLOYED, PriceList(), 1000) if isinstance(line, Line)}
    assert lines["Lambda, calls"].amount == 5000
    assert lines["Lambda, time"].amount == pytest.approx(1000 * (0.5 * 1 + 2 * 0.5))


def test_what_was_not_measured_is_named_and_not_counted() -> None:
    measured = {"lambda": {"admit": {"invocations": 1, "milliseconds": 1}}, "dynamodb": {"read_units": 3}}
    found = list(per_runs(measured, DEPLOYED, PriceList(), 10))
    missing = {str(line) for line in found if isinstance(line, NotMeasured)}
    assert {"lambda.settle", "dynamodb.write_units", "state_transitions", "s3.puts"} <= missing
    assert "dynamodb.read_units" not in missing
    (reads,) = (line for line in found if isinstance(line, Line) and line.what == "tables, read")
    assert reads.amount == 30
