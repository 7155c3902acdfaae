"""What one run makes the control plane do, counted by the local stack's own servers, and what AWS bills for it.

    python -m bench calls                 counts, and the bill of 1,000 runs
    python -m bench.calls --write         also keep them in bench/measured/calls-per-run.json, which `infra.bill` reads

The run is that of examples/check-repository.yaml on this checkout, started by a signed webhook, followed by nobody.
What the idle host costs meanwhile is measured before and taken off. A second document (one treatment that prints a line
a
second) tells what a runner-hour costs: agents send lines ever less often, so it runs for two minutes, and for five.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from bench.counting.ministack import COUNTS_PATH
from bench.figures import ROOT, Goal, Report, keep_bytecode
from bench.graph import document
from bench.stack import Stack, local_stack, until
from cadence.local.demo.repository import head
from cadence.local.demo.webhook import Webhook
from cadence.local.ministack.server import MiniStack
from cadence.local.shared.git_head import RepositoryHead
from infra import synth
from infra.bill import MEASURED, RUNS, Deployed, Line, PriceList, count, per_runs

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EXAMPLE = "check-repository"
ROUNDS = 5
SUPERVISOR_MODULE = "bench.counting.supervisor"
# Within the first two minutes agents come to send lines as seldom as they do from then on.
FIRST_SECONDS, STEADY_SECONDS = 120, 300
# By then the runs before it have had the wake-ups that they asked for, but for those that take a quarter of an hour.
_WAKE_UPS_SECONDS = 130.0
_IDLE_SECONDS = 20.0
_QUIET_SECONDS = 3.0
_DEADLINES_QUEUE = "cadence-main-deadlines"
_WATCHDOG = "cadence-main-watchdog"
_HOURLY_GOAL = 0.005

Counts = Counter[str]


@dataclass(frozen=True)
class Watched:
    """A counting stack, and how to do something on it while nothing else is counted."""

    stack: Stack
    ministack: MiniStack
    idle: Mapping[str, float]

    def cost_of(self, act: Callable[[], object], runs: int) -> Counts:
        """What is counted while `act` starts this many runs and until all is quiet, without what idling costs."""
        before, began, started = counts(self.ministack), time.monotonic(), datetime.now(UTC)
        ended = _ended_runs(self.ministack)
        act()
        until(lambda: True if _ended_runs(self.ministack) - ended >= runs else None, 0.1)
        self._until_quiet()
        self._deliver_due_wake_ups(before)
        after, seconds = counts(self.ministack), time.monotonic() - began
        spent = Counter({name: after[name] - before[name] for name in after})
        for name, each_second in self.idle.items():
            spent[name] = max(spent[name] - each_second * seconds, 0)  # type: ignore[assignment]
        spent["state_transitions"] = transitions(self.ministack, started)
        return Counter({name: amount / runs for name, amount in spent.items()})

    def _until_quiet(self) -> None:
        """Until no Lambda but the idle host's has been called for a while."""

        def called() -> int:
            now = counts(self.ministack)
            return sum(now[name] for name in now if name.endswith(".invocations") and "runner_gateway" not in name)

        last = called()
        while True:
            time.sleep(_QUIET_SECONDS)
            now = called()
            if now == last:
                return
            last = now

    def _deliver_due_wake_ups(self, before: Counts) -> None:
        """What was asked for later (up to 15 minutes after a run's end) is called now: looks at the run."""
        now = counts(self.ministack)
        sent, seen = f"requests.sqs.{_DEADLINES_QUEUE}.SendMessage", "lambda.watchdog.invocations"
        due = now[sent] - before[sent] - (now[seen] - before[seen])
        body = json.dumps({"run_id": _newest_run(self.ministack)})
        lambda_client = self.ministack.client("lambda")
        for number in range(max(due, 0)):
            record = {
                "messageId": f"bench-{number}",
                "eventSource": "aws:sqs",
                "body": body,
            }
            lambda_client.invoke(FunctionName=_WATCHDOG, Payload=json.dumps({"Records": [record]}))


def measure() -> Report:
    """Count, and price what was counted."""
    measured, hour = count_all()
    return report(measured, hour)


