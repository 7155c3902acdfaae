"""Traces over the stores: as a tree, as a graph, in PROV and OpenLineage, and which runs used a value."""

import dataclasses
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.application.shared.identifiers import new_ulid
from cadence.domain.pipelines import plan
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.run import Run, Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from tests.fakes.runs import a_run

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
DOCUMENT = """
cadence: 1
name: sieve
treatments:
  rows:
    run: x
    outputs: {out: Stream<string>}
  keep:
    run: x
    inputs: {in: Stream<string>}
    outputs: {out: Stream<string>}
  count:
    run: x
    inputs: {in: Stream<string>}
    outputs: {n: "Block<u64>"}
connections: [rows.out -> keep.in, keep.out -> count.in]
"""
CONTENTS = {("rows", "out"): b"a\nb\nc\n", ("keep", "out"): b"a\nc\n", ("count", "n"): b"2"}


def admitted(api: Any, document: str, contents: dict[tuple[str, str], bytes], **fields: Any) -> Run:
    """A run that has sent these contents, its treatments all succeeded."""
    runs = api.services.runs
    run_id = api("POST", "/v1/projects/default/runs", {"document": document}).json["run_id"]
    run = runs.get_run(run_id)
    if fields:
        run = dataclasses.replace(run, run_id=new_ulid(api.services.clock()), **fields)
        runs.create_run(run)
    specs = plan.decode(api.services.documents.get(run.plan_sha256))
    begins = beginning(run.run_id, specs, NOW)
    runs.admit(run.run_id, specs, begins.treatments, begins.edges)
    for spec in specs:
        runner_id = ids.runner_id(run.run_id, spec.name, 1)
        api.services.runners.put_runner(
            Runner(
                runner_id=runner_id, run_id=run.run_id, treatment=spec.name, attempt=1, organization="default", project="default", pool="local", provider="host", state=RunnerState.COMPLETED, created_at=NOW,
                host_id="h1", session_hash="session", result=RunnerResult(outcome=RunnerOutcome.SUCCEEDED, exit_code=0, image_digest="sha256:1"),
            )
        )  # fmt: skip
        treatment = runs.advance(
            run.run_id, spec.name, 1, {TreatmentState.PENDING}, TreatmentState.RUNNING, started_at=NOW
        )
        runs.settle(treatment, TreatmentState.SUCCEEDED, None, 0, NOW)
        for output in spec.outputs:
            content = contents[spec.name, output.port]
            key = ids.chunk_key(run.run_id, spec.name, 1, output.port, 0)
            client("s3").put_object(Bucket="data", Key=key, Body=content)
            digest = hashlib.sha256(content).hexdigest()
            runs.put_values([
                Value(run_id=run.run_id, treatment=spec.name, port=output.port, flow=output.flow, type=output.type, sha256=digest, size=len(content), chunks=1, attempt=1, preview=content, created_at=NOW)
            ])  # fmt: skip
    stored: Run = runs.get_run(run.run_id)
    return stored


@pytest.fixture
def run(api) -> Run:
    return admitted(api, DOCUMENT, CONTENTS)


def test_a_trace_follows_a_line_and_keeps_its_old_shape(api, run):
    traced = api("GET", f"/v1/runs/{run.run_id}/trace", query={"port": "keep.out", "offset": 2}).json

    assert (traced["run_id"], traced["offset"], traced["part"]["line"]) == (run.run_id, 2, 2)
    origin = traced["origin"]
    assert (origin["treatment"], origin["port"], origin["state"], origin["cut"]) == ("keep", "out", "succeeded", False)
    assert origin["runner"]["host_id"] == "h1" and origin["value"]["size"] == 4
    source = origin["inputs"]["in"]
    assert (source["treatment"], source["port"], source["inputs"], source["sources"]) == ("rows", "out", {}, [])
    assert (source["via"]["basis"], source["via"]["part"]["line"], source["via"]["part"]["offset"]) == (
        "subsequence",
        3,
        4,
    )


def test_the_graph_tells_both_directions(api, run):
    back = api("GET", f"/v1/runs/{run.run_id}/provenance", query={"port": "count.n"}).json
    ahead = api("GET", f"/v1/runs/{run.run_id}/provenance", query={"port": "rows.out", "direction": "forward"}).json

    assert back["start"] == back["nodes"][0]["id"] == f"value:{run.run_id}/count.n"
    assert {node["id"] for node in back["nodes"]} == {
        f"run:{run.run_id}",
        *(f"treatment:{run.run_id}/{name}" for name in ("count", "keep", "rows")),
        *(f"value:{run.run_id}/{name}" for name in ("count.n", "keep.out", "rows.out")),
    }
    known = next(node for node in back["nodes"] if node["kind"] == "run")["run"]
    assert known["pipeline"] == "sieve"
    assert ahead["nodes"][-1]["id"] == f"value:{run.run_id}/count.n"
    assert {link["kind"] for link in ahead["links"]} == {"used", "generated_by"}
    assert not [one for one in ("session", "one-time") if f'"{one}"' in str(back)]


