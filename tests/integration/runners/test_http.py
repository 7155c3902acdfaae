"""The gateway's handler from API events: a host joins, an agent works, whatever is wrong is a 4xx problem."""

import base64
import hashlib
import importlib
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema_rs
import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.runs.step_reports import DynamoStepReports
from cadence.adapters.dynamodb.runs.summaries import DynamoSummaries
from cadence.application.access.authenticate import issue_token
from cadence.domain.access.access import format_token
from cadence.domain.access.audit import AuditFilter, AuditKind
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from cadence.domain.shared.schemas import schema as schema_of
from tests.fakes.answering import answering
from tests.integration.runners.conftest import RUN_ID, World
from tests.integration.runners.test_call_counts import calls
from tests.permissions import within_the_role_of
from tests.unit.adapters.test_oidc_tokens import Issuer

NOW = "2026-01-02T03:04:05.678Z"
NONCE = "0123456789abcdef"
Call = Callable[..., tuple[int, Any]]
Claimed = tuple[str, str, str]


@pytest.fixture
def call(world: World, monkeypatch: pytest.MonkeyPatch) -> Call:
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:none"
    for name, value in {
        "ACCESS_TABLE": "access",
        "RUNS_TABLE": "runs",
        "RUNNERS_TABLE": "runners",
        "LOGS_TABLE": "logs",
        "DATA_BUCKET": "data",
        "VALUE_BUCKETS": "elsewhere=eu-west-1",
        "SECRETS_KEY": world.secrets._cipher._key_id,
        "LOG_STREAM_NAME": "log-lines",
        "RUN_MACHINE_ARN": machine,
        "TREATMENT_MACHINE_ARN": machine,
        "WORK_NOTIFICATION_PREFIX": "work-notification-",
        "PROVIDER_FUNCTION_PREFIX": "provider-",
        "DEADLINES_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/none",
        "WAKE_UPS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/none",
        "CACHE_MEBIBYTES": "20",
        "LIVE_FUNCTION": "live",
        "LIVE_URL": "/v1/live/socket",
        "PROJECT_CACHE_MEBIBYTES": "40",
        "PROJECT_STORAGE_MEBIBYTES": "1",
        "RETENTION_DAYS": "90",
        "ID_TOKEN_SECONDS": "3600",
        "GIT_HOSTS": "127.0.0.1",
        "OUTBOUND_HOSTS": "127.0.0.1",
        "SECRETS_MANAGER_PREFIX": "cadence/",
        "PARAMETER_STORE_PREFIX": "/cadence/",
    }.items():
        monkeypatch.setenv(f"CADENCE_{name}", value)
    module = importlib.import_module("runner_gateway.handler")
    composition = importlib.import_module("cadence.composition.runner_gateway")
    monkeypatch.setattr(composition, "state_machines", lambda *_: world.machines)
    monkeypatch.setattr(module, "_gateway", composition.gateway())
    client("kinesis").create_stream(StreamName="log-lines", ShardCount=1)

    def call(path: str, body: Any, token: str | None = None, raw: str | None = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        event = {
            "version": "2.0",
            "routeKey": "POST /runner/v1/{proxy+}",
            "rawPath": f"/runner/v1/{path}",
            "headers": headers,
            "pathParameters": {"proxy": path},
            "requestContext": {"http": {"method": "POST", "sourceIp": "192.0.2.1"}},
            "body": raw if raw is not None else json.dumps(body),
            "isBase64Encoded": False,
        }
        with within_the_role_of("runner_gateway", monkeypatch):
            response = module.handler(event, None)
        return response["statusCode"], json.loads(response["body"])

    return call


@pytest.fixture
def join_token(world: World) -> str:
    access = DynamoAccessStore("access")
    access.put_pool(Pool(organization="default", name="local", provider="host"))
    access.put_pool(Pool(organization="default", name="cloud", provider="ec2"))
    token, text = issue_token("default", "*", "join", frozenset({"hosts:join"}), "test", datetime.now(UTC))
    access.add_token(token)
    return text


@pytest.fixture
def claimed(call: Call, world: World, join_token: str) -> Claimed:
    """(runner id, session token, host token)"""
    status, host = call("hosts", {"pool": "local", "name": "here", "facts": {"os": "linux"}, "slots": 2}, join_token)
    assert status == 200
    runner_id = world.launch()
    status, lease = call(f"hosts/{host['host_id']}/lease", {"call": 1, "free_slots": 2, "running": []}, host["token"])
    assert_answer("lease", status, lease)
    (handed,) = lease["assignments"]
    body = {"runner_id": runner_id, "nonce": NONCE, "facts": {}}
    status, assignment = call("claim", body, handed["token"])
    assert_answer("claim", status, assignment)
    assert assignment["secrets"] == {"TOKEN": "s3cr3t-value"}
    assert assignment["registries"] == {"ghcr.io": "s3cr3t-value"}
    assert assignment["parameters"] == {"ref": "main"}
    # Nobody follows yet; whoever begins to later sees lines as soon.
    assert (assignment["follow"], assignment["log_flush_ms"]) == (False, 200)
    # The pool serves all projects.
    assert assignment["isolation"] == {"required": True, "private_network": False}
    world.move("make", TreatmentState.RUNNING)
    return runner_id, assignment["session_token"], host["token"]


def assert_answer(name: str, status: int, answer: Any) -> None:
    assert status == 200, answer
    schema = {**schema_of("runner-protocol"), "$ref": f"#/$defs/{name}_answer"}
    jsonschema_rs.Draft202012Validator(schema).validate(answer)


def test_an_agent_hears_with_each_call_whether_its_run_is_followed(call: Call, claimed: Claimed, world: World) -> None:
    runner_id, session, _ = claimed
    requests = {
        "heartbeat": {"phase": "running", "samples": []},
        "logs": {"lines": [{"seq": 1, "time": NOW, "stream": "stdout", "level": "info", "text": "hello"}]},
    }
    for until, followed in ((timedelta(hours=1), True), (timedelta(hours=-1), False)):
        world.runners.follow(RUN_ID, datetime.now(UTC) + until)
        for name, body in requests.items():
            status, answer = call(f"runners/{runner_id}/{name}", body, session)
            assert (status, answer["follow"]) == (200, followed)


def test_a_request_about_an_output_reads_the_runner_and_the_output_at_once(call: Call, claimed: Claimed) -> None:
    runner_id, session, _ = claimed
    body = {"committed": [], "next_seq": 0, "wanted": [X], "end": None}
    with calls() as made:
        status, _ = call(f"runners/{runner_id}/outputs/wheel", body, session)
    assert status == 200
    assert made.count("BatchGetItem") == 1
    assert "GetItem" not in made


X, NOTHING = ({"size": len(text), "sha256": hashlib.sha256(text).hexdigest()} for text in (b"x", b""))


def test_an_agent_works_from_claim_to_completion(call: Call, claimed: Claimed, world: World) -> None:
    runner_id, session, _ = claimed
    sample = {"time": NOW, "cpu_ms": 1, "memory": 2, "read_bytes": 3, "write_bytes": 4, "processes": 5}
    steps = {"revision": 2, "steps": [{"state": "running", "started_at": NOW}, {"state": "pending"}]}
    beat = {"phase": "running", "samples": [sample], "steps": steps}
    status, answer = call(f"runners/{runner_id}/heartbeat", beat, session)
    assert_answer("heartbeat", status, answer)
    reports = DynamoStepReports("runs")
    under_way = reports.get_steps(RUN_ID, "make")
    assert under_way is not None
    assert [step.state for step in under_way.steps] == ["running", "pending"]
    line = {"seq": 1, "time": NOW, "stream": "stdout", "level": "info", "text": "hello"}
    status, answer = call(f"runners/{runner_id}/logs", {"lines": [line, {**line, "seq": 2, "step": 1}]}, session)
    assert_answer("logs", status, answer)
    assert answer == {"accepted_through": 2, "follow": False}
    status, answer = call(
        f"runners/{runner_id}/outputs/wheel",
        {"committed": [], "next_seq": 0, "wanted": [X, NOTHING], "end": None},
        session,
    )
    assert_answer("outputs", status, answer)
    assert [upload["seq"] for upload in answer["uploads"]] == [0, 1]
    for upload, chunk in zip(answer["uploads"], (X, NOTHING), strict=True):
        checksum = base64.b64encode(bytes.fromhex(str(chunk["sha256"]))).decode()
        assert upload["headers"] == {"if-none-match": "*", "x-amz-checksum-sha256": checksum}
    done = {
        "committed": [{"seq": 0, **X}, {"seq": 1, **NOTHING}],
        "next_seq": 2,
        "wanted": [],
        "end": {"size": 1, "sha256": X["sha256"], "chunks": 1, "preview": base64.b64encode(b"x").decode()},
    }
    # The store has nothing yet, whatever is reported.
    status, problem = call(f"runners/{runner_id}/outputs/wheel", done, session)
    assert (status, problem["code"], problem["details"]) == (409, "conflict", {"missing": 0})
    for seq, content in enumerate((b"x", b"")):
        key = ids.chunk_key(RUN_ID, "make", 1, "wheel", seq)
        client("s3").put_object(Bucket="data", Key=key, Body=content, ChecksumAlgorithm="SHA256")
    status, answer = call(f"runners/{runner_id}/outputs/wheel", done, session)
    assert_answer("outputs", status, answer)
    result = {
        "outcome": "succeeded",
        "exit_code": 0,
        "signal": None,
        "error": None,
        "started_at": NOW,
        "finished_at": NOW,
        "logs_through": 2,
        "usage": {"cpu_ms": 1, "memory_peak": 1, "read_bytes": 0, "write_bytes": 0, "duration_ms": 5},
        "samples": [{**sample, "rx_bytes": 6, "tx_bytes": 7, "disk_bytes": 8, "shared_network": True}],
        "summary": "# Made",
        "steps": {
            "revision": 5,
            "steps": [
                {"state": "succeeded", "started_at": NOW, "finished_at": NOW, "exit_code": 0},
                {"state": "skipped"},
            ],
        },
    }
    status, answer = call(f"runners/{runner_id}/complete", result, session)
    assert_answer("complete", status, answer)
    assert call(f"runners/{runner_id}/complete", result, session)[0] == 200
    assert call(f"runners/{runner_id}/complete", {**result, "exit_code": 1}, session)[0] == 409
    status, answer = call(f"runners/{runner_id}/heartbeat", {"phase": "finishing", "samples": []}, session)
    assert (status, answer["code"]) == (410, "gone")
    kept = world.runners.get_runner(runner_id).result
    assert kept is not None
    assert [(one.memory, one.disk_bytes, one.shared_network) for one in kept.samples] == [(2, 8, True)]
    assert DynamoSummaries("runs").list_summaries(RUN_ID) == [JobSummary(RUN_ID, "make", 1, "# Made")]
    ended = reports.get_steps(RUN_ID, "make")
    assert ended is not None
    assert [(step.state, step.exit_code) for step in ended.steps] == [("succeeded", 0), ("skipped", None)]
    (output,) = world.runners.list_outputs(runner_id)
    assert (output.size, output.preview) == (1, b"x")


def test_a_cancelled_agent_still_delivers_lines_within_its_lease_and_nothing_else(
    call: Call, claimed: Claimed, world: World
) -> None:
    runner_id, session, host_token = claimed
    changes: dict[str, Any] = {"state": RunnerState.LOST, "cancel_reason": "cancelled by ada"}
    lease_until = world.runners.change_runner(runner_id, {RunnerState.CLAIMED}, **changes).lease_until
    assert lease_until is not None
    lines = {"lines": [{"seq": 1, "time": NOW, "stream": "stdout", "level": "info", "text": "hello"}]}
    status, answer = call(f"runners/{runner_id}/logs", lines, session)
    assert_answer("logs", status, answer)
    assert answer == {"accepted_through": 1, "follow": False, "stop": "cancelled by ada"}
    assert call(f"runners/{runner_id}/logs", lines, host_token)[0] == 401
    status, problem = call(f"runners/{runner_id}/heartbeat", {"phase": "running", "samples": []}, session)
    assert (status, problem["details"]) == (410, {"state": "lost", "cancel": "cancelled by ada"})
    with time_machine.travel(lease_until + timedelta(seconds=1)):
        assert call(f"runners/{runner_id}/logs", lines, session)[0] == 410


def test_whoever_holds_no_right_token_is_refused(call: Call, claimed: Claimed, join_token: str) -> None:
    runner_id, session, host_token = claimed
    beat = {"phase": "running", "samples": []}
    for token in (None, "x", join_token, host_token):
        status, problem = call(f"runners/{runner_id}/heartbeat", beat, token)
        assert (status, problem["code"]) == (401, "unauthenticated")
    assert call(f"runners/{RUN_ID}-000000000000-1/heartbeat", beat, session)[0] == 401
    joining = {"pool": "local", "name": "here", "facts": {}, "slots": 2}
    for token in (None, session, host_token):
        assert call("hosts", joining, token)[0] == 401


def test_refused_tokens_of_known_callers_are_recorded_once_an_hour(
    call: Call, claimed: Claimed, world: World, join_token: str
) -> None:
    runner_id, session, host_token = claimed
    host_id = world.runners.get_runner(runner_id).host_id
    beat = {"phase": "running", "samples": []}
    wrong = format_token(join_token.split("_")[1], "x" * 43)
    reader, reading = issue_token("default", "*", "t", frozenset({"runs:read"}), "test", datetime.now(UTC))
    DynamoAccessStore("access").add_token(reader)
    with time_machine.travel(datetime.now(UTC).replace(minute=30), tick=False):
        for _ in range(2):
            assert call(f"runners/{runner_id}/heartbeat", beat, "wrong")[0] == 401
            assert call("claim", {"runner_id": runner_id, "nonce": NONCE, "facts": {}}, "wrong")[0] == 401
            lease = {"call": 2, "free_slots": 0, "running": []}
            assert call(f"hosts/{host_id}/lease", lease, f"{host_token}x")[0] == 401
            assert call("hosts/unknown/lease", lease, host_token)[0] == 401
            assert call("hosts", {"pool": "local", "name": "h", "facts": {}, "slots": 1}, reading)[0] == 403
            assert call("hosts", {"pool": "local", "name": "h", "facts": {}, "slots": 1}, wrong)[0] == 401
    refusals = DynamoAuditTrail("access").entries("default", 100, None, AuditFilter(kind=AuditKind.REFUSAL)).items
    assert sorted((one.actor, one.action, one.outcome) for one in refusals) == sorted(
        [
            (f"runner:{runner_id}", "heartbeat", "unauthenticated"),
            (f"host:{host_id}", "lease", "unauthenticated"),
            (reader.token_id, "join", "forbidden"),
            (join_token.split("_")[1], "join", "unauthenticated"),
        ]
    )
    assert {one.source for one in refusals} == {"192.0.2.1"}
    assert session not in world.items("access")


def test_a_host_says_no_more_than_its_item_holds(call: Call, join_token: str) -> None:
    """An item has 400 KB."""
    _, host = call("hosts", {"pool": "local", "name": "here", "facts": {}, "slots": 2000}, join_token)
    running = [f"{RUN_ID}-{number:012x}-1" for number in range(4000)]
    path = f"hosts/{host['host_id']}/lease"
    assert call(path, {"call": 1, "free_slots": 0, "running": running}, host["token"])[0] == 200
    assert (
        call(path, {"call": 2, "free_slots": 0, "running": [*running, f"{RUN_ID}-ffffffffffff-1"]}, host["token"])[0]
        == 422
    )


def test_a_host_that_has_started_again_replaces_what_it_said_of_itself(
    call: Call, world: World, join_token: str
) -> None:
    """Its engine may be another one by then."""
    body = {"pool": "local", "name": "here", "facts": {"os": "linux", "melodium": "0.10.2"}, "slots": 2}
    _, host = call("hosts", body, join_token)
    path, asked = f"hosts/{host['host_id']}/lease", {"free_slots": 0, "running": []}

    def known() -> Any:
        (stored,) = world.hosts.list_hosts("default", "local")
        return stored.facts

    assert call(path, {**asked, "call": 1}, host["token"])[0] == 200
    assert known() == {"os": "linux", "melodium": "0.10.2"}
    news = {"os": "linux", "melodium": "0.11.0, 0.10.2"}
    assert call(path, {**asked, "call": 2, "facts": news}, host["token"])[0] == 200
    assert known() == news
    assert call(path, {**asked, "call": 3}, host["token"])[0] == 200
    assert known() == news


def test_only_pools_of_hosts_can_be_joined(call: Call, world: World, join_token: str) -> None:
    joining = {"pool": "cloud", "name": "here", "facts": {}, "slots": 2}
    assert call("hosts", joining, join_token)[0] == 409
    assert call("hosts", {**joining, "pool": "none"}, join_token)[0] == 404
    access = DynamoAccessStore("access")
    for project, permissions in (("default", {"hosts:join"}), ("*", {"runs:read"})):
        token, text = issue_token("default", project, "t", frozenset(permissions), "test", datetime.now(UTC))
        access.add_token(token)
        assert call("hosts", {**joining, "pool": "local"}, text)[0] == 403


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "null", "NaN", '{"a": "\\ud800"}', "[" * 100_000, '{"phase": 1}', '"x"', "1e999"]
)
def test_a_body_that_is_wrong_is_a_422(call: Call, claimed: Claimed, raw: str) -> None:
    status, problem = call(f"runners/{claimed[0]}/heartbeat", None, claimed[1], raw=raw)
    assert (status, problem["code"]) == (422, "invalid_request")