@cache
def count_all() -> tuple[dict[str, Any], dict[str, Counts]]:
    """The example's calls per run, and those of one treatment that prints for no time, for `FIRST_SECONDS`, and for
    `STEADY_SECONDS`.
    """
    supervisor = (sys.executable, "-m", SUPERVISOR_MODULE)
    # Requests are changed on their way to be counted, so that their signatures cannot be verified.
    with local_stack(supervisor, enforce_iam=False) as stack:
        ministack = stack.ministack
        # Before any run: later, wake-ups of runs that have ended would be taken for what idling costs.
        watched = Watched(stack, ministack, _idle(ministack))
        push = _pusher(stack)
        _warm(stack, ministack, push)
        runs = watched.cost_of(lambda: _one_after_another(ministack, push, ROUNDS), ROUNDS)
        short = watched.cost_of(lambda: stack.client.run_document(_printing(0)), 1)
        time.sleep(_WAKE_UPS_SECONDS)
        first = watched.cost_of(lambda: stack.client.run_document(_printing(FIRST_SECONDS)), 1)
        steady = watched.cost_of(lambda: stack.client.run_document(_printing(STEADY_SECONDS)), 1)
    return as_measured(runs), {"short": short, "first": first, "steady": steady}


def as_measured(runs: Counts) -> dict[str, Any]:
    """The shape that bench/measured/README.md describes."""
    when = datetime.now(UTC).date().isoformat()
    return {
        "measured": f"{when}, on the local stack, average of {ROUNDS} warm runs one after another; {_load()}",
        "example": f"examples/{EXAMPLE}.yaml",
        **shaped(runs),
    }


def _load() -> str:
    """How busy the machine was, since Lambdas' milliseconds grow with it."""
    return f"load {os.getloadavg()[2]:.1f} on {os.cpu_count()} CPUs"


def shaped(spent: Counts) -> dict[str, Any]:
    """Counters by dotted name as nested objects; each Lambda of the stack is there, called or not."""
    folders = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
    lambdas = {
        folder: {kind: round(spent[f"lambda.{folder}.{kind}"], 2) for kind in ("invocations", "milliseconds")}
        for folder in folders
    }

    def group(name: str, *kinds: str) -> dict[str, float]:
        return {kind: round(spent[f"{name}.{kind}"], 2) for kind in kinds}

    flat = ("api_requests", "kinesis_put_units", "sqs_requests", "kms_requests", "log_bytes")
    return {
        "lambda": lambdas,
        "state_transitions": round(spent["state_transitions"], 2),
        "dynamodb": group("dynamodb", "read_units", "write_units"),
        "s3": group("s3", "puts", "gets", "stored_bytes"),
        **{name: round(spent[name], 2) for name in flat},
    }


def report(measured: Mapping[str, Any], hour: Mapping[str, Counts]) -> Report:
    """The counts of a run, and their price."""
    found = Report(f"What one run of {measured['example']} costs ({measured['measured']})")
    calls = {folder: call for folder, call in measured["lambda"].items() if call["invocations"]}
    for folder, call in sorted(calls.items(), key=lambda item: -item[1]["milliseconds"]):
        found.add(f"Lambda {folder}: {call['invocations']:g} invocations", call["milliseconds"], "ms")
    treatments = measured["lambda"]["place"]["invocations"]
    found.add("state transitions", measured["state_transitions"], "")
    found.add(
        "state transitions for each treatment (with the run's)", measured["state_transitions"] / treatments, "", Goal(8)
    )
    for name in ("dynamodb", "s3"):
        for kind, amount in measured[name].items():
            found.add(f"{name}: {kind.replace('_', ' ')}", amount, "")
    for name in ("api_requests", "kinesis_put_units", "sqs_requests", "kms_requests", "log_bytes"):
        found.add(name.replace("_", " "), measured[name], "")
    prices, deployed = PriceList(), count(synth.assembly("aws", context={"bundles": "false"}))
    found.add(f"{RUNS:,} runs", price(measured, deployed, prices, RUNS), "USD")
    _add_runner_hour(found, *(_lines(shaped(hour[name]), deployed, prices, 1) for name in ("short", "first", "steady")))
    later = Counter(hour["steady"])
    later.subtract(hour["first"])
    minutes = (STEADY_SECONDS - FIRST_SECONDS) / 60
    for folder in ("runner_gateway", "log_indexer", "watchdog"):
        found.add(f"  {folder}: invocations in a steady minute", later[f"lambda.{folder}.invocations"] / minutes, "")
    found.notes += [
        f"{prices.origin}; nothing free taken off. `python -m infra.bill` shows every line.",
        f"The shard that all runners share ({prices['kinesis_shard_hour']} USD an hour while not parked) is not in it.",
        "Lambdas' times are those of this machine, without MiniStack's wait for log lines; cold starts are not in them.",
        "There is no peer: what other engines cost is the machines that run them all month.",
    ]
    return found