def test_a_cursor_goes_on_where_the_neighbours_of_a_node_were_cut(api, monkeypatch):
    consumers = [f"c{number}" for number in range(5)]
    document = "cadence: 1\nname: wide\ntreatments:\n  a: {run: x, outputs: {out: Block<string>}}\n"
    document += "".join(f"  {name}: {{run: x, inputs: {{in: Block<string>}}}}\n" for name in consumers)
    document += "connections: [" + ", ".join(f"a.out -> {name}.in" for name in consumers) + "]\n"
    run = admitted(api, document, {("a", "out"): b"x"})
    monkeypatch.setattr("cadence.application.provenance.forward.FAN", 2)
    met, cursor = [], None
    query = {"port": "a.out", "direction": "forward"}
    while True:
        page = api(
            "GET", f"/v1/runs/{run.run_id}/provenance", query=query | ({"cursor": cursor} if cursor else {})
        ).json
        met += [node["treatment"] for node in page["nodes"][1:]]
        cursor = page["nodes"][0]["next"]
        if cursor is None:
            break
    assert met == consumers
    first = api("GET", f"/v1/runs/{run.run_id}/provenance", query=query).json["nodes"][0]["next"]
    for other in ({"port": "a.out"}, {"treatment": "a", "direction": "forward"}):
        refused = api("GET", f"/v1/runs/{run.run_id}/provenance", query=other | {"cursor": first})
        assert (refused.status, refused.json["violations"][0]["pointer"]) == (422, "cursor")


def test_a_log_line_is_traced(api, run):
    line = LogLine(seq=1, time="2026-03-04T05:06:07.000Z", stream="stdout", level="info", text="c")
    batch = LogBatch(
        run_id=run.run_id, runner_id=ids.runner_id(run.run_id, "count", 1), treatment="count", attempt=1, lines=[line]
    )
    IndexLogs(DynamoLogIndex("logs"), S3LogSegments("data"), a_run).index_batches(run.run_id, [batch])
    traced = api("GET", f"/v1/runs/{run.run_id}/provenance", query={"line": "0:0"}).json
    start = traced["nodes"][0]
    assert (start["kind"], start["treatment"], start["line"]["text"]) == ("line", "count", "c")
    same = [link for link in traced["links"] if link["basis"] == "same_text"]
    assert [(link["cause"], link["cause_part"]["line"]) for link in same] == [(f"value:{run.run_id}/keep.out", 2)]
    assert api("GET", f"/v1/runs/{run.run_id}/provenance", query={"line": "9:1"}).status == 404


def test_which_runs_used_a_value(api, run, other_organization):
    again = admitted(api, DOCUMENT, CONTENTS, rerun_of=run.run_id)
    digest = hashlib.sha256(CONTENTS["rows", "out"]).hexdigest()
    path = f"/v1/projects/default/values/{digest}/uses"
    first = api("GET", path, query={"limit": 1}).json
    second = api("GET", path, query={"limit": 1, "cursor": first["next"]}).json
    assert {first["items"][0]["run_id"], second["items"][0]["run_id"]} == {run.run_id, again.run_id}
    assert second["next"] is None
    use = first["items"][0]
    assert (use["treatment"], use["port"], use["consumers"], use["pipeline"]) == ("rows", "out", ["keep"], "sieve")
    assert api("GET", f"/v1/projects/default/values/{'0' * 64}/uses").json["items"] == []
    assert api("GET", "/v1/projects/default/values/nonsense/uses").status == 422
    assert api("GET", path, token=other_organization).json["items"] == []


def test_others_see_nothing_of_it(api, run, other_project, other_organization):
    elsewhere = api.token_for(["*"], project=other_project)
    for token in (other_organization, elsewhere):
        for path in ("trace", "provenance", "provenance/prov", "provenance/openlineage"):
            query = {"port": "keep.out"}
            assert api("GET", f"/v1/runs/{run.run_id}/{path}", query=query, token=token).status == 404
    assert api("GET", f"/v1/projects/default/values/{'0' * 64}/uses", token=elsewhere).status == 404
    assert api("GET", f"/v1/runs/{run.run_id}/provenance", token=api.token_for(["runs:read"])).status == 403


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"port": "keep.out", "treatment": "keep"}, "port"),
        ({"offset": 3}, "offset"),
        ({"port": "keep.out", "offset": 99}, "offset"),
        ({"port": "nonsense"}, "port"),
        ({"line": "x"}, "line"),
        ({"direction": "sideways"}, "direction"),
        ({"limit": 100_000}, "limit"),
        ({"cursor": "xx"}, "cursor"),
        ({"cache": "../x"}, "cache"),
    ],
)
def test_bad_questions_say_what_is_wrong(api, run, query, pointer):
    refused = api("GET", f"/v1/runs/{run.run_id}/provenance", query=query)
    assert (refused.status, refused.json["violations"][0]["pointer"]) == (422, pointer)


def test_a_run_knows_which_version_it_used_of_a_pipeline_that_it_named_without_one(api):
    library = "cadence: 1\nname: lib\ntreatments: {t: {run: x}}\ndefinitions: {greet: {run: echo %s}}\n"
    for words in ("one", "two"):
        assert api("PUT", "/v1/projects/default/pipelines/lib", {"document": library % words}).status == 201
    document = "cadence: 1\nname: user\ntreatments: {a: {use: {pipeline: lib, definition: greet}}}\n"
    run_id = api("POST", "/v1/projects/default/runs", {"document": document}).json["run_id"]
    assert api("PUT", "/v1/projects/default/pipelines/lib", {"document": library % "three"}).status == 201

    nodes = api("GET", f"/v1/runs/{run_id}/provenance").json["nodes"]

    (used,) = (node["pipeline"] for node in nodes if node["kind"] == "pipeline")
    assert (used["name"], used["version"]) == ("lib", 2)
    assert used["sha256"] == hashlib.sha256((library % "two").encode()).hexdigest()