def test_a_body_that_is_too_large_is_a_413(call: Call, claimed: Claimed) -> None:
    assert call(f"runners/{claimed[0]}/logs", None, claimed[1], raw=" " * (5 * 1024 * 1024 + 1))[0] == 413


def test_a_violation_says_where_and_quotes_no_value(call: Call, claimed: Claimed) -> None:
    line = {"seq": 0, "time": NOW, "stream": "stdout", "level": "info", "text": "top-secret"}
    status, problem = call(f"runners/{claimed[0]}/logs", {"lines": [line]}, claimed[1])
    assert status == 422
    assert [violation["pointer"] for violation in problem["violations"]] == ["/lines/0/seq"]
    line["seq"] = 2
    status, problem = call(f"runners/{claimed[0]}/logs", {"lines": [line, {**line, "seq": 1}]}, claimed[1])
    assert (status, problem["violations"][0]["pointer"]) == (422, "/lines/1/seq")
    assert "top-secret" not in json.dumps(problem)


@pytest.mark.parametrize(
    "path", ["", "claim/x", "hosts/x", "runners", "runners/x", "runners/../claim", "runners/x/none"]
)
def test_unknown_paths_are_a_404(call: Call, path: str) -> None:
    assert call(path, {}, "token")[0] == 404


def test_a_parked_log_stream_is_a_503_with_a_time(call: Call, claimed: Claimed) -> None:
    client("kinesis").delete_stream(StreamName="log-lines")
    line = {"seq": 1, "time": NOW, "stream": "stdout", "level": "info", "text": "hello"}
    status, problem = call(f"runners/{claimed[0]}/logs", {"lines": [line]}, claimed[1])
    assert (status, problem["code"], problem["retry_after"] >= 1) == (503, "transient", True)


