"""Inside a run that has done something: values, their origin, logs, runners."""

import base64
import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import requests

from api.routes.runs import run_details as insight_routes
from api.routes.runs import runs as runs_routes
from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.application.runs import run_delta
from cadence.application.shared.runner_ports import Host
from cadence.domain.pipelines import plan
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.values.value_retention import ValueCapture, ValueRetention
from tests.fakes.runs import a_run
from tests.integration.api.calling import HELLO

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
GREETING = b"hello world\n"


@pytest.fixture
def run_id(api):
    """A run whose `greet` has succeeded with a value of two chunks; `shout` failed on its only attempt."""
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    runs = api.services.runs
    specs = plan.decode(api.services.documents.get(runs.get_run(run_id).plan_sha256))
    begins = beginning(run_id, specs, NOW)
    runs.admit(run_id, specs, begins.treatments, begins.edges)
    for name, state, code in (("greet", TreatmentState.SUCCEEDED, 0), ("shout", TreatmentState.FAILED, 3)):
        runner = Runner(
            runner_id=ids.runner_id(run_id, name, 1), run_id=run_id, treatment=name, attempt=1, organization="default", project="default", pool="local", provider="host",
            state=RunnerState.COMPLETED, created_at=NOW, host_id="h1", one_time_hash="one-time", session_hash="session",
            task_token="machine-token", facts={"system": "Linux"},
            result=RunnerResult(outcome=RunnerOutcome.SUCCEEDED, exit_code=code, usage={"memory_mb": 12.5}),
        )  # fmt: skip
        api.services.runners.put_runner(runner)
        cause = "exit code 3" if code else None
        runs.settle(runs.get_treatment(run_id, name), state, cause, code, NOW)
    for seq, chunk in enumerate((GREETING[:5], GREETING[5:], b"")):
        client("s3").put_object(Bucket="data", Key=ids.chunk_key(run_id, "greet", 1, "greeting", seq), Body=chunk)
    sha256 = hashlib.sha256(GREETING).hexdigest()
    value = Value(
        run_id=run_id,
        treatment="greet",
        port="greeting",
        flow="block",
        type="string",
        sha256=sha256,
        size=len(GREETING),
        chunks=2,
        attempt=1,
        preview=GREETING,
        created_at=NOW,
    )
    runs.put_values([value])
    return run_id


def test_a_treatment_tells_all_but_its_tokens(api, run_id):
    greet = api("GET", f"/v1/runs/{run_id}/treatments/greet")
    shout = api("GET", f"/v1/runs/{run_id}/treatments/shout").json

    assert (greet.json["state"], greet.json["exit_code"]) == ("succeeded", 0)
    assert greet.json["usage"] == {"memory_mb": 12.5}
    assert greet.json["outputs"][0]["value"]["preview"] == "hello world\n"
    assert (shout["state"], shout["cause"], shout["exit_code"]) == ("failed", "exit code 3", 3)
    assert shout["inputs"][0]["value"]["sha256"] == hashlib.sha256(GREETING).hexdigest()
    assert shout["runners"][0]["facts"] == {"system": "Linux"}
    for path in (f"/v1/runs/{run_id}/treatments/greet", "/v1/runners", f"/v1/runs/{run_id}"):
        text = api("GET", path).text
        assert not [token for token in ("one-time", "session", "machine-token") if f'"{token}"' in text]


def test_values_are_previewed_only_for_those_who_may_read_them(api, run_id):
    token = api.token_for(["runs:read"])
    shout = api("GET", f"/v1/runs/{run_id}/treatments/shout", token=token)
    greet = api("GET", f"/v1/runs/{run_id}/treatments/greet", token=token)
    for port in (*shout.json["inputs"], *greet.json["outputs"]):
        assert (port["value"]["preview"], port["value"]["preview_base64"]) == (None, None)
    assert GREETING.decode().strip() not in greet.text


def test_a_value_is_downloaded_in_its_chunks(api, run_id):
    sha256 = hashlib.sha256(GREETING).hexdigest()
    download = api("GET", f"/v1/runs/{run_id}/values/{sha256}").json

    assert base64.b64decode(download["content_base64"]) == GREETING
    assert [chunk["seq"] for chunk in download["chunks"]] == [0, 1]
    assert download["next_chunk"] is None
    assert b"".join(requests.get(chunk["url"], timeout=120).content for chunk in download["chunks"]) == GREETING
    assert api("GET", f"/v1/runs/{run_id}/values/{sha256}", query={"first_chunk": 9}).status == 422
    assert api("GET", f"/v1/runs/{run_id}/values/{'0' * 64}").status == 404