def _add_runner_hour(
    found: Report, short: Mapping[str, float], first: Mapping[str, float], steady: Mapping[str, float]
) -> None:
    """From a treatment that does nothing, and what its first minutes and those after them cost: what an hour does."""
    start, opening = sum(short.values()), sum(first.values()) - sum(short.values())
    later = (3600 - FIRST_SECONDS) / (STEADY_SECONDS - FIRST_SECONDS)
    hourly = {name: (steady[name] - first[name]) * later for name in steady}
    total = start + opening + sum(hourly.values())
    found.add("runner-hour with a line a second, its start and end included", total, "USD", Goal(_HOURLY_GOAL))
    found.add("  start and end of the treatment and its run", start, "USD")
    found.add(f"  its first {FIRST_SECONDS} s", opening, "USD")
    for name, dollars in sorted(hourly.items(), key=lambda item: -item[1]):
        if dollars > total / 100:
            found.add(f"  {name}", dollars, "USD")


def price(measured: Mapping[str, Any], deployed: Deployed, prices: PriceList, runs: int) -> float:
    """USD at list price."""
    return sum(_lines(measured, deployed, prices, runs).values())


def _lines(measured: Mapping[str, Any], deployed: Deployed, prices: PriceList, runs: int) -> dict[str, float]:
    """USD at list price, by line of the bill."""
    return {line.what: line.list_price for line in per_runs(measured, deployed, prices, runs) if isinstance(line, Line)}


def counts(ministack: MiniStack) -> Counts:
    """All counters so far."""
    return Counter(requests.get(ministack.endpoint + COUNTS_PATH, timeout=30).json())


def _pusher(stack: Stack) -> Callable[[], str]:
    """Sends a push of this checkout; the example is stored, its git host known."""
    stack.client.put_pipeline(EXAMPLE, (ROOT / "examples" / f"{EXAMPLE}.yaml").read_text())
    added = stack.client.create_githost("github", "bench")
    webhook = Webhook(stack.client.url + added["webhook_path"], added["webhook_secret"])
    commit: RepositoryHead = head(ROOT, ROOT / "build" / "repository")
    return lambda: webhook.push(commit)


def _warm(stack: Stack, ministack: MiniStack, push: Callable[[], str]) -> None:
    stack.finished(stack.client.run_document(_printing(0)))
    _one_after_another(ministack, push, 2)


def _one_after_another(ministack: MiniStack, push: Callable[[], str], times: int) -> None:
    for _ in range(times):
        before = _ended_runs(ministack)
        push()
        until(lambda before=before: True if _ended_runs(ministack) > before else None, 0.1)  # type: ignore[misc]


def _idle(ministack: MiniStack) -> dict[str, float]:
    """Counts per second while nothing runs."""
    time.sleep(_QUIET_SECONDS)
    before = counts(ministack)
    time.sleep(_IDLE_SECONDS)
    after = counts(ministack)
    return {name: (after[name] - before[name]) / _IDLE_SECONDS for name in after if after[name] != before[name]}


def _printing(seconds: int) -> str:
    """A pipeline of one treatment that prints a line a second."""
    command = f'i=0; while [ $i -lt {seconds} ]; do i=$((i+1)); echo "line $i of a steady log"; sleep 1; done'
    return document({"steady": []}, "steady", command)


def _ended_runs(ministack: MiniStack) -> int:
    """Returns how many executions of the state machine of runs have ended."""
    states: SFNClient = ministack.client("stepfunctions")
    (machine,) = (one for one in states.list_state_machines()["stateMachines"] if one["name"].endswith("-run"))
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
    return sum(execution["status"] != "RUNNING" for page in pages for execution in page["executions"])


def transitions(ministack: MiniStack, since: datetime) -> int:
    """States entered by all executions since then, and tasks tried again, which AWS counts as well."""
    states: SFNClient = ministack.client("stepfunctions")
    total = 0
    for machine in states.list_state_machines()["stateMachines"]:
        for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"]):
            for execution in page["executions"]:
                if execution["startDate"] >= since:
                    total += _transitions_of(states, execution["executionArn"])
    return total


def _transitions_of(states: "SFNClient", arn: str) -> int:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
    kinds = [event["type"] for page in pages for event in page["events"]]
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    retried = kinds.count("TaskScheduled") - kinds.count("TaskStateEntered")
    return entered + max(retried, 0)


def _newest_run(ministack: MiniStack) -> str:
    """Returns the run that began last; it has ended."""
    states: SFNClient = ministack.client("stepfunctions")
    (machine,) = (one for one in states.list_state_machines()["stateMachines"] if one["name"].endswith("-run"))
    executions = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    return max(executions, key=lambda execution: execution["startDate"])["name"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep the counts in {MEASURED.relative_to(ROOT)}")
    options = parser.parse_args()
    keep_bytecode()
    measured, hour = count_all()
    print(report(measured, hour))
    if options.write:
        Path(MEASURED).write_text(json.dumps(measured, indent=2) + "\n")
        print(f"Written to {MEASURED}; the README's figures are those of `python -m infra.bill`.")


if __name__ == "__main__":
    main()
