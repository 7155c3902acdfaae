"""Everything about a treatment, over the API: history, diagnosis, pieces of ports, resources, instances."""

import base64
import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.routes.runs import run_history
from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.logs.log_items import WatermarkItem
from cadence.adapters.dynamodb.runners.samples import DynamoSampleStore
from cadence.adapters.dynamodb.runners.stream_store import DynamoStreamStore
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.domain.logs.log import RUNNER_FULL, Watermark
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.runners.resources import ResourceSample
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.values.stream import Chunk, StreamEnd, StreamProgress
from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]  # fixtures

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
S = TreatmentState
DOCUMENT = """\
cadence: 1
name: orders
treatments:
  fetch:
    run: fetch
    outputs: {orders: Stream<byte>}
  total:
    run: total
    memory: 512
    inputs: {orders: Stream<byte>}
    outputs: {seen: Stream<string>}
    env: {ROUND: "no"}
  check:
    run: check
    inputs: {word: {type: Block<string>, value: hello}}
  test:
    run: test
    matrix: {os: [alpine, debian]}
connections:
  - fetch.orders -> total.orders
"""
ORDERS = b"id,amount\n1,12\n2,n/a\n"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def line(seq: int, text: str) -> LogLine:
    return LogLine(seq=seq, time=f"2026-03-04T05:06:{10 + seq}.000Z", stream="stderr", level="info", text=text)


TRACE = [
    "Traceback (most recent call last):",
    '  File "total.py", line 6, in total',
    "    added += int(amount)",
    "ValueError: no amount: n/a",
]


@pytest.fixture
def run_id(api, settings) -> str:
    """`fetch` sends still; `total` failed in its second attempt, after the first was lost; of `test` one instance
    failed.
    """
    started = api("POST", "/v1/projects/default/runs", {"document": DOCUMENT})
    assert started.status == 201, started.text
    run_id: str = started.json["run_id"]
    runs = api.services.runs
    specs = plan.decode(api.services.documents.get(runs.get_run(run_id).plan_sha256))
    begins = beginning(run_id, specs, NOW)
    runs.admit(run_id, specs, begins.treatments, begins.edges)
    for name in ("fetch", "total"):
        runs.advance(run_id, name, 1, {S.PENDING}, S.READY, ready_at=at(1), history=(StateChange(at(1), 1, S.READY),))
        runs.advance(
            run_id, name, 1, {S.READY}, S.RUNNING, started_at=at(5), history=(StateChange(at(5), 1, S.RUNNING),)
        )
    again = (StateChange(at(9), 1, S.LOST, "the host went away"), StateChange(at(9), 2, S.PLACING))
    runs.advance(run_id, "total", 1, {S.RUNNING}, S.PLACING, attempt=2, history=again)
    moved = runs.advance(run_id, "total", 2, {S.PLACING}, S.RUNNING, history=(StateChange(at(12), 2, S.RUNNING),))
    runs.settle(moved, S.FAILED, "the command ended with exit code 1", 1, at(20))
    for name, attempt, result in (
        ("fetch", 1, None),
        ("total", 1, None),
        (
            "total",
            2,
            RunnerResult(outcome=RunnerOutcome.FAILED, exit_code=1, usage={"cpu_ms": 40}, samples=(sample(14),)),
        ),
    ):
        api.services.runners.put_runner(
            Runner(
                runner_id=ids.runner_id(run_id, name, attempt), run_id=run_id, treatment=name, attempt=attempt, organization="default", project="default", pool="local", provider="host",
                state=RunnerState.COMPLETED, created_at=NOW, booting_at=at(10), claimed_at=at(12), result=result,
                facts={"cpus": 4, "memory": 8000},
            )
        )  # fmt: skip
    streams = DynamoStreamStore(settings["runners_table"])
    fetch = ids.runner_id(run_id, "fetch", 1)
    for number, chunk in enumerate((ORDERS[:12], ORDERS[12:])):
        put(run_id, "fetch", 1, "orders", number, chunk)
    put(run_id, "fetch", 1, "orders", 3, b"uploaded before chunk 2")
    digests = [Chunk(number, size, "0" * 64) for number, size in enumerate((12, len(ORDERS) - 12))]
    streams.commit(fetch, "orders", StreamProgress(), digests, None)
    put(run_id, "total", 2, "seen", 0, b"1\n")
    written = [line(seq, text) for seq, text in enumerate(["order 1", *TRACE], 1)]
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), runs.get_run)
    index.index_batches(
        run_id,
        [
            LogBatch(
                run_id=run_id, runner_id=ids.runner_id(run_id, "total", 2), treatment="total", attempt=2, lines=written
            )
        ],
    )
    return run_id


