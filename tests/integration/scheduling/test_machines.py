"""What the machines do when nothing fails, and what their definitions may say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadence.adapters.aws import clients
from cadence.adapters.aws.step_functions import StepFunctionsMachines
from cadence.adapters.dynamodb.runs.task_tokens import DynamoTaskTokens
from cadence.domain.shared.errors import MACHINE_ERRORS, Cancelled, RunnerLost
from cadence.domain.shared.ids import treatment_id
from tests.integration.scheduling.conftest import DEFINITIONS, LAUNCH, MACHINES, WELL, Theatre, proceed, step
from tests.integration.scheduling.test_faults import OFFERED, RUN, SETTLED, TREATMENT, UNLAUNCHED, entries

AWS_ERRORS = {
    "States.ALL",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
}
# With the choice that every treatment begins with: on hosts, and elsewhere.
MOST_ON_HOSTS, MOST_ELSEWHERE = 2, 5


@pytest.fixture
def machines(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> Iterator[StepFunctionsMachines]:
    for name, value in (theatre.stack.client_environment() | {"AWS_ENDPOINT_URL": theatre.stack.endpoint}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "REGION", theatre.stack.client_environment()["AWS_REGION"])
    clients.client.cache_clear()
    clients._session.cache_clear()
    # A name of its own: items of a table that is known already keep the client of the test before.
    yield StepFunctionsMachines(theatre.arns["run"], theatre.arns["treatment"], DynamoTaskTokens("machines-runs"))
    clients.client.cache_clear()
    clients._session.cache_clear()


def test_a_treatment_takes_few_transitions(theatre: Theatre) -> None:
    play = theatre.start("treatment")
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == TREATMENT
    assert len(["Kind?", *play.path()]) <= MOST_ELSEWHERE


def test_a_treatment_on_a_host_takes_two_transitions(theatre: Theatre) -> None:
    play = theatre.start("treatment", {"Place": [proceed(step("done"))]})
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == OFFERED
    assert len(["Kind?", *play.path()]) <= MOST_ON_HOSTS
    assert play.calls("start") == play.calls("Settle") == play.calls("stop") == []


def test_a_result_that_nobody_settled_yet_is_settled_by_the_machine(theatre: Theatre) -> None:
    play = theatre.start("treatment", {"start": [proceed(step("settle"))]})
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == SETTLED
    assert "error" not in play.calls("Settle")[0]
    assert play.calls("stop")[0]["runner_id"] == "r-1"


def test_a_host_s_runner_that_was_lost_is_settled_and_released(theatre: Theatre) -> None:
    play = theatre.start("treatment", {"Place": [{"wait": True}], "Settle": [{"return": step("release", "done")}]})
    client = theatre.executions
    client.send_task_failure(taskToken=play.token("Place"), error="RunnerLost", cause="gone")
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == ["Place", "Settle", "Next?", "Release", "Again?", "Done"]
    assert play.calls("Settle")[0]["attempt"] == 1


def test_what_was_never_launched_and_cannot_be_settled_fails(theatre: Theatre) -> None:
    play = theatre.start("treatment", {"Place": [{"fail": "RunnerLost"}], "Settle": [{"raise": "Broken"}]})
    assert play.end()["status"] == "FAILED"
    assert play.path() == ["Place", "Settle", "Launched?", "Not settled"]


def test_a_run_takes_two_transitions(theatre: Theatre) -> None:
    play = theatre.start("run")
    ended = play.end()
    assert play.path() == RUN
    assert json.loads(ended["output"])["Payload"] == {"state": "succeeded"}


def test_another_attempt_begins_with_nothing_of_the_last(theatre: Theatre) -> None:
    play = theatre.start(
        "treatment",
        {
            "start": [{"fail": "RunnerLost"}, *WELL["start"]],
            "Settle": [{"return": step("release", "retry", 2)}, *WELL["Settle"]],
        },
    )
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == [*UNLAUNCHED[:-1], "Next attempt", *TREATMENT]
    assert set(play.calls("Place")[1]["state"]) == {"run_id", "treatment", "attempt"}
    assert [call["state"]["attempt"] for call in play.calls("Place")] == [1, 2]


def test_a_runner_that_needs_no_release_is_followed_by_another_attempt_at_once(theatre: Theatre) -> None:
    play = theatre.start(
        "treatment",
        {
            "Place": [proceed(step("settle")), proceed(step("done"))],
            "Settle": [{"return": step("retry", attempt=2)}],
        },
    )
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == ["Place", "Decided", "Next?", "Settle", "Next?", "Next attempt", *OFFERED]
    assert play.calls("Place")[1]["state"]["attempt"] == 2


@pytest.mark.parametrize("kind", ["gather", "each", "trigger"])
def test_a_treatment_without_a_runner_acts_until_it_is_done(theatre: Theatre, kind: str) -> None:
    play = theatre.start("treatment", {"Act": [{"succeed": {"next": "again"}}, *WELL["Act"]]}, kind)
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == ["Act", "Acted?", "Act", "Acted?", "Done"]


def test_another_attempt_waits_as_long_as_it_is_told(theatre: Theatre) -> None:
    waits = {"return": step("release", "wait", 2) | {"wait_seconds": 3600}}
    play = theatre.start("treatment", {"start": [proceed(step("settle")), *WELL["start"]], "Settle": [waits]})
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == [*SETTLED[:-1], "Wait", "Next attempt", *TREATMENT]


def test_a_launch_whose_turn_has_not_come_is_made_again_with_the_same_placement(theatre: Theatre) -> None:
    placement = {"runner_id": "r-1", "pool": "near"}
    later = proceed(step("later") | {"wait_seconds": 600, "placement": placement})
    play = theatre.start("treatment", {"start": [later, *WELL["start"]]})
    assert play.end()["status"] == "SUCCEEDED"
    launch = TREATMENT.index("Launch")
    assert play.path() == [*TREATMENT[:launch], "Launch", "Decided", "Next?", "Later", *TREATMENT[launch:]]
    assert play.calls("start")[1]["placement"] == placement


def test_a_wait_follows_at_once_where_nothing_is_to_be_released(theatre: Theatre) -> None:
    waits = {"return": step("wait", attempt=2) | {"wait_seconds": 3600}}
    play = theatre.start("treatment", {"Place": [proceed(step("settle")), *WELL["Place"]], "Settle": [waits]})
    assert play.end()["status"] == "SUCCEEDED"
    assert play.path() == ["Place", "Decided", "Next?", "Settle", "Next?", "Wait", "Next attempt", *TREATMENT]


def test_the_next_pool_is_asked_with_the_refused_decision(theatre: Theatre) -> None:
    play = theatre.start("treatment", {"start": [{"fail": "CapacityExhausted"}, *WELL["start"]]})
    play.end()
    refused = play.calls("Place")[1]["state"]
    assert refused["refused"]["Error"] == "CapacityExhausted"
    assert refused["decided"]["placement"] == LAUNCH["placement"]


def test_a_place_that_fails_after_a_refusal_is_settled_and_released(theatre: Theatre) -> None:
    play = theatre.start(
        "treatment", {"start": [{"fail": "CapacityExhausted"}], "Place": [*WELL["Place"], {"fail": "Cancelled"}]}
    )
    play.end()
    assert play.path() == ["Place", "Placed", "Launch", "Place", "Settle", "Next?", "Release", "Again?", "Done"]
    assert play.calls("Settle")[0]["error"]["Error"] == "Cancelled"


def test_a_second_start_is_no_second_execution(theatre: Theatre, machines: StepFunctionsMachines) -> None:
    (theatre.scripts / "twice.json").write_text(json.dumps(WELL | {"start": [{"wait": True}]}))
    for _ in range(3):
        machines.start_treatment("twice", "build")
    listed = theatre.executions.list_executions(stateMachineArn=theatre.arns["treatment"])
    assert [e["name"] for e in listed["executions"]].count(treatment_id("twice", "build")) == 1


def test_a_run_is_started_once(theatre: Theatre, machines: StepFunctionsMachines) -> None:
    (theatre.scripts / "once.json").write_text(json.dumps(WELL))
    for _ in range(2):
        machines.start_run("once", 600)
    listed = theatre.executions.list_executions(stateMachineArn=theatre.arns["run"])
    assert [e["name"] for e in listed["executions"]].count("once") == 1


def test_tokens_are_answered_once(theatre: Theatre, machines: StepFunctionsMachines) -> None:
    play = theatre.start("treatment", {"start": [{"wait": True}]})
    token = play.token("start")
    machines.fail(token, RunnerLost("the runner is gone"))
    play.end()
    assert play.calls("Settle")[0]["error"] == {"Error": "RunnerLost", "Cause": "the runner is gone"}
    machines.succeed(token, {})  # too late: nobody waits for it
    machines.fail(token, Cancelled("too late"))
    assert play.path() == UNLAUNCHED


def test_an_execution_that_is_stopped_goes_no_further(theatre: Theatre, machines: StepFunctionsMachines) -> None:
    play = theatre.start("treatment", {"start": [{"wait": True}]})
    token = play.token("start")
    theatre.executions.stop_execution(executionArn=play.arn, error="Stopped", cause="by hand")
    assert play.end()["status"] == "ABORTED"
    machines.succeed(token, {})
    assert play.path() == ["Place", "Placed", "Launch"]


def test_every_error_name_can_occur() -> None:
    known = {error.__name__ for error in MACHINE_ERRORS} | AWS_ERRORS | {"InternalError"}
    assert {name for _, entry in entries() for name in entry["ErrorEquals"]} <= known


@pytest.mark.parametrize("machine", MACHINES)
def test_statelint_has_nothing_to_say(machine: str) -> None:
    statelint = Path(sys.executable).with_name("statelint")
    done = subprocess.run(
        [statelint, str(DEFINITIONS / f"{machine}.asl.json")],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