def test_every_call_is_one_line_without_secrets(call: Call, claimed: Claimed, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="cadence"):
        call(f"runners/{claimed[0]}/heartbeat", {"phase": "running", "samples": []}, claimed[1])
        call(f"runners/{claimed[0]}/heartbeat", {"phase": "running", "samples": []}, "wrong-token")
    lines = [record for record in caplog.records if record.name == "cadence.runner_gateway"]
    assert [(vars(line)["operation"], vars(line)["status"]) for line in lines] == [
        (f"runners/{claimed[0]}/heartbeat", 200),
        (f"runners/{claimed[0]}/heartbeat", 401),
    ]
    everything = " ".join(str(record.__dict__) for record in caplog.records)
    for secret in (claimed[1], claimed[2], "wrong-token", "s3cr3t-value"):
        assert secret not in everything


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_a_job_of_gitlab_gets_its_token_in_exchange_for_its_identity(world: World, call: Call) -> None:
    issuer, runner_id = Issuer(), f"{RUN_ID}-0123456789ab-1"
    with answering(issuer.answer) as issuer.url:
        its = {"project": "acme/runners", "url": issuer.url, "runners": [{"type": "any"}]}
        DynamoAccessStore("access").put_pool(Pool(organization="default", name="ci", provider="gitlab", settings=its))
        world.runners.put_runner(
            Runner(
                runner_id=runner_id,
                run_id=RUN_ID,
                treatment="make",
                attempt=1,
                organization="default",
                project="default",
                pool="ci",
                provider="gitlab",
                state=RunnerState.BOOTING,
                created_at=world.clock(),
                boot_deadline=120,
                task_token="launch-token",
                ref="42",
            )
        )
        shown = {"project_path": "acme/runners", "pipeline_source": "api", "ref": "main", "ref_type": "branch"}
        identity = issuer.token(aud=f"cadence:{runner_id}", pipeline_id="42", **shown)
        for stranger in (
            issuer.token(aud=f"cadence:{runner_id}", pipeline_id="43", **shown),
            issuer.token(aud="cadence:another", pipeline_id="42", **shown),
        ):
            assert call("exchange", {"runner_id": runner_id}, stranger)[0] == 401
        status, answer = call("exchange", {"runner_id": runner_id}, identity)
        assert_answer("exchange", status, answer)
        status, assignment = call("claim", {"runner_id": runner_id, "nonce": NONCE, "facts": {}}, answer["token"])
        assert_answer("claim", status, assignment)
        assert call("exchange", {"runner_id": runner_id}, identity)[0] == 410


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    path=st.sampled_from(
        ["hosts", "hosts/h/lease", "claim", "heartbeat", "logs", "outputs/wheel", "inputs/wheel", "complete"]
    ),
    body=json_values,
)
def test_no_body_is_a_fault_of_ours(call: Call, claimed: Claimed, path: str, body: Any) -> None:
    full = path if path.startswith(("hosts", "claim")) else f"runners/{claimed[0]}/{path}"
    status, _ = call(full, body, claimed[1])
    assert 400 <= status < 500


