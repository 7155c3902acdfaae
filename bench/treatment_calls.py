"""What one treatment makes the control plane do: AWS calls by service and action, invocations, states, written units.

    python -m bench treatment_calls
    python -m bench.treatment_calls --trace plain    every call of one more treatment, with the invocation that makes it

Each cost is a difference: a chain of several treatments less a chain of one, divided by how many more they are. What a
value, a line or a stream costs is what a chain with it takes more than one without. These are counts, which a busy
machine changes little. Looks of the watchdog that are due later are carried out at once; what idle hosts ask is left
out.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import requests

from bench.calls import SUPERVISOR_MODULE, transitions
from bench.counting.call_log import CALLS_PATH
from bench.figures import Goal, Report, keep_bytecode
from bench.graph import chain, document
from bench.stack import Stack, local_stack, until

MORE = 8
"""How many treatments the longer chain has more than the shorter one."""
QUIET_SECONDS = 2.0
_LOOKS = "cadence-main-deadlines "
_WATCHDOG = "cadence-main-watchdog"
_IDLE = frozenset({"", "agent", "api", "runner_gateway lease"})
GOALS = {"AWS calls": 25, "Lambda invocations": 4, "state transitions": 2, "DynamoDB write units": 25}

Call = Mapping[str, Any]


@dataclass(frozen=True)
class Spent:
    """What was counted: all calls in order, and the states that executions entered."""

    calls: Sequence[Call]
    transitions: int

    def by_action(self) -> Counter[str]:
        """Returns AWS calls by service and action."""
        return Counter(f"{call['service']} {call['action']}" for call in self.aws())

    def by_caller(self) -> Counter[str]:
        """Returns AWS calls by the invocation that made them."""
        return Counter(call["caller"] for call in self.aws())

    def aws(self) -> Sequence[Call]:
        """Returns the calls without the invocations that made them."""
        return [call for call in self.calls if call["service"] != "invocation"]

    def totals(self) -> Counter[str]:
        """Returns the figures that have a goal."""
        invocations = [call for call in self.calls if call["service"] == "invocation"]
        written = [
            call for call in self.aws() if call["service"] == "dynamodb" and call["action"] not in {"GetItem", "Query"}
        ]
        return Counter(
            {
                "AWS calls": len(self.aws()),
                "Lambda invocations": len(invocations),
                "state transitions": self.transitions,
                "DynamoDB write units": sum(call["units"] for call in written if "BatchGet" not in call["action"]),
            }
        )


def measure() -> Report:
    """One stack; each document once to warm up, once to count."""
    found = Report("What one treatment makes the control plane do")
    with counting_stack() as stack:
        count = Counting(stack).of
        plain = per_treatment(count, plain_chain)
        for name, amount in plain.totals.items():
            found.add(f"plain treatment: {name}", amount, "", Goal(GOALS[name]))
        _add(found, "plain treatment", plain)
        for kind, make in (("a line printed", printing_chain), ("a value handed on", value_chain)):
            _add(found, kind, per_treatment(count, make).less(plain), totals=True)
        _add(found, "a stream, with its producer", per_treatment(count, streams), totals=True)
    found.notes.append("Calls are those of Lambdas and agents; what AWS itself calls to deliver events is not in them.")
    return found


@dataclass(frozen=True)
class Cost:
    """What one more treatment takes, on average."""

    totals: Mapping[str, float]
    actions: Mapping[str, float]
    callers: Mapping[str, float]

    def less(self, other: "Cost") -> "Cost":
        """Returns what this takes more than `other`."""
        return Cost(
            *(
                {name: mine.get(name, 0) - others.get(name, 0) for name in {**mine, **others}}
                for mine, others in (
                    (self.totals, other.totals),
                    (self.actions, other.actions),
                    (self.callers, other.callers),
                )
            )
        )


class Counting:
    """Counts what documents take on a stack, one run at a time."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def of(self, text: str) -> Spent:
        """Returns what a run of the document takes; a run before it warms up what it needs."""
        self._run(text)
        started, first = datetime.now(UTC), len(self._calls(0))
        looks = self._run(text) - first
        calls = [
            call
            for number, call in enumerate(self._calls(first))
            # Looks that fell due meanwhile: all of them are carried out after the run.
            if number >= looks or not call["caller"].startswith("watchdog")
        ]
        until_last = max(number for number, call in enumerate(calls) if call["caller"] not in _IDLE) + 1
        # The API's calls are those of the benchmark, which looks whether the run has ended.
        mine = [call for call in calls[:until_last] if call["caller"] not in {"", "api"}]
        return Spent(mine, transitions(self._stack.ministack, started))

    def _run(self, text: str) -> int:
        """Returns the number of calls before the looks that the run asked for."""
        first = len(self._calls(0))
        self._stack.finished(self._stack.client.run_document(text), look_every=1.0)
        self._until_quiet(first)
        looks = len(self._calls(0))
        for message in [call["what"] for call in self._calls(first) if call["action"] == "SendMessage"]:
            if message.startswith(_LOOKS):
                record = {"messageId": message, "eventSource": "aws:sqs", "body": message.removeprefix(_LOOKS)}
                self._stack.ministack.client("lambda").invoke(
                    FunctionName=_WATCHDOG, Payload=json.dumps({"Records": [record]})
                )
        return looks

    def _until_quiet(self, first: int) -> None:
        def busy() -> int:
            return sum(call["caller"] not in _IDLE for call in self._calls(first))

        def quiet() -> bool | None:
            before = busy()
            time.sleep(QUIET_SECONDS)
            return True if busy() == before else None

        until(quiet)

    def _calls(self, after: int) -> list[Call]:
        endpoint = self._stack.ministack.endpoint
        answer: list[Call] = requests.get(f"{endpoint}{CALLS_PATH}?after={after}", timeout=60).json()
        return answer


