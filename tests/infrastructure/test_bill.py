"""The bill counts what the templates hold, and says what was not measured."""

import json
import re

import pytest

from infra.bill import MEASURED, Deployed, Line, NotMeasured, PriceList, count, idle, per_runs, totals
from infra.packaging import REPOSITORY
from tests.infrastructure.assembly import Assembly

DEPLOYED = Deployed(alarms=12, keys=1, shards=1, polled_queues=2, scheduled=1, memory={"admit": 1024, "settle": 512})


def test_what_is_billed_for_existing_is_counted_in_the_templates(aws: Assembly) -> None:
    deployed = count(aws.directory)
    assert (deployed.keys, deployed.shards, deployed.polled_queues, deployed.scheduled) == (1, 1, 4, 61)
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


def test_the_readme_states_what_the_bill_comes_to(aws: Assembly) -> None:
    prices, measured = PriceList(), json.loads(MEASURED.read_text())
    stated = re.search(
        r"idle account costs \*\*(?P<idle>[\d.]+) USD\*\* a month .* 1,000 runs of .* \*\*(?P<runs>[\d.]+) USD\*\*.*"
        r"of (?P<as_of>[\d-]+) in (?P<region>[\w-]+)",
        " ".join((REPOSITORY / "README.md").read_text().split()),
    )
    assert stated is not None, "the README states no bill, or in other words"
    bill = totals(measured, count(aws.directory), prices)
    assert (stated["idle"], stated["runs"]) == (f"{bill.idle_month:.2f}", f"{bill.runs:.2f}")
    assert f"({stated['region']}, as of {stated['as_of']})" in prices.origin


def test_everything_that_a_run_costs_was_measured(aws: Assembly) -> None:
    measured = json.loads(MEASURED.read_text())
    missing = [
        str(line) for line in per_runs(measured, count(aws.directory), PriceList(), 1) if isinstance(line, NotMeasured)
    ]
    assert missing == []
