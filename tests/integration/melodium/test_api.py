"""Mélodium's API from the requests that engines send: statuses and bodies are exactly what they understand."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.application.access.authenticate import issue_token
from cadence.application.melodium.run_tokens import RunTokens
from cadence.domain.access.access import format_token
from cadence.domain.melodium.process import ProcessOutcome
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import NotFound
from tests.integration.melodium.conftest import ENGINE, ORGANIZATION, PROJECT, Engines, start_body


def test_a_process_is_a_run_from_its_first_word_on(engines: Engines) -> None:
    run_id = engines.started(tags=["entrypoint=main", "nightly"])
    run = engines.runs.get_run(run_id)
    assert (run.state, run.pipeline, run.project) == (RunState.RUNNING, "melodium-main", PROJECT)
    assert run.melodium is not None and run.recorded
    assert (run.melodium.group_id, run.melodium.version) == (engines.group, "0.10.2")
    assert run.melodium.tags == ("entrypoint=main", "nightly")
    assert [listed.run_id for listed in engines.runs.list_runs(ORGANIZATION, PROJECT, 10, None).items] == [run_id]


def test_saying_it_twice_changes_nothing_but_tags_and_version(engines: Engines) -> None:
    body = start_body(str(uuid.uuid4()), engines.group)
    first = engines.say("execution/run/start", body)
    engines.say("execution/run/ended", {"run_id": body["id"], "result": {"failure": ["code 1"]}})
    again = engines.say("execution/run/start", {**body, "tags": ["more"], "version": "0.10.3"})
    assert first == again == {"ok": body["id"]}
    assert engines.runs.get_run(body["id"]).state is RunState.FAILED
    said = engines.reported.get(body["id"])
    assert (set(said.tags), said.version) == ({"entrypoint=main", "more"}, "0.10.3")


def test_an_id_is_allocated_for_whoever_has_none(engines: Engines) -> None:
    parent = engines.started()
    answer = engines.say("execution/run/start", start_body(None, engines.group, parent_id=parent, tags=[]))
    child = engines.runs.get_run(answer["ok"])
    assert str(uuid.UUID(answer["ok"])) == answer["ok"]
    assert (child.started_by_run, child.depth, child.pipeline) == (parent, 1, "melodium")


def test_why_there_is_no_run_is_said_with_status_200(engines: Engines) -> None:
    token, text = issue_token(ORGANIZATION, "*", "all", ENGINE, "test", datetime.now(UTC))
    engines.access.add_token(token)
    body = start_body(str(uuid.uuid4()))
    refused = engines.say("execution/run/start", body, token=text)
    assert "no project 'default'" in refused["error"][0]
    assert engines.say("execution/run/start", {**body, "tags": ["project=site"]}, token=text) == {"ok": body["id"]}


def test_what_an_engine_started_is_of_its_project(engines: Engines) -> None:
    parent = engines.started()
    token, text = issue_token(ORGANIZATION, "*", "all", ENGINE, "test", datetime.now(UTC))
    engines.access.add_token(token)
    child = engines.say("execution/run/start", start_body(None, engines.group, parent_id=parent), token=text)["ok"]
    assert engines.runs.get_run(child).project == PROJECT


@pytest.mark.parametrize("local", [True, False])
def test_organizations_are_told_by_tokens_only(engines: Engines, local: bool) -> None:
    run_id = str(uuid.uuid4())
    said = start_body(run_id, organization_id=str(uuid.uuid4()), local_exec=local)
    (why,) = engines.say("execution/run/start", said)["error"]
    assert why.startswith("organization_id is not accepted: the token determines the organization")
    with pytest.raises(NotFound):
        engines.runs.get_run(run_id)


def test_a_run_of_somebody_else_is_nobodys(engines: Engines) -> None:
    run_id = engines.started()
    token, text = issue_token("other", "elsewhere", "x", ENGINE, "test", datetime.now(UTC))
    engines.access.add_token(token)
    taken = engines.say("execution/run/start", start_body(run_id), token=text)
    assert taken == {"error": [f"There is no Mélodium run '{run_id}' here."]}
    status, _, _ = engines.ask("POST", "execution/run/ended", {"run_id": run_id, "result": {"success": None}}, text)
    assert status == 404
    assert engines.runs.get_run(run_id).organization == ORGANIZATION


@pytest.mark.parametrize("token", ["", "cad_nothing", "cad_" + "0" * 26 + "_" + "a" * 43])
def test_without_a_token_there_is_nothing(engines: Engines, token: str) -> None:
    status, headers, body = engines.ask("POST", "execution/run/start", start_body(str(uuid.uuid4())), token=token)
    assert (status, json.loads(body)["code"]) == (401, "unauthenticated")
    assert headers["content-type"] == "application/problem+json"


def test_a_token_of_an_engine_is_good_for_its_run_only(engines: Engines) -> None:
    its, other = engines.started(), engines.started()
    tokens = RunTokens(engines.access, lambda: datetime.now(UTC))
    text = tokens.issue(engines.runs.get_run(its))
    chunks = {"chunks": 3}
    assert engines.say(f"execution/report/run/{its}/logs/chunks", chunks, token=text) == {}
    status, _, _ = engines.ask("POST", f"execution/report/run/{other}/logs/chunks", chunks, text)
    assert status == 404
    worker = engines.say("execution/run/start", start_body(None, engines.group, parent_id=its), token=text)["ok"]
    engines.say("execution/run/launched", {"run_id": worker, "response": {"started": None}}, token=text)
    stranger = engines.say("execution/run/start", start_body(str(uuid.uuid4()), engines.group), token=text)
    assert "another run" in stranger["error"][0]
    assert engines.access.list_tokens(ORGANIZATION) and text not in str(engines.access.list_tokens(ORGANIZATION))


def test_a_token_of_an_engine_stops_working_when_it_is_revoked_or_issued_anew(engines: Engines) -> None:
    run = engines.runs.get_run(engines.started())
    tokens = RunTokens(engines.access, lambda: datetime.now(UTC))
    path = f"execution/report/run/{run.run_id}/logs/chunks"
    first, second = tokens.issue(run), tokens.issue(run)
    assert engines.ask("POST", path, {"chunks": 1}, first)[0] == 401
    assert engines.ask("POST", path, {"chunks": 1}, second)[0] == 200
    tokens.revoke(run)
    assert engines.ask("POST", path, {"chunks": 1}, second)[0] == 401


def test_destinations_are_forms_and_an_address_bound_to_the_run(engines: Engines) -> None:
    run_id = engines.started()
    answer = engines.say("execution/report/request", {"run_id": run_id, "group_id": engines.group})
    assert (answer["run_id"], answer["group_id"]) == (run_id, engines.group)
    assert answer["dashboard"] == f"https://cadence.example/0.1/execution/report/dashboard/{engines.group}/{run_id}"
    for stream in ("logs", "debug"):
        form = answer[stream]["presigned_post_s3"]
        assert form["path"] == f"uploads/{run_id}/{stream}"
        assert "key" not in form["fields"] and {"policy", "x-amz-signature"} <= set(form["fields"])
        policy = json.loads(base64.b64decode(form["fields"]["policy"]))
        assert ["starts-with", "$key", f"uploads/{run_id}/{stream}/"] in policy["conditions"]
        # Not with the Lambda's own credentials, which end before the run may.
        assert form["fields"]["x-amz-credential"].startswith("AKIAUPLOADS/")
        assert "x-amz-security-token" not in form["fields"]
        lasts = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < lasts <= timedelta(days=7)
    assert f"uploads/{run_id}/program.json?" in answer["program"]["presigned_put_s3"]["uri"]


def test_a_wrong_group_gets_no_destinations(engines: Engines) -> None:
    run_id = engines.started()
    status, _, body = engines.ask("POST", "execution/report/request", {"run_id": run_id, "group_id": str(uuid.uuid4())})
    assert (status, json.loads(body)["violations"][0]["pointer"]) == (422, "/group_id")


def test_counters_keep_the_largest_also_after_the_end(engines: Engines) -> None:
    run_id = engines.started()
    engines.say("execution/run/ended", {"run_id": run_id, "result": {"success": None}})
    for chunks in (3, 1, 2**127, 2):
        engines.say(f"execution/report/run/{run_id}/debug/chunks", {"chunks": chunks})
    said = engines.reported.get(run_id)
    assert (said.debug_chunks, said.logs_chunks, said.ended) == (10**12, 0, ProcessOutcome.SUCCESS)


@pytest.mark.parametrize(
    ("words", "state", "cause"),
    [
        ([("launched", {"response": {"error": ["Failed to launch engine"]}})], "failed", "Failed to launch engine"),
        ([("ended", {"result": {"failure": ["Compose exit code 1"]}})], "failed", "Compose exit code 1"),
        ([("launched", {"response": {"started": None}}), ("ended", {"result": {"success": None}})], "succeeded", None),
        ([("ended", {"result": {"success": ["Compose exit timeout: 10 s"]}})], "succeeded", "stopped waiting for it"),
    ],
)
def test_the_end_of_a_process_that_uploads_nothing(
    engines: Engines, words: list[tuple[str, dict[str, Any]]], state: str, cause: str | None
) -> None:
    run_id = engines.started()
    for path, body in words:
        engines.say(f"execution/run/{path}", {"run_id": run_id, **body})
    run = engines.runs.get_run(run_id)
    assert run.state == state
    assert cause in run.cause if cause and run.cause else run.cause is cause


def test_after_a_compose_timeout_an_engine_that_reports_goes_on(engines: Engines) -> None:
    run_id = engines.started()
    engines.say("execution/report/request", {"run_id": run_id, "group_id": engines.group})
    engines.say("execution/run/ended", {"run_id": run_id, "result": {"success": ["Compose exit timeout: 10 s"]}})
    assert engines.runs.get_run(run_id).state is RunState.RUNNING


def test_details_become_parameters_without_secrets(engines: Engines) -> None:
    run_id = engines.started()
    parameters = {"large": {"u128": 2**128 - 1}, "api_token": {"string": "hush"}, "name": {"option": None}}
    entrypoint = {"version": "0.1.0", "path": ["ci"], "name": "main"}
    body = {"run_id": run_id, "group_id": engines.group, "entrypoint": entrypoint, "parameters": parameters}
    engines.say(f"execution/report/run/{run_id}/program/details", body)
    assert engines.runs.get_run(run_id).parameters == {"large": str(2**128 - 1), "api_token": "***", "name": "null"}
    assert engines.reported.entrypoint(run_id) == "ci::main"


def test_the_page_says_no_more_than_how_it_stands(engines: Engines) -> None:
    run_id = engines.started(tags=["entrypoint=<script>"])
    status, headers, page = engines.ask("GET", f"execution/report/dashboard/{engines.group}/{run_id}", token="")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "running" in page and run_id in page
    assert PROJECT not in page and "script" not in page
    status, _, page = engines.ask("GET", f"execution/report/dashboard/{uuid.uuid4()}/{run_id}", token="")
    assert status == 404 and run_id not in page


def test_the_requests_secrets_are_not_kept(engines: Engines) -> None:
    key = str(uuid.uuid4())
    container = {"name": "db", "image": "postgres:16", "pull_secret": "pull-me", "env": {"PASSWORD": "postgres-pass"}}
    engines.started(mode={"distribution_secret_key": {"key": key}}, service_containers=[container])
    kept = engines.everything_kept()
    assert all(secret.encode() not in kept for secret in (key, "pull-me", "postgres-pass"))
    assert b"postgres:16" in kept


def test_no_run_is_forgotten_by_the_watchdog(engines: Engines) -> None:
    engines.started(max_duration=60)
    queue = client("sqs").get_queue_url(QueueName="deadlines")["QueueUrl"]
    counted = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessagesDelayed"] == "1"


ROUTES = [
    ("POST", "execution/run/start"),
    ("GET", "execution/run/{run}/access"),
    ("POST", "execution/run/launched"),
    ("POST", "execution/run/ended"),
    ("POST", "execution/report/request"),
    ("POST", "execution/report/run/{run}/program/details"),
    ("POST", "execution/report/run/{run}/logs/chunks"),
    ("POST", "execution/report/run/{run}/debug/chunks"),
    ("GET", "execution/report/dashboard/{group}/{run}"),
    ("DELETE", "execution/run/start"),
    ("POST", "nothing"),
]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
branches = st.lists(leaves, max_size=3) | st.dictionaries(st.text(max_size=10), leaves, max_size=3)
json_values = leaves | branches | st.lists(branches, max_size=3)
members = [
    *start_body(None),
    "run_id",
    "response",
    "result",
    "entrypoint",
    "parameters",
    "chunks",
    "started",
    "error",
    "success",
]
bodies = st.one_of(
    st.text(max_size=50),
    st.dictionaries(st.sampled_from(members), json_values, max_size=8).map(json.dumps),
    st.fixed_dictionaries({}, optional=dict.fromkeys(members, json_values)).map(
        lambda changes: json.dumps({**start_body(str(uuid.uuid4())), **changes})
    ),
    json_values.map(json.dumps),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(route=st.sampled_from(ROUTES), body=bodies, run=st.sampled_from(["known", "unknown", "odd"]))
def test_whatever_is_said_the_answer_can_be_read(engines: Engines, route: tuple[str, str], body: str, run: str) -> None:
    """Never a fault of ours, always JSON (a page for people aside), and a status that the engine takes as
    it is meant.
    """
    known = engines.group if run == "known" else str(uuid.uuid4())
    path = route[1].format(run=known if run != "odd" else "%00/../x", group=engines.group)
    status, headers, text = engines.ask(route[0], path, raw=body)
    assert status in (200, 202, 400, 401, 403, 404, 409, 413, 422), text
    assert isinstance(text, str)
    if not headers["content-type"].startswith("text/html"):
        json.loads(text)
    assert len(str(headers)) < 8_000


def records(engines: Engines) -> list[tuple[str, str, str]]:
    """Kind, operation and outcome, in the order of the requests."""
    found = DynamoAuditTrail("access").entries(ORGANIZATION, 100, None).items
    return [(str(one.kind), one.action, one.outcome) for one in reversed(found)]


def test_what_changes_a_run_is_recorded_before_it_does(engines: Engines) -> None:
    run_id = engines.started()
    engines.say("execution/report/request", {"run_id": run_id, "group_id": engines.group})
    entrypoint = {"version": "0.1.0", "path": ["ci"], "name": "main"}
    details = {"run_id": run_id, "group_id": engines.group, "entrypoint": entrypoint, "parameters": {}}
    engines.say(f"execution/report/run/{run_id}/program/details", details)
    engines.say(f"execution/report/run/{run_id}/logs/chunks", {"chunks": 1})
    engines.say("execution/run/ended", {"run_id": run_id, "result": {"success": None}})

    assert records(engines) == [
        ("change", f"engine_{name}", "accepted") for name in ("start", "report", "details", "ended")
    ]
    last = DynamoAuditTrail("access").entries(ORGANIZATION, 1, None).items[0]
    assert (last.project, last.target, last.source) == (PROJECT, "/0.1/execution/run/ended", "192.0.2.1")


def test_a_start_that_is_refused_has_its_reason_in_a_second_record(engines: Engines) -> None:
    body = start_body(str(uuid.uuid4()), organization_id=str(uuid.uuid4()))
    assert "error" in engines.say("execution/run/start", body)
    assert records(engines) == [
        ("change", "engine_start", "accepted"),
        ("change", "engine_start", "invalid_request"),
    ]


def test_refused_engines_are_recorded_once_an_hour(engines: Engines) -> None:
    reader, reading = issue_token(ORGANIZATION, PROJECT, "r", frozenset({"runs:read"}), "test", datetime.now(UTC))
    engines.access.add_token(reader)
    wrong = format_token(engines.token.split("_")[1], "x" * 43)
    with time_machine.travel(datetime.now(UTC).replace(minute=30), tick=False):
        for token in (reading, wrong, "cad_unknown"):
            for _ in range(2):
                status, _, _ = engines.ask("POST", "execution/run/start", start_body(None), token)
                assert status in (401, 403)
    assert sorted(records(engines)) == [
        ("refusal", "engine_start", "forbidden"),
        ("refusal", "engine_start", "unauthenticated"),
    ]
