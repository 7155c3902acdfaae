"""Task tokens of Step Functions have up to 2,048 characters; MiniStack's are UUIDs.

Each place where one is kept or sent is filled here with the largest that the rest of it can be, and compared with AWS's
limit: 400 KB an item, 256 KiB a message, 262,144 bytes a state.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.step_functions import StepFunctionsMachines
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.dynamodb.runs.task_tokens import DynamoTaskTokens
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.domain.pipelines.document.treatments.sizes import MAX_PARAMETERS_BYTES, stored_size
from cadence.domain.placement.pool import Placement, PoolRefusal, Price
from cadence.domain.runners.resources import ResourceSample
from cadence.domain.runners.runner import RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs import history
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.group import EachProgress
from cadence.domain.triggers.git_events import PullRequest
from cadence.domain.triggers.githosts.payload import LONGEST_TEXT
from cadence.providers.contract import RunnerRequest
from tests.integration.runners.conftest import RUN_ID, FakeClock, World

LONGEST_TOKEN = 2048
LARGEST_ITEM = 400 * 1024
LARGEST_MESSAGE = 256 * 1024
LARGEST_STATE = 262_144
LONGEST_CAUSE = 32_768  # of an error that a state machine catches
MACHINES = Path(__file__).parents[3] / "functions" / "state_machines"


def token(name: str) -> str:
    """A token as long as one may be, in Base64 as in AWS."""
    return f"AQC{name}+/".ljust(LONGEST_TOKEN - 1, "A") + "="


#: As JSON each of these characters takes twelve bytes, more than any other.
WIDE = "\N{ROCKET}"


def sizes(table: str) -> dict[str, int]:
    """Sort key → size of each item, counted as DynamoDB does: names and values."""
    items = client("dynamodb").scan(TableName=table)["Items"]
    return {item["sk"]["S"]: sum(len(name) + _bytes(value) for name, value in item.items()) for item in items}


def _bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "N":
            return 21  # the longest number
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
    raise AssertionError(f"an attribute of type {kind} is not expected here")


def widest_event() -> Mapping[str, Any]:
    """The largest event of a git host."""
    text = WIDE * LONGEST_TEXT
    return PullRequest(
        number=10**9,
        title=text,
        repository=text,
        repository_url=text,
        ref=text,
        commit=text,
        base_repository=text,
        base_url=text,
        base_ref=text,
        base_commit=text,
        fork=False,
        author=text,
        sender=text,
    ).event()


def test_a_run_holds_its_three_tokens_beside_the_largest_parameters_and_event(world: World) -> None:
    parameters = {"text": "x" * (MAX_PARAMETERS_BYTES - len('{"text": ""}'))}
    assert stored_size(parameters) == MAX_PARAMETERS_BYTES
    run_id = RUN_ID[:-1] + "1"
    run = replace(
        world.runs.get_run(RUN_ID),
        run_id=run_id,
        state=RunState.PENDING,
        parameters=parameters,
        event=widest_event(),
        cause="c" * LONGEST_CAUSE,
        concurrency_group="g" * 500,
    )
    world.runs.create_run(run)
    world.runs.begin_run(run_id, token("machine"), world.clock())
    world.runs.keep_waiting_token(run_id, token("waiting"))
    world.runs.keep_stop_token(run_id, token("stop"))
    stored: Run = world.runs.get_run(run_id)
    assert (stored.machine_token, stored.waiting_token, stored.stop_token) == (
        token("machine"),
        token("waiting"),
        token("stop"),
    )
    assert 3 * LONGEST_TOKEN + MAX_PARAMETERS_BYTES < max(sizes("runs").values()) <= LARGEST_ITEM


def test_a_treatment_holds_its_token_beside_the_longest_history(world: World) -> None:
    changes = tuple(
        history.StateChange(world.clock() + timedelta(seconds=attempt), attempt, state, WIDE * 200)
        for attempt in range(1, 32)  # ten more for each of three kinds of failures
        for state in TreatmentState
    )
    held: Treatment = world.runs.advance(
        RUN_ID,
        "make",
        1,
        set(TreatmentState),
        TreatmentState.PENDING,
        history=changes,
        cause="c" * LONGEST_CAUSE,
        waiting_for="w" * 8_192,
        turn_token=token("turn"),
    )
    assert held.turn_token == token("turn")
    assert sizes("runs")["TREATMENT#make"] <= LARGEST_ITEM


def test_a_runner_holds_its_token_beside_the_largest_result(world: World) -> None:
    runner_id = world.launch(task_token=token("launch"))
    number = 2**53
    samples = tuple(
        ResourceSample(
            at=world.clock() + timedelta(seconds=second),
            cpu_ms=number,
            memory=number,
            read_bytes=number,
            write_bytes=number,
            processes=10_000_000,
            rx_bytes=number,
            tx_bytes=number,
            disk_bytes=number,
        )
        for second in range(100)
    )
    world.runners.move_runner(
        world.runners.get_runner(runner_id),
        {RunnerState.OFFERED, RunnerState.BOOTING},
        state=RunnerState.CLAIMED,
        facts={f"fact-{number}": WIDE * 256 for number in range(32)},
        cancel_reason="c" * 4_096,
    )
    result = RunnerResult(outcome=RunnerOutcome.FAILED, error=WIDE * 8_192, samples=samples)
    assert world.runners.complete(runner_id, result).task_token == token("launch")
    assert sizes("runners")["RUNNER"] <= LARGEST_ITEM


def test_a_kept_token_is_named_shortly(world: World) -> None:
    tokens, runner_id = DynamoTaskTokens("runs"), f"{RUN_ID}-{'0' * 12}-9999"
    first, second = (
        tokens.keep(runner_id, token(name), world.clock() + timedelta(seconds=after))
        for after, name in enumerate(("one", "two"))
    )
    assert [tokens.token(name) for name in (first, second, token("raw"))] == [token("one"), token("two"), token("raw")]
    assert len(first) < 80
    # It is read with the treatment, and billed as two units.
    read = [
        world.runs.get_context(RUN_ID, "make", (), one).task_token for one in (first, token("raw"), first[:-1], None)
    ]
    assert read == [token("one"), token("raw"), None, None]
    assert all(size <= 2048 for key, size in sizes("runs").items() if key.startswith("TOKEN#"))
    assert tokens.token(first.replace("9999", "9998")) is None
    assert tokens.kept_until(runner_id, world.clock()) == [token("one")]
    assert set(tokens.kept_until(runner_id, world.clock() + timedelta(seconds=1))) == {token("one"), token("two")}
    no_base64 = tokens.keep(runner_id, "a-token", world.clock())
    assert tokens.token(no_base64) == "a-token"
    # Another attempt, whose number begins with the same digits.
    assert tokens.kept_until(runner_id[:-1], world.clock() + timedelta(seconds=1)) == []


def test_a_group_holds_its_token(world: World) -> None:
    groups = DynamoGroupStore("runs")
    group = "g" * 128
    grown = EachProgress(run_id=RUN_ID, group=group, digest="d" * 64, failure="f" * 8_192, token=token("group"))
    groups.save_growth(groups.get_growth(RUN_ID, group), grown)
    assert groups.get_growth(RUN_ID, group).token == token("group")
    assert sizes("runs")[f"GROWTH#{group}"] <= LARGEST_ITEM


def test_a_wake_up_of_the_watchdog_holds_a_token(world: World) -> None:
    queues, bodies = client("sqs"), []
    queue = queues.create_queue(QueueName="deadlines")["QueueUrl"]

    def note(params: Mapping[str, Any], **_: Any) -> None:
        bodies.append(params["MessageBody"])

    queues.meta.events.register("provide-client-params.sqs.SendMessage", note)
    try:
        SqsDeadlines(queue).watch_runner(f"{RUN_ID}-{'0' * 12}-9999", timedelta(), token("launch"))
    finally:
        queues.meta.events.unregister("provide-client-params.sqs.SendMessage", note)
    (body,) = bodies
    assert json.loads(body)["task_token"] == token("launch")
    assert len(body.encode()) <= LARGEST_MESSAGE


def test_a_provider_is_not_given_the_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is in no user data, whose limits are 16 KiB (EC2), 64 KiB (Azure) and 256 KiB (Google Cloud)."""
    requests: list[RunnerRequest] = []
    provider = world.provider("default", "local")
    monkeypatch.setattr(type(provider), "start", lambda _, request: requests.append(request))
    world.launch(task_token=token("launch"))
    (request,) = requests
    assert token("launch") not in str(asdict(request))