def sample(seconds: float, memory: int = 1000) -> ResourceSample:
    return ResourceSample(
        at=at(seconds),
        cpu_ms=10,
        memory=memory,
        read_bytes=1,
        write_bytes=2,
        processes=1,
        rx_bytes=3,
        tx_bytes=4,
        disk_bytes=5,
    )


def put(run_id: str, treatment: str, attempt: int, port: str, number: int, content: bytes) -> None:
    client("s3").put_object(Bucket="data", Key=ids.chunk_key(run_id, treatment, attempt, port, number), Body=content)


def test_streams_that_flow_tell_how_far_their_readers_are_behind(api, run_id, settings):
    path = f"/v1/runs/{run_id}/treatments"
    streams = DynamoStreamStore(settings["runners_table"])
    [orders] = api("GET", f"{path}/fetch/flows").json["items"]
    assert orders == {"port": "orders", "size": len(ORDERS), "ended": False, "readers": []}
    reader = ids.runner_id(run_id, "total", 2)
    for position, behind in ((0, len(ORDERS)), (1, len(ORDERS) - 12), (2, 0), (5, 0)):
        streams.note_consumer(ids.runner_id(run_id, "fetch", 1), "orders", reader, position)
        [orders] = api("GET", f"{path}/fetch/flows").json["items"]
        assert orders["readers"] == [{"treatment": "total", "behind": behind}]
    assert api("GET", f"{path}/total/flows").json["items"] == []  # it has ended
    assert api("GET", f"{path}/nonsense/flows").status == 404


def test_a_treatment_tells_its_history_and_where_its_time_went(api, run_id):
    total = api("GET", f"/v1/runs/{run_id}/treatments/total").json

    assert [(one["attempt"], one["state"], one["note"]) for one in total["history"]] == [
        (1, "pending", ""),
        (1, "ready", ""),
        (1, "running", ""),
        (1, "lost", "the host went away"),
        (2, "placing", ""),
        (2, "running", ""),
        (2, "failed", "the command ended with exit code 1"),
    ]
    assert total["times"]["ran"] == 8
    assert [(one["attempt"], one["exit_code"], one["times"]["ran"]) for one in total["runners"]] == [
        (2, 1, 8),
        (1, None, 4),
    ]
    assert total["spec"]["env"] == {"ROUND": "no"}
    assert total["inputs"][0]["sent"] == len(ORDERS)
    assert total["inputs"][0]["value"] is None
    literal = api("GET", f"/v1/runs/{run_id}/treatments/check").json["inputs"][0]["literal"]
    assert (literal["kind"], literal["text"].strip()) == ("text", "hello")


def test_lines_that_a_quota_left_out_are_counted_by_attempt(api, run_id):
    path = f"/v1/runs/{run_id}/treatments/total"
    latest, before = api("GET", path).json["runners"]
    assert (latest["lines_left_out"], before["lines_left_out"]) == (0, 0)
    WatermarkItem.of(Watermark(before["runner_id"], 5, full=RUNNER_FULL, left_out=3)).save()
    latest, before = api("GET", path).json["runners"]
    assert (latest["lines_left_out"], before["lines_left_out"]) == (0, 3)


def test_a_diagnosis_links_the_stack_trace_to_its_lines(api, run_id):
    said = api("GET", f"/v1/runs/{run_id}/treatments/total/diagnosis", query={"lines": 2}).json

    (trace,) = said["stack_traces"]
    assert (trace["language"], trace["error"], trace["message"]) == ("Python", "ValueError", "no amount: n/a")
    assert (trace["place"]["file"], trace["place"]["line"]) == ("total.py", 6)
    assert trace["text"] == TRACE
    lines = api("GET", f"/v1/runs/{run_id}/logs").json["lines"]
    assert lines[trace["place"]["seq"] - 1]["text"] == TRACE[1]
    assert [one["cursor"] for one in said["last_lines"]] == ["0:4", "0:5"]
    assert said["cause"] == "the command ended with exit code 1"
    earlier = api("GET", f"/v1/runs/{run_id}/treatments/total/diagnosis", query={"attempt": 1}).json
    assert (earlier["stack_traces"], earlier["last_lines"]) == ([], [])
    assert (earlier["state"], earlier["cause"]) == ("lost", "the host went away")
    assert "Its runner was lost" in earlier["explanations"][0]