def counting_stack() -> Any:
    """Returns a context in which a stack counts its calls."""
    # Requests are changed on their way to be counted, so that their signatures cannot be verified.
    return local_stack((sys.executable, "-m", SUPERVISOR_MODULE), enforce_iam=False)


def per_treatment(count: Callable[[str], Spent], make: Callable[[int], str]) -> Cost:
    """Returns the difference between the longer and the shorter of a kind of documents, for each treatment more."""
    short, long = count(make(1)), count(make(1 + MORE))

    def each(more: Mapping[str, float], less: Mapping[str, float]) -> dict[str, float]:
        return {name: (more.get(name, 0) - less.get(name, 0)) / MORE for name in {**less, **more}}

    return Cost(
        each(long.totals(), short.totals()),
        each(long.by_action(), short.by_action()),
        each(long.by_caller(), short.by_caller()),
    )


def plain_chain(length: int) -> str:
    """Treatments without output, one after the other."""
    return document(chain(length), "plain")


def printing_chain(length: int) -> str:
    """Treatments that print one line, one after the other."""
    return document(chain(length), "printing", "echo hello")


def value_chain(length: int) -> str:
    """Treatments that each hand a small block to the next."""
    made = {"run": 'echo hello > "$CADENCE_OUT_made"', "outputs": {"made": "Block<string>"}}
    names = list(chain(length))
    treatments = {
        name: made | ({"inputs": {"given": "Block<string>"}} if number else {}) for number, name in enumerate(names)
    }
    connections = [f"{before}.made -> {after}.given" for before, after in pairwise(names)]
    return json.dumps({"cadence": 1, "name": "values", "treatments": treatments, "connections": connections})


def streams(pairs: int) -> str:
    """Pairs of a producer and a consumer of a short stream, one pair after the other."""
    treatments: dict[str, Any] = {}
    connections = []
    for number in range(pairs):
        after = {"after": [f"consumer{number - 1}"]} if number else {}
        treatments[f"producer{number}"] = after | {
            "run": 'echo hello > "$CADENCE_OUT_made"',
            "outputs": {"made": "Stream<byte>"},
        }
        treatments[f"consumer{number}"] = {
            "run": 'cat "$CADENCE_IN_given" > /dev/null',
            "inputs": {"given": "Stream<byte>"},
        }
        connections.append(f"producer{number}.made -> consumer{number}.given")
    return json.dumps({"cadence": 1, "name": "streams", "treatments": treatments, "connections": connections})


def _add(found: Report, kind: str, cost: Cost, *, totals: bool = False) -> None:
    shown = {**(cost.totals if totals else {}), **_sorted(cost.actions), **_sorted(cost.callers)}
    for name, amount in shown.items():
        if abs(amount) >= 0.1:
            found.add(f"{kind}: {name}", amount, "")


def _sorted(amounts: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(amounts.items(), key=lambda item: -item[1]))


def main() -> None:
    """Print the trace of one run of a kind of documents."""
    parser = argparse.ArgumentParser(prog="python -m bench.treatment_calls", description=__doc__)
    kinds = {"plain": plain_chain, "printing": printing_chain, "value": value_chain, "stream": streams}
    parser.add_argument("--trace", choices=kinds, default="plain")
    parser.add_argument("--length", type=int, default=2)
    options = parser.parse_args()
    keep_bytecode()
    with counting_stack() as stack:
        for call in Counting(stack).of(kinds[options.trace](options.length)).calls:
            if call["service"] == "invocation":
                print(f"{call['caller']}:")
            elif call["caller"]:
                print(f"    {call['caller']:<26} {call['service']} {call['action']} {call['what']} {call['units']:g}")


if __name__ == "__main__":
    main()
