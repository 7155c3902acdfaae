"""The monthly bill: of an account that does nothing, and of 1,000 runs of the example.

Resources that are billed for existing are counted in the synthesized templates; calls of a run are measured by the
benchmarks (`bench/measured/calls-per-run.json`), and the bill names figures that are missing. Prices are in
`prices.json`. ``python -m infra.bill [--measured FILE]``
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import synth
from infra.packaging import REPOSITORY

MEASURED = REPOSITORY / "bench" / "measured" / "calls-per-run.json"
RUNS = 1000

_HOURS_PER_MONTH = 730
_AN_HOUR = {"rate(1 hour)": 1, "rate(15 minutes)": 4, "rate(5 minutes)": 12, "rate(2 minutes)": 30}
# For each queue, Lambda keeps five connections waiting for messages, each asking anew after 20 seconds.
_POLLS_PER_QUEUE_HOUR = 5 * 3600 / 20
_GB = 1024**3


@dataclass(frozen=True)
class Line:
    """One line of a bill: ``amount`` of ``unit``, of which ``free`` are free each month, at ``price`` USD each."""

    what: str
    amount: float
    unit: str
    price: float
    free: float = 0.0

    @property
    def list_price(self) -> float:
        """Returns USD, nothing free taken off."""
        return self.amount * self.price

    @property
    def billed(self) -> float:
        """Returns USD in an account that uses the free amount for nothing else."""
        return max(self.amount - self.free, 0.0) * self.price


class PriceList:
    """The prices of ``prices.json``, by name."""

    def __init__(self) -> None:
        self._content: Mapping[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())

    def __getitem__(self, name: str) -> float:
        return float(self._content["prices"][name])

    def free(self, name: str) -> float:
        """Returns the amount that is free each month, without a limit in time."""
        return float(self._content["always_free_per_month"][name])

    @property
    def origin(self) -> str:
        """Returns where the prices come from, and the region and date that they hold for."""
        return f"{self._content['source']} ({self._content['region']}, as of {self._content['as_of']})"


@dataclass(frozen=True)
class Deployed:
    """Numbers of resources that are billed for existing.

    ``scheduled`` is calls in an hour, ``memory`` the MB of Lambdas, by folder.
    """

    alarms: int
    keys: int
    shards: int
    polled_queues: int
    scheduled: int
    memory: Mapping[str, int]


def count(assembly: Path) -> Deployed:
    """Counts what a synthesized assembly would deploy."""
    resources = [
        resource
        for template in sorted(assembly.glob("*.template.json"))
        for resource in json.loads(template.read_text())["Resources"].values()
    ]

    def of_type(kind: str) -> list[Mapping[str, Any]]:
        return [resource["Properties"] for resource in resources if resource["Type"] == kind]

    mappings = of_type("AWS::Lambda::EventSourceMapping")
    return Deployed(
        alarms=len(of_type("AWS::CloudWatch::Alarm")),
        keys=len(of_type("AWS::KMS::Key")),
        shards=sum(stream.get("ShardCount", 0) for stream in of_type("AWS::Kinesis::Stream")),
        polled_queues=sum(1 for mapping in mappings if "StartingPosition" not in mapping),
        scheduled=sum(_AN_HOUR.get(str(rule.get("ScheduleExpression")), 0) for rule in of_type("AWS::Events::Rule")),
        memory={
            function["Handler"].partition(".")[0]: function["MemorySize"]
            for function in of_type("AWS::Lambda::Function")
        },
    )


def idle(deployed: Deployed, prices: PriceList, parked: bool) -> Iterator[Line]:
    """Yields the lines of a month in which no run is started; ``parked`` is whether the log stream is removed."""
    yield Line("alarms", deployed.alarms, "alarms", prices["alarm_month"], prices.free("alarms"))
    yield Line("encryption key of secrets", deployed.keys, "keys", prices["kms_key_month"])
    polls = deployed.polled_queues * _POLLS_PER_QUEUE_HOUR * _HOURS_PER_MONTH
    yield _per_million(
        "Lambda's polls of empty queues", polls, "requests", prices["sqs_million_requests"], prices.free("sqs_requests")
    )
    looks = deployed.scheduled * _HOURS_PER_MONTH
    yield _per_million(
        "looks at the log stream, at pools and at what is too old",
        looks,
        "invocations",
        prices["lambda_million_requests"],
        prices.free("lambda_requests"),
    )
    if not parked:
        hours = deployed.shards * _HOURS_PER_MONTH
        yield Line("log stream", hours, "shard hours", prices["kinesis_shard_hour"])


class NotMeasured(Exception):
    """A figure is missing from the measurements; the message names it."""


def per_runs(
    measured: Mapping[str, Any], deployed: Deployed, prices: PriceList, runs: int
) -> Iterator[Line | NotMeasured]:
    """Yields what ``runs`` runs cost on top; ``NotMeasured`` in place of a line whose figure was not measured."""
    yield from _lambda_lines(measured, deployed, prices, runs)
    for what, path, unit, price, free in (
        (
            "state machines",
            "state_transitions",
            "transitions",
            prices["states_thousand_transitions"] / 1e3,
            "state_transitions",
        ),
        ("tables, read", "dynamodb.read_units", "units", prices["dynamodb_million_reads"] / 1e6, None),
        ("tables, written", "dynamodb.write_units", "units", prices["dynamodb_million_writes"] / 1e6, None),
        ("bucket, written", "s3.puts", "requests", prices["s3_thousand_puts"] / 1e3, None),
        ("bucket, read", "s3.gets", "requests", prices["s3_thousand_gets"] / 1e3, None),
        ("bucket, kept for a month", "s3.stored_bytes", "bytes", prices["s3_gb_month"] / _GB, None),
        ("HTTP API", "api_requests", "requests", prices["api_million_requests"] / 1e6, None),
        ("log stream, written", "kinesis_put_units", "units", prices["kinesis_million_puts"] / 1e6, None),
        ("queues", "sqs_requests", "requests", prices["sqs_million_requests"] / 1e6, None),
        ("key of secrets", "kms_requests", "requests", prices["kms_ten_thousand_requests"] / 1e4, "kms_requests"),
        ("Lambdas' own logs", "log_bytes", "bytes", prices["logs_gb_ingested"] / _GB, None),
    ):
        try:
            amount = _figure(measured, path) * runs
        except NotMeasured as missing:
            yield missing
        else:
            yield Line(what, amount, unit, price, prices.free(free) if free else 0.0)


def _lambda_lines(
    measured: Mapping[str, Any], deployed: Deployed, prices: PriceList, runs: int
) -> Iterator[Line | NotMeasured]:
    calls: Mapping[str, Mapping[str, float]] = measured.get("lambda", {})
    for folder in sorted(set(deployed.memory) - set(calls)):
        yield NotMeasured(f"lambda.{folder}")
    known = {folder: call for folder, call in calls.items() if folder in deployed.memory}
    invocations = sum(call["invocations"] for call in known.values()) * runs
    seconds = sum(call["milliseconds"] / 1000 * deployed.memory[folder] / 1024 for folder, call in known.items()) * runs
    yield _per_million(
        "Lambda, calls", invocations, "invocations", prices["lambda_million_requests"], prices.free("lambda_requests")
    )
    yield Line("Lambda, time", seconds, "GB-seconds", prices["lambda_arm_gb_second"], prices.free("lambda_gb_seconds"))


def _per_million(what: str, amount: float, unit: str, price: float, free: float) -> Line:
    return Line(what, amount, unit, price / 1e6, free)


def _figure(measured: Mapping[str, Any], path: str) -> float:
    value: Any = measured
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise NotMeasured(path)
        value = value[name]
    return float(value)


@dataclass(frozen=True)
class Totals:
    """The two numbers that the README states, in USD at list price."""

    idle_month: float
    runs: float


def totals(measured: Mapping[str, Any], deployed: Deployed, prices: PriceList) -> Totals:
    """Returns what an idle account costs a month (log stream parked), and what `RUNS` runs cost on top."""
    found = per_runs(measured, deployed, prices, RUNS)
    return Totals(
        sum(line.list_price for line in idle(deployed, prices, parked=True)),
        sum(line.list_price for line in found if isinstance(line, Line)),
    )


def _print(title: str, lines: list[Line]) -> None:
    print(f"\n{title}")
    for line in lines:
        print(f"  {line.what:<32}{line.amount:>16,.0f} {line.unit:<12}{line.list_price:>9.3f}{line.billed:>9.3f}")
    total, billed = sum(line.list_price for line in lines), sum(line.billed for line in lines)
    print(f"  {'total':<32}{'':>16} {'':<12}{total:>9.3f}{billed:>9.3f}")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", type=Path, default=MEASURED)
    measured_file: Path = parser.parse_args().measured
    prices = PriceList()
    deployed = count(synth.assembly("aws", context={"bundles": "false"}))
    print("USD a month: at list price, and less what AWS gives every account free without a limit in time.")
    print(f"Prices: {prices.origin}.")
    _print("Idle, the log stream parked", list(idle(deployed, prices, parked=True)))
    _print("Idle, the log stream kept", list(idle(deployed, prices, parked=False)))
    if not measured_file.is_file():
        print(f"\n{RUNS:,} runs of the example: not measured yet ({measured_file} is missing; see its README).")
        return
    measured = json.loads(measured_file.read_text())
    found = list(per_runs(measured, deployed, prices, RUNS))
    _print(f"{RUNS:,} runs of {measured['example']}, on top", [line for line in found if isinstance(line, Line)])
    print(f"  Measured: {measured['measured']}")
    missing = [str(line) for line in found if isinstance(line, NotMeasured)]
    if missing:
        print(f"  NOT MEASURED, and so not in the total: {', '.join(missing)}")


if __name__ == "__main__":
    main()
