"""A fault for every Retry and every Catch of both machines, injected into real executions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cadence.domain.scheduling.machine_step import DECIDED, PLACED
from tests.integration.scheduling.conftest import DEFINITIONS, LAUNCH, MACHINES, WELL, Theatre, proceed, step

pytestmark = pytest.mark.slow

OFFERED = ["Place"]
TREATMENT = ["Place", "Placed", "Launch", "Release and end"]
# Settled by its machine: after the result, after an error of Launch, and after an error of Place.
SETTLED = ["Place", "Placed", "Launch", "Decided", "Next?", "Settle", "Next?", "Release", "Again?", "Done"]
UNLAUNCHED = ["Place", "Placed", "Launch", "Settle", "Next?", "Release", "Again?", "Done"]
UNPLACED = ["Place", "Settle", "Next?", "Done"]
UNSETTLED = [*SETTLED[:6], "Launched?", "Release", "Again?", "Not settled"]
TURN = ["Place", "Await turn"]
ACTING = ["Act", "Acted?", "Done"]
RUN = ["Admit", "Finalise"]
STOPPED = ["Admit", "Stop", "Finalise"]

# The errors that are no faults: they say what comes next (`MachineStep.name`).
STEPS = {PLACED, DECIDED}
# Which Lambda, or operation of one, a state calls.
PART = {
    "Admit": "Admit",
    "Stop": "StopRun",
    "Finalise": "finalise",
    "Act": "Act",
    "Place": "Place",
    "Await turn": "wait",
    "Launch": "start",
    "Settle": "Settle",
    "Release": "stop",
    "Release and end": "stop",
}
# What has to go wrong before, for a state that is not on the straight way.
BEFORE: dict[str, dict[str, list[Any]]] = {
    "Stop": {"Admit": [{"fail": "Cancelled"}]},
    "Settle": {"start": [proceed(step("settle"))]},
    "Release": {"start": [proceed(step("settle"))]},
    "Await turn": {"Place": [{"fail": "MustWait"}, *WELL["Place"]]},
}
# What never found a place has no runner to be released.
UNPLACED_ENDS: dict[str, dict[str, list[Any]]] = {
    entry: {"Settle": [{"return": step("done")}]}
    for entry in ("treatment.Place.Catch[3]", "treatment.Await turn.Catch[0]", "treatment.Act.Catch[0]")
}


@dataclass(frozen=True)
class Entry:
    """One entry of a Retry or Catch list."""

    machine: str
    state: str
    kind: str
    index: int

    def __str__(self) -> str:
        return f"{self.machine}.{self.state}.{self.kind}[{self.index}]"


# Every entry, with the states that an execution passes when it has done its work.
PATHS = {
    Entry("run", "Admit", "Retry", 0): RUN,
    Entry("run", "Admit", "Catch", 0): STOPPED,
    Entry("run", "Stop", "Retry", 0): STOPPED,
    Entry("run", "Stop", "Catch", 0): STOPPED,
    Entry("run", "Finalise", "Retry", 0): RUN,
    Entry("treatment", "Act", "Retry", 0): ACTING,
    Entry("treatment", "Act", "Catch", 0): ["Act", "Settle", "Next?", "Done"],
    Entry("treatment", "Place", "Retry", 0): TREATMENT,
    Entry("treatment", "Place", "Retry", 1): TREATMENT,
    Entry("treatment", "Place", "Catch", 2): [*TURN, *TREATMENT],
    Entry("treatment", "Place", "Catch", 3): UNPLACED,
    Entry("treatment", "Await turn", "Retry", 0): [*TURN, *TREATMENT],
    Entry("treatment", "Await turn", "Catch", 0): [*TURN, "Settle", "Next?", "Done"],
    Entry("treatment", "Launch", "Retry", 0): TREATMENT,
    Entry("treatment", "Launch", "Retry", 1): TREATMENT,
    Entry("treatment", "Launch", "Catch", 1): ["Place", "Placed", "Launch", *TREATMENT],
    Entry("treatment", "Launch", "Catch", 2): UNLAUNCHED,
    Entry("treatment", "Settle", "Retry", 0): SETTLED,
    Entry("treatment", "Settle", "Catch", 0): UNSETTLED,
    Entry("treatment", "Release", "Retry", 0): SETTLED,
    Entry("treatment", "Release", "Catch", 0): SETTLED,
    Entry("treatment", "Release and end", "Retry", 0): TREATMENT,
    Entry("treatment", "Release and end", "Catch", 0): [*TREATMENT, "Done"],
}


def definition(machine: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEFINITIONS / f"{machine}.asl.json").read_text())
    return loaded


def entries() -> Iterator[tuple[Entry, dict[str, Any]]]:
    for machine in MACHINES:
        for name, state in definition(machine)["States"].items():
            for kind in ("Retry", "Catch"):
                for index, entry in enumerate(state.get(kind, [])):
                    if not STEPS.issuperset(entry["ErrorEquals"]):
                        yield Entry(machine, name, kind, index), entry


def cases(kind: str) -> list[Any]:
    """One case per error name of each entry; for all errors, one that no name of an earlier entry takes."""
    return [
        pytest.param(entry, _UNLISTED if name == "States.ALL" else name, id=f"{entry}-{name}")
        for entry, fields in entries()
        if entry.kind == kind
        for name in fields["ErrorEquals"]
    ]


def waits_for_token(entry: Entry) -> bool:
    return str(definition(entry.machine)["States"][entry.state]["Resource"]).endswith(".waitForTaskToken")


_UNLISTED = "RunnerLost"
"""The name of an error that no entry lists."""


def kind(entry: Entry) -> str:
    return "gather" if entry.state == "Act" else "command"


def fault(entry: Entry, error: str) -> dict[str, str]:
    return {"fail" if waits_for_token(entry) else "raise": error}


def script(entry: Entry, faults: list[Any]) -> dict[str, list[Any]]:
    part = PART[entry.state]
    return BEFORE.get(entry.state, {}) | UNPLACED_ENDS.get(str(entry), {}) | {part: [*faults, *WELL[part]]}


def test_every_retry_and_catch_has_its_fault() -> None:
    assert {entry for entry, _ in entries()} == set(PATHS)


def test_a_state_that_tells_errors_apart_gets_them_through_its_token() -> None:
    for entry, fields in entries():
        assert waits_for_token(entry) or fields["ErrorEquals"] == ["States.ALL"], entry


@pytest.mark.parametrize(("entry", "error"), cases("Retry"))
def test_a_fault_that_passes_is_tried_again(theatre: Theatre, entry: Entry, error: str) -> None:
    play = theatre.start(entry.machine, script(entry, [fault(entry, error)] * 2), kind(entry))
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == PATHS[entry]
    assert len(play.calls(PART[entry.state])) == 3


@pytest.mark.parametrize(("entry", "error"), cases("Catch"))
def test_a_fault_that_stays_is_caught(theatre: Theatre, entry: Entry, error: str) -> None:
    state = definition(entry.machine)["States"][entry.state]
    retry = next((r for r in state["Retry"] if error in r["ErrorEquals"] or "States.ALL" in r["ErrorEquals"]), None)
    times = 1 + retry["MaxAttempts"] if retry else 1
    play = theatre.start(entry.machine, script(entry, [fault(entry, error)] * times), kind(entry))
    ended = play.end()
    assert play.path() == PATHS[entry]
    failed = PATHS[entry][-1] == "Not settled"
    assert ended["status"] == ("FAILED" if failed else "SUCCEEDED")
    if failed:
        assert ended["error"] == error
    if PATHS[entry] == STOPPED:
        assert play.calls("StopRun")[0]["error"]["Error"] == (error if entry.state == "Admit" else "Cancelled")
    if state["Catch"][entry.index]["Next"] == "Settle":
        assert play.calls("Settle")[0]["error"]["Error"] == error


@pytest.mark.parametrize("error", ["Transient", "NotReady", "ProviderRejected", "InternalError", "Sandbox.Timedout"])
def test_a_place_that_never_launches_is_left_for_the_next(theatre: Theatre, error: str) -> None:
    (retry,) = [
        one["MaxAttempts"]
        for one in definition("treatment")["States"]["Launch"]["Retry"]
        if error in one["ErrorEquals"]
    ] or [0]
    far = step("launch") | {"placement": {"pool": "far", "runner_id": "r-1"}}
    play = theatre.start(
        "treatment",
        {"Place": [*WELL["Place"], proceed(far)], "start": [{"fail": error}] * (1 + retry) + WELL["start"]},
    )
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == ["Place", "Placed", "Launch", *TREATMENT]
    again = play.calls("Place")[1]["state"]
    assert again["refused"] == {"Error": error, "Cause": f"{error} was injected"}
    assert again["decided"]["placement"]["pool"] == "near"
    assert [call["placement"]["pool"] for call in play.calls("start")] == ["near"] * (1 + retry) + ["far"]


def test_when_no_place_is_left_the_words_of_placement_are_settled(theatre: Theatre) -> None:
    play = theatre.start(
        "treatment", {"start": [{"fail": "ProviderRejected"}], "Place": [*WELL["Place"], {"fail": "ProviderRejected"}]}
    )
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == ["Place", "Placed", "Launch", "Place", "Settle", "Next?", "Release", "Again?", "Done"]
    assert play.calls("Settle")[0]["error"]["Error"] == "ProviderRejected"


@pytest.mark.parametrize("error", ["Cancelled", "RunnerLost", "BootTimedOut", "CannotRun"])
def test_what_no_other_place_would_change_is_settled(theatre: Theatre, error: str) -> None:
    play = theatre.start("treatment", {"start": [{"fail": error}]})
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == UNLAUNCHED
    assert play.calls("Settle")[0]["error"] == {"Error": error, "Cause": f"{error} was injected"}


# What goes wrong in the Lambda of a state that waits on a token, before it has answered the token.
UNANSWERED = {"Transient": {"raise": "Transient"}, "Runtime.ExitError": {"exit": 1}}


@pytest.mark.parametrize("error", UNANSWERED)
@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, id=f"{entry}")
        for entry, fields in entries()
        if entry.kind == "Retry" and waits_for_token(entry) and "Transient" in fields["ErrorEquals"]
    ],
)
def test_a_lambda_that_fails_before_it_answers_its_token_is_called_again(
    theatre: Theatre, entry: Entry, error: str
) -> None:
    play = theatre.start(entry.machine, script(entry, [UNANSWERED[error]]), kind(entry))
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == PATHS[entry]
    assert len(play.calls(PART[entry.state])) == 2


def test_an_error_of_a_lambda_that_waits_on_a_token_is_caught_under_its_name(theatre: Theatre) -> None:
    play = theatre.start("treatment", {"Place": [{"raise": _UNLISTED}], "Settle": [{"return": step("done")}]})
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == UNPLACED
    assert play.calls("Settle")[0]["error"]["Error"] == _UNLISTED


def test_a_lambda_that_fails_after_it_answered_its_token_is_not_called_again(theatre: Theatre) -> None:
    play = theatre.start("treatment", {"Place": [{**proceed(LAUNCH), "then": {"raise": _UNLISTED}}]})
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == TREATMENT
    assert len(play.calls("Place")) == 1