def test_the_values_of_a_run_are_listed_page_by_page(api, run_id, monkeypatch):
    first = api.services.runs.get_value(run_id, "greet", "greeting")
    passing = dataclasses.replace(
        first, treatment="shout", port="loud", retention=ValueRetention("vault", ValueCapture.NONE)
    )
    api.services.runs.put_values([passing])
    monkeypatch.setattr(insight_routes, "_VALUES_PER_PAGE", 1)

    values, pages = pages_of(api, f"/v1/runs/{run_id}/values", "items")

    assert pages == 2
    assert [(one["treatment"], one["port"], one["size"], one["kept"], one["sha256"]) for one in values] == [
        ("greet", "greeting", len(GREETING), True, hashlib.sha256(GREETING).hexdigest()),
        ("shout", "loud", len(GREETING), False, None),
    ]


def test_a_value_that_is_not_text_is_previewed_in_base64(api, run_id):
    value = api.services.runs.get_value(run_id, "greet", "greeting")
    api.services.runs.put_values([dataclasses.replace(value, preview=b"\xff\x00")])

    shown = api("GET", f"/v1/runs/{run_id}/treatments/greet").json["outputs"][0]["value"]

    assert (shown["preview"], shown["preview_base64"]) == (None, "/wA=")


def test_a_trace_goes_back_to_where_a_value_came_from(api, run_id):
    traced = api("GET", f"/v1/runs/{run_id}/trace", query={"port": "greet.greeting", "offset": 3}).json

    assert traced["offset"] == 3
    assert traced["origin"]["value"]["size"] == len(GREETING)
    assert traced["origin"]["runner"]["host_id"] == "h1"
    assert traced["origin"]["inputs"] == {}
    past = api("GET", f"/v1/runs/{run_id}/trace", query={"port": "greet.greeting", "offset": 13})
    assert (past.status, past.json["violations"][0]["pointer"]) == (422, "offset")
    assert api("GET", f"/v1/runs/{run_id}/trace", query={"port": "greet.nothing"}).status == 404
    assert api("GET", f"/v1/runs/{run_id}/trace", query={"port": "no-port"}).status == 422


def test_a_trace_meets_each_treatment_once(api):
    levels = 40
    document = "cadence: 1\nname: deep\ntreatments:\n"
    document += '  t0:\n    run: x\n    outputs: {a: "Block<string>", b: "Block<string>"}\n'
    connections = ""
    for level in range(1, levels):
        document += (
            f'  t{level}:\n    run: x\n    inputs: {{a: "Block<string>", b: "Block<string>"}}\n'
            '    outputs: {a: "Block<string>", b: "Block<string>"}\n'
        )
        connections += f"  - t{level - 1}.a -> t{level}.a\n  - t{level - 1}.b -> t{level}.b\n"
    started = api("POST", "/v1/projects/default/runs", {"document": document + "connections:\n" + connections})
    assert started.status == 201, started.text

    traced = api("GET", f"/v1/runs/{started.json['run_id']}/trace", query={"port": f"t{levels - 1}.a"})

    assert traced.status == 200
    assert traced.text.count('"treatment":') == 2 * levels - 1
    assert traced.json["origin"]["inputs"]["b"]["cut"] is True


def test_the_graph_shows_what_went_through(api, run_id):
    graph = api("GET", f"/v1/runs/{run_id}/graph").json

    assert {node["name"]: node["state"] for node in graph["nodes"]} == {"greet": "succeeded", "shout": "failed"}
    assert graph["edges"][0]["size"] == len(GREETING)
    greet = graph["nodes"][0]
    assert (greet["kind"], greet["group"], greet["attempt"], greet["instances"]) == ("command", None, 1, None)
    assert datetime.fromisoformat(greet["finished_at"]) == NOW


def test_the_graph_tells_the_instances_of_a_group_and_the_path_through_them(api):
    document = """
cadence: 1
name: matrix
treatments:
  list: {run: x}
  test: {run: x, after: [list], matrix: {python: ["3.11", "3.12"]}}
"""
    run_id = api("POST", "/v1/projects/default/runs", {"document": document}).json["run_id"]
    runs = api.services.runs
    specs = plan.decode(api.services.documents.get(runs.get_run(run_id).plan_sha256))
    begins = beginning(run_id, specs, NOW)
    ready = StateChange(NOW, 1, TreatmentState.READY)
    treatments = [
        dataclasses.replace(one, ready_at=NOW, history=(ready,)) if one.name == "list" else one
        for one in begins.treatments
    ]
    runs.admit(run_id, specs, treatments, begins.edges)
    runs.settle(runs.get_treatment(run_id, "list"), TreatmentState.SUCCEEDED, None, 0, NOW + timedelta(seconds=5))

    graph = api("GET", f"/v1/runs/{run_id}/graph").json

    nodes = {node["name"]: node for node in graph["nodes"]}
    assert nodes["test"]["kind"] == "gather"
    assert nodes["test"]["instances"] == {"pending": 2}
    assert {name for name, node in nodes.items() if node["group"] == "test"} == {"test:3.11", "test:3.12"}
    only = api("GET", f"/v1/runs/{run_id}/graph", query={"only": "critical_path"}).json
    assert only == {"nodes": [], "edges": [], "critical_path": graph["critical_path"], "next": None}
    assert api("GET", f"/v1/runs/{run_id}/graph", query={"only": "nodes"}).status == 422
    (step,) = graph["critical_path"]
    assert (step["treatment"], step["queued"], step["ran"]) == ("list", 5.0, 0.0)