def test_several_outputs_in_one_request(call: Call, claimed: Claimed) -> None:
    runner_id, session, _ = claimed
    ask = {"committed": [], "next_seq": 0, "wanted": [X, NOTHING], "end": None}
    status, answer = call(f"runners/{runner_id}/outputs", {"outputs": {"wheel": ask, "lines": ask}}, session)
    assert_answer("all_outputs", status, answer)
    assert {port: [each["seq"] for each in its["uploads"]] for port, its in answer["outputs"].items()} == {
        "wheel": [0, 1],
        "lines": [0, 1],
    }
    for port in ("wheel", "lines"):
        key = ids.chunk_key(RUN_ID, "make", 1, port, 0)
        client("s3").put_object(Bucket="data", Key=key, Body=b"x", ChecksumAlgorithm="SHA256")
    tell = {**ask, "committed": [{"seq": 0, **X}], "next_seq": 1, "wanted": [NOTHING]}
    gap = {**tell, "committed": [{"seq": 5, **X}]}
    status, problem = call(f"runners/{runner_id}/outputs", {"outputs": {"wheel": tell, "lines": gap}}, session)
    assert (status, problem["code"]) == (409, "conflict")
    # What was done before the error is found done.
    status, answer = call(f"runners/{runner_id}/outputs", {"outputs": {"wheel": tell, "lines": tell}}, session)
    assert status == 200, answer
    status, problem = call(f"runners/{runner_id}/outputs", {"outputs": {"wheel": tell, "no_such": ask}}, session)
    assert status == 404, problem