def test_a_treatment_is_shown_as_each_of_its_attempts_was(api, run_id, settings):
    path = f"/v1/runs/{run_id}/treatments/total"
    DynamoStreamStore(settings["runners_table"]).commit(
        ids.runner_id(run_id, "total", 1), "seen", StreamProgress(), [Chunk(0, 7, "0" * 64)], None
    )

    earlier = api("GET", path, query={"attempt": 1}).json
    latest = api("GET", path).json

    assert api("GET", path, query={"attempt": 2}).json == latest
    assert (earlier["attempt"], earlier["latest_attempt"], latest["attempt"]) == (1, 2, 2)
    assert (earlier["state"], earlier["cause"], earlier["exit_code"]) == ("lost", "the host went away", None)
    assert (earlier["times"]["ran"], earlier["started_at"], earlier["finished_at"]) == (
        4, "2026-03-04T05:06:12Z", "2026-03-04T05:06:16Z",
    )  # fmt: skip
    assert (earlier["outputs"][0]["sent"], earlier["outputs"][0]["attempt"]) == (7, 1)
    assert (earlier["history"], earlier["runners"]) == (latest["history"], latest["runners"])
    none = api("GET", path, query={"attempt": 3})
    assert (none.status, none.json["detail"]) == (404, "Treatment 'total' has no attempt 3: it has had 2 attempts.")


def test_the_lines_of_an_attempt_are_selected(api, run_id, settings, cadence):
    index = IndexLogs(
        DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), api.services.runs.get_run
    )
    runner = ids.runner_id(run_id, "total", 1)
    lines = [line(1, "order 1, first attempt")]
    index.index_batches(run_id, [LogBatch(run_id=run_id, runner_id=runner, treatment="total", attempt=1, lines=lines)])
    path = f"/v1/runs/{run_id}/logs"

    def texts(**query: str) -> list[str]:
        return [one["text"] for one in api("GET", path, query=query).json["lines"]]

    assert texts(treatment="total", attempt="1") == ["order 1, first attempt"]
    assert texts(treatment="total", attempt="2", before="end") == ["order 1", *TRACE]
    assert texts(treatment="total", attempt="2", grep="^order") == ["order 1"]
    assert texts(treatment="total", attempt="9") == []
    assert len(texts(treatment="total")) == 6
    refused = api("GET", path, query={"attempt": "1"})
    assert (refused.status, refused.json["detail"]) == (422, "An attempt is selected together with its treatment.")

    printed = cadence("logs", run_id, "-t", "total", "--attempt", "1")
    assert [one.split("|")[1].strip() for one in printed.stdout.splitlines()] == ["order 1, first attempt"]
    assert "has no attempt 3" in cadence("logs", run_id, "-t", "total", "--attempt", "3").stderr
    assert "--treatment" in cadence("logs", run_id, "--attempt", "1").stderr
    shown = cadence("show", run_id, "total", "--attempt", "1").stdout
    assert "attempt 1 of 2" in shown
    assert "the host went away" in shown
    assert f"cadence logs {run_id} -t total --attempt 1" in shown
    assert f"/ui/runs/{run_id}/t/total?attempt=1#code=" in cadence("open", run_id, "total", "--attempt", "1").stdout


def test_a_stream_is_read_at_any_place_while_it_flows(api, run_id):
    path = f"/v1/runs/{run_id}/treatments/fetch/outputs/orders"
    whole = api("GET", path).json
    piece = api("GET", path, query={"offset": 10, "length": 5}).json
    tail = api("GET", f"/v1/runs/{run_id}/treatments/total/inputs/orders", query={"offset": -6}).json

    assert base64.b64decode(whole["content_base64"]) == ORDERS
    assert (whole["shown"]["kind"], whole["shown"]["columns"]) == ("table", ["id", "amount"])
    assert (whole["ended"], whole["size"], whole["next"], whole["sha256"]) == (False, len(ORDERS), len(ORDERS), None)
    assert base64.b64decode(piece["content_base64"]) == ORDERS[10:15]
    assert (piece["next"], piece["shown"]["kind"]) == (15, "text")
    assert base64.b64decode(tail["content_base64"]) == ORDERS[-6:]
    beyond = api("GET", path, query={"offset": 99})
    assert (beyond.status, beyond.json["violations"][0]["pointer"]) == (422, "offset")
    for unknown in ("fetch/outputs/none", "total/inputs/seen", "none/outputs/x"):
        assert api("GET", f"/v1/runs/{run_id}/treatments/{unknown}").status == 404


def test_what_a_failed_attempt_sent_is_still_there(api, run_id):
    path = f"/v1/runs/{run_id}/treatments/total/outputs/seen"
    sent = api("GET", path).json
    assert (base64.b64decode(sent["content_base64"]), sent["attempt"], sent["ended"], sent["next"]) == (
        b"1\n", 2, True, None,
    )  # fmt: skip
    nothing = api("GET", path, query={"attempt": 1})
    assert nothing.status == 404
    assert nothing.json["detail"].startswith("Attempt 1 of total sent nothing through seen")
    assert api("GET", path, query={"attempt": 3}).status == 404