def test_a_large_run_is_told_page_by_page(api, run_id, monkeypatch):
    whole_run, whole_graph = (api("GET", f"/v1/runs/{run_id}{path}").json for path in ("", "/graph"))
    monkeypatch.setattr(runs_routes, "TREATMENTS_PER_PAGE", 1)
    monkeypatch.setattr(run_delta, "LONGEST_CAUSE", 3)
    monkeypatch.setattr(insight_routes, "_LONGEST_GRAPH", 1)

    treatments, pages = pages_of(api, f"/v1/runs/{run_id}", "treatments")
    assert pages == 2
    assert [one["name"] for one in treatments] == [one["name"] for one in whole_run["treatments"]]
    assert all(len(one["cause"] or "") <= 4 for one in treatments)
    for part in ("nodes", "edges"):
        found, pages = pages_of(api, f"/v1/runs/{run_id}/graph", part)
        assert found == whole_graph[part]
        assert pages == len(whole_graph["nodes"]) + len(whole_graph["edges"])
    first_page = api("GET", f"/v1/runs/{run_id}/graph").json
    assert (whole_graph["critical_path"] is None, first_page["critical_path"]) == (False, None)
    first = api("GET", f"/v1/runs/{run_id}").json["next"]
    assert api("GET", f"/v1/runs/{run_id}/graph", query={"cursor": first}).status == 422


def pages_of(api, path, part):
    found, pages, cursor = [], 0, None
    while pages == 0 or cursor:
        page = api("GET", path, query={"cursor": cursor} if cursor else {}).json
        found += page[part]
        pages, cursor = pages + 1, page["next"]
    return found, pages


def test_runners_and_hosts(api, run_id, settings):
    DynamoHostStore(settings["runners_table"]).put_host(
        Host(
            host_id="h1",
            organization="default",
            pool="local",
            name="laptop",
            slots=4,
            token_hash="secret-hash",
            joined_at=NOW,
            last_seen=NOW,
            facts={"cpus": 4},
        )
    )

    hosts = api("GET", "/v1/hosts")
    of_run = api("GET", "/v1/runners", query={"run": run_id}).json["items"]

    assert hosts.json["items"][0]["name"] == "laptop"
    assert "secret-hash" not in hosts.text
    assert sorted(runner["treatment"] for runner in of_run) == ["greet", "shout"]
    assert api("GET", "/v1/runners").json["items"] == []
    assert api("GET", "/v1/runners", query={"run": "01unknown"}).status == 404


def test_a_host_is_drained_resumed_and_forgotten(api, settings):
    hosts = DynamoHostStore(settings["runners_table"])
    hosts.put_host(
        Host(
            host_id="h1",
            organization="default",
            pool="local",
            name="laptop",
            slots=4,
            token_hash="secret-hash",
            joined_at=NOW,
            last_seen=NOW,
            facts={},
            labels={"gpu": "a100"},
        )
    )

    drained = api("POST", "/v1/pools/local/hosts/h1/drain").json
    assert (drained["draining"], drained["labels"]) == (True, {"gpu": "a100"})
    assert api("GET", "/v1/hosts").json["items"][0]["draining"] is True
    assert api("POST", "/v1/pools/local/hosts/h1/resume").json["draining"] is False
    assert api("POST", "/v1/pools/local/hosts/unknown/drain").status == 404
    assert api("DELETE", "/v1/pools/local/hosts/h1").status == 204
    assert api("DELETE", "/v1/pools/local/hosts/h1").status == 404
    assert api("GET", "/v1/hosts").json["items"] == []


def test_logs_are_read_from_a_cursor_on_and_filtered(api, run_id, settings):
    lines = [
        LogLine(seq=number, time=f"2026-03-04T05:06:0{number}.000Z", stream="stdout", level="info", text=text)
        for number, text in enumerate(("one", "two (2)", "three é"), 1)
    ]
    runner = ids.runner_id(run_id, "greet", 1)
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), a_run)
    index.index_batches(run_id, [LogBatch(run_id=run_id, runner_id=runner, treatment="greet", attempt=1, lines=lines)])
    path = f"/v1/runs/{run_id}/logs"

    first = api("GET", path, query={"limit": 2}).json
    rest = api("GET", path, query={"after": first["after"]}).json

    assert [line["text"] for line in first["lines"] + rest["lines"]] == ["one", "two (2)", "three é"]
    assert (first["more"], rest["more"]) == (True, False)
    assert first["lines"][0]["runner"] == runner
    assert [line["seq"] for line in api("GET", path, query={"grep": "^tw"}).json["lines"]] == [2]
    assert api("GET", path, query={"treatment": "shout"}).json["lines"] == []
    assert api("GET", path, query={"grep": "("}).status == 422
    assert api("GET", path, query={"after": "nonsense"}).status == 422