def states_with_tokens() -> dict[str, Mapping[str, Any]]:
    machines = [json.loads((MACHINES / f"{name}.asl.json").read_text()) for name in ("run", "treatment")]
    return {
        name: state["Parameters"]["Payload"]
        for machine in machines
        for name, state in machine["States"].items()
        if "$$.Task.Token" in json.dumps(state)
    }


def largest_placement() -> Placement:
    """The last of the most pools, after all others refused."""
    refusals = tuple(PoolRefusal(f"{number:063}", "w" * 300) for number in range(32))
    return Placement(
        pool="p" * 63,
        provider="github_actions",
        function="cadence-main-provider-github-actions",
        runner_id=f"{RUN_ID}-{'0' * 12}-9999",
        attempt=9999,
        boot_deadline=3600,
        reason=f"first of {', '.join(refusal.pool for refusal in refusals)} with a free slot",
        decided_at=FakeClock().now,
        refusals=refusals,
        offers=tuple(f"{number:063}" for number in range(100)),
        overcomes=tuple(f"{number:063}" for number in range(100)),
        price=Price(per_hour=0.123456789),
    )


def largest_state() -> Mapping[str, Any]:
    """The state of a treatment's machine after a launch that failed in the last of the most pools."""
    caught = {"Error": "E" * 256, "Cause": "c" * LONGEST_CAUSE}
    return {
        "run_id": RUN_ID,
        "treatment": "t" * 128,
        "kind": "command",
        "attempt": 9999,
        "decided": largest_placement().step().as_json(),
        **dict.fromkeys(("refused", "error", "unsettled", "release_error"), caught),
    }


def test_the_largest_step_is_no_longer_than_a_cause_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[str] = []
    monkeypatch.setattr(StepFunctionsMachines, "_answer", lambda *_, cause, **__: answers.append(cause))
    StepFunctionsMachines("run", "treatment", DynamoTaskTokens("runs")).proceed(
        token("place"), largest_placement().step()
    )
    (cause,) = answers
    assert len(cause) <= LONGEST_CAUSE


def test_no_state_with_a_token_is_larger_than_a_state_may_be() -> None:
    payloads = states_with_tokens()
    assert set(payloads) == {"Admit", "Stop", "Act", "Place", "Await turn", "Launch"}
    state = largest_state()
    known = {
        "$.run_id": RUN_ID,
        "$.treatment": state["treatment"],
        "$.decided.placement": state["decided"]["placement"],
        "$.error": state["error"],
        "$": state,
        "$$.Task.Token": token("task"),
    }
    for name, payload in payloads.items():
        filled = {
            key.removesuffix(".$"): known[value] if key.endswith(".$") else value for key, value in payload.items()
        }
        assert len(json.dumps(filled).encode()) <= LARGEST_STATE, name