def test_an_output_of_a_failed_attempt_is_shown_as_kept_and_is_no_value(api, run_id, settings):
    content = b"<testsuite failures='1'/>\n"
    digest = hashlib.sha256(content).hexdigest()
    kept = ids.kept_port("seen")
    put(run_id, "total", 2, kept, 0, content)
    put(run_id, "total", 2, kept, 1, b"")
    DynamoStreamStore(settings["runners_table"]).commit(
        ids.runner_id(run_id, "total", 2),
        kept,
        StreamProgress(),
        [Chunk(0, len(content), digest), Chunk(1, 0, hashlib.sha256(b"").hexdigest())],
        StreamEnd(len(content), digest, 1, content),
    )
    shown = api("GET", f"/v1/runs/{run_id}/treatments/total").json["outputs"][0]
    piece = api("GET", f"/v1/runs/{run_id}/treatments/total/outputs/seen").json

    assert (shown["port"], shown["value"]) == ("seen", None)
    assert (shown["kept"]["size"], shown["kept"]["sha256"]) == (len(content), digest)
    assert shown["kept"]["preview"] == content.decode()
    assert base64.b64decode(piece["content_base64"]) == content
    assert (piece["port"], piece["failed"], piece["ended"], piece["sha256"]) == ("seen", True, True, digest)


def test_a_piece_of_a_value_and_what_is_no_longer_kept(api, run_id):
    content = b"x" * 5000
    sha256 = hashlib.sha256(content).hexdigest()
    put(run_id, "fetch", 1, "kept", 0, content)
    api.services.runs.put_values(
        [
            Value(
                run_id=run_id,
                treatment="fetch",
                port="kept",
                flow="stream",
                type="byte",
                sha256=sha256,
                size=5000,
                chunks=1,
                attempt=1,
                preview=b"",
                created_at=NOW,
            ),
            Value(
                run_id=run_id,
                treatment="fetch",
                port="gone",
                flow="stream",
                type="byte",
                sha256="1" * 64,
                size=5000,
                chunks=1,
                attempt=1,
                preview=b"",
                created_at=NOW,
            ),
        ]
    )
    piece = api("GET", f"/v1/runs/{run_id}/values/{sha256}", query={"offset": 4990}).json
    assert (base64.b64decode(piece["content_base64"]), piece["offset"]) == (content[4990:], 4990)
    gone = api("GET", f"/v1/runs/{run_id}/values/{'1' * 64}", query={"offset": 0})
    assert (gone.status, "not kept any more" in gone.json["detail"]) == (404, True)


def test_resources_are_told_over_time_with_their_limits(api, run_id, settings):
    store = DynamoSampleStore(settings["runners_table"])
    store.add(ids.runner_id(run_id, "total", 2), [sample(12 + place / 100, place) for place in range(100)])
    store.add(ids.runner_id(run_id, "total", 2), [sample(13)])
    path = f"/v1/runs/{run_id}/treatments/total/resources"

    told = api("GET", path).json
    few = api("GET", path, query={"points": 5}).json

    assert len(told["samples"]) == 102
    assert told["samples"][-1]["at"].startswith("2026-03-04T05:06:21")  # the last came with the result
    assert len(few["samples"]) <= 5
    assert max(one["memory"] for one in few["samples"]) == 1000
    limits = told["limits"]
    assert (limits["memory"], limits["cpu"], limits["enforced"]) == (512_000_000, None, False)
    assert (limits["machine_cpu"], limits["machine_memory"]) == (4_000, 8_000_000_000)
    assert api("GET", f"/v1/runs/{run_id}/treatments/check/resources").status == 404


def test_instances_are_laid_side_by_side(api, run_id, settings):
    path = f"/v1/runs/{run_id}/treatments/test/instances"
    first = api("GET", path, query={"limit": 1}).json
    rest = api("GET", path, query={"cursor": first["next"]}).json

    assert [one["matrix"] for one in first["items"] + rest["items"]] == [{"os": "alpine"}, {"os": "debian"}]
    assert rest["next"] is None
    none = api("GET", f"/v1/runs/{run_id}/treatments/total/instances")
    assert (none.status, "no instances" in none.json["detail"]) == (404, True)