def test_nothing_is_granted_beyond_the_projects_storage_quota(call: Call, claimed: Claimed) -> None:
    runner_id, session, _ = claimed
    large = {**X, "size": 1 << 19}
    ask = {"committed": [], "next_seq": 0, "wanted": [large, {**large, "size": (1 << 19) + 1}], "end": None}
    status, problem = call(f"runners/{runner_id}/outputs/wheel", ask, session)
    assert (status, problem["code"]) == (413, "too_large")
    assert problem["details"] == {"quota": "storage", "limit": 1 << 20, "used": 0}
    assert "storage quota of 1 MiB" in problem["detail"]
    for used in (1, 2):
        status, answer = call(f"runners/{runner_id}/outputs/wheel", {**ask, "wanted": [large]}, session)
        assert (status, len(answer["uploads"])) == (200, 1), used
    status, problem = call(f"runners/{runner_id}/outputs/wheel", {**ask, "wanted": [X]}, session)
    assert (status, problem["details"]["used"]) == (413, 1 << 20)


def test_a_drained_host_gets_no_work_until_it_is_resumed(call: Call, world: World, join_token: str) -> None:
    body = {"pool": "local", "name": "here", "facts": {"os": "linux"}, "slots": 2, "labels": {"gpu": "none"}}
    _, host = call("hosts", body, join_token)
    world.launch()
    (known,) = world.hosts.list_hosts("default", "local")
    assert (known.labels, known.draining) == ({"gpu": "none"}, False)
    world.hosts.drain("default", "local", host["host_id"], draining=True)

    path, asked = f"hosts/{host['host_id']}/lease", {"call": 1, "free_slots": 2, "running": []}
    assert call(path, asked, host["token"])[1]["assignments"] == []
    world.hosts.drain("default", "local", host["host_id"], draining=False)
    assert len(call(path, {**asked, "call": 2}, host["token"])[1]["assignments"]) == 1


def test_a_forgotten_host_is_refused(call: Call, world: World, join_token: str) -> None:
    _, host = call("hosts", {"pool": "local", "name": "here", "facts": {"os": "linux"}, "slots": 2}, join_token)
    world.hosts.forget("default", "local", host["host_id"])
    status, _ = call(f"hosts/{host['host_id']}/lease", {"call": 1, "free_slots": 2, "running": []}, host["token"])
    assert status == 401
    assert world.hosts.list_hosts("default", "local") == []
    with pytest.raises(NotFound):
        world.hosts.drain("default", "local", host["host_id"], draining=True)