def test_instances_made_for_elements_are_told_with_their_element(api, settings):
    document = (
        "cadence: 1\nname: spread\ntreatments:\n"
        '  list: {run: x, outputs: {names: "Stream<string>"}}\n'
        '  greet: {run: x, each: name, inputs: {name: "Block<string>"}}\n'
        "connections: [list.names -> greet.name]\n"
    )
    started = api("POST", "/v1/projects/default/runs", {"document": document})
    assert started.status == 201, started.text
    run_id = started.json["run_id"]
    runs = api.services.runs
    specs = plan.decode(api.services.documents.get(runs.get_run(run_id).plan_sha256))
    begins = beginning(run_id, specs, NOW)
    runs.admit(run_id, specs, begins.treatments, begins.edges)
    runs.advance(run_id, "greet", 1, {S.PENDING}, S.RUNNING)
    groups = DynamoGroupStore(settings["runs_table"])
    seen = groups.get_growth(run_id, "greet")
    made = [
        TreatmentSpec(
            name=f"greet:{number}",
            run="x",
            group="greet",
            inputs=(InputSpec(port="name", flow="block", type="string", literal=who),),
        )
        for number, who in enumerate(("Ada", "Grace"))
    ]
    groups.add_instances(seen, dataclasses.replace(seen, made=2), made, NOW)

    items = api("GET", f"/v1/runs/{run_id}/treatments/greet/instances").json["items"]
    assert [(one["name"], one["element"], one["state"]) for one in items] == [
        ("greet:0", "Ada", "ready"),
        ("greet:1", "Grace", "ready"),
    ]
    one = api("GET", f"/v1/runs/{run_id}/treatments/greet:1").json
    assert (one["spec"]["group"], one["inputs"][0]["literal"]["text"]) == ("greet", "Grace")
    assert one["inputs"][0]["element_of"] == "list.names"
    hidden = api("GET", f"/v1/runs/{run_id}/treatments/greet/instances", token=api.token_for(["runs:read"])).json[
        "items"
    ]
    assert [one["element"] for one in hidden] == [None, None]


def test_nobody_else_sees_any_of_it(api, run_id, other_organization):
    paths = ("", "/diagnosis", "/resources", "/instances", "/inputs/orders", "/outputs/seen")
    for path in paths:
        answer = api("GET", f"/v1/runs/{run_id}/treatments/total{path}", token=other_organization)
        assert answer.status == 404, path
    reader: dict[str, Any] = {"token": api.token_for(["runs:read"])}
    answers = [api("GET", f"/v1/runs/{run_id}/treatments/total{path}", **reader).status for path in paths]
    assert answers == [200, 403, 200, 404, 403, 403]


def test_the_history_of_a_run_has_each_state_of_each_treatment(api, run_id, monkeypatch):
    monkeypatch.setattr(run_history, "_TREATMENTS_PER_PAGE", 2)
    treatments: list[Any] = []
    query: dict[str, str] | None = {}
    while query is not None:
        page = api("GET", f"/v1/runs/{run_id}/history", query=query).json
        assert len(page["treatments"]) <= 2
        treatments += page["treatments"]
        query = {"cursor": page["next"]} if page["next"] else None

    shown = api("GET", f"/v1/runs/{run_id}").json["treatments"]
    assert [one["name"] for one in treatments] == [one["name"] for one in shown]
    for one in treatments:
        stored = api("GET", f"/v1/runs/{run_id}/treatments/{one['name']}").json["history"]
        assert one["changes"] == [{name: each[name] for name in ("at", "attempt", "state")} for each in stored]
    total = next(one["changes"] for one in treatments if one["name"] == "total")
    states = [(each["attempt"], each["state"]) for each in total]
    assert states == [
        (1, "pending"), (1, "ready"), (1, "running"), (1, "lost"), (2, "placing"), (2, "running"), (2, "failed")
    ]  # fmt: skip
    assert api("GET", f"/v1/runs/{run_id}/history", query={"cursor": "x"}).status == 422
    assert api("GET", "/v1/runs/none/history").status == 404


def test_a_shell_is_asked_for_where_a_runner_is_working(api, run_id):
    path = f"/v1/runs/{run_id}/treatments/fetch/shells"
    refused = api("POST", path)
    assert refused.status == 409
    assert "a shell needs a runner that is working" in refused.json["detail"]

    runner_id = ids.runner_id(run_id, "fetch", 1)
    api.services.runners.change_runner(runner_id, RunnerState, state=RunnerState.CLAIMED)
    opened = api("POST", path)
    assert opened.status == 201
    assert (opened.json["run_id"], opened.json["runner_id"], opened.json["attempt"]) == (run_id, runner_id, 1)
    shells = api.services.runners.get_runner(runner_id).shells
    assert list(shells) == [opened.json["shell_id"]]
