"""Traces in W3C PROV-JSON, read by the reference implementation, and as OpenLineage events."""

import dataclasses
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from prov.model import ProvActivity, ProvDocument, ProvEntity

from cadence.domain.pipelines.specification import CacheSpec, TreatmentKind, TriggerSpec
from cadence.domain.provenance import openlineage, prov
from cadence.domain.provenance.graph import Direction
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.values.cache import CacheMaker, CacheUse
from tests.unit.provenance.setting import NOW, Past, spec


@pytest.fixture
def past() -> Past:
    return Past()


def everything(past: Past):
    """A trace over a started run, a cache, an instance, a filter and a treatment that failed later; and that run."""
    first = past.run(
        "01a",
        spec("rows", outputs=["out"]),
        spec("m:x", {"in": "rows.out"}, ["out"], group="m"),
        spec("m", outputs=["out"], kind=TreatmentKind.GATHER, instances=("m:x",)),
        spec("go", {"in": "m.out"}, kind=TreatmentKind.TRIGGER, trigger=TriggerSpec("deploy")),
        started_at=NOW, finished_at=NOW + timedelta(seconds=9),
    )  # fmt: skip
    past.sent(first, "rows", "out", b"a\nb\nc\n")
    past.sent(first, "m:x", "out", b"a\nc\n")
    past.sent(first, "m", "out", b"a\nc\n")
    run = past.run(
        "01b",
        spec("keep", outputs=["out"], caches=(CacheSpec("pip", ("x",)),), after=("before",)),
        spec("before"),
        spec("last", {"in": "keep.out"}, ["out"]),
        started_by_run="01a", started_by_treatment="go", pipeline="deploy", state=RunState.FAILED, started_at=NOW,
    )  # fmt: skip
    past.sent(run, "keep", "out", b"1\n2\n")
    past.sent(run, "last", "out", b"2\n")
    use = CacheUse(
        run_id="01b",
        treatment="keep",
        attempt=1,
        entry="entry1",
        key="pip",
        asked="pip",
        size=9,
        sha256="c" * 64,
        saved_at=NOW,
        at=NOW,
        maker=CacheMaker("01a", "rows", 1),
    )
    past.caches.restores[ids.runner_id("01b", "keep", 1)] = [use]
    treatment = past.runs.get_treatment("01b", "last")
    past.runs.treatments["01b", "last"] = dataclasses.replace(
        treatment, state=TreatmentState.FAILED, cause="exit code 3", exit_code=3
    )
    runner_id = ids.runner_id("01b", "keep", 1)
    past.runners.runners[runner_id] = Runner(
        runner_id=runner_id,
        run_id="01b",
        treatment="keep",
        attempt=1,
        organization="acme",
        project="site",
        pool="local",
        provider="host",
        state=RunnerState.COMPLETED,
        created_at=NOW,
        host_id="h1",
    )
    return run


def test_prov_json_is_read_as_what_it_says(past):
    run = everything(past)
    said = prov.document(past.back(run, "last.out", 0))
    read: Any = ProvDocument.deserialize(content=json.dumps(said), format="json")
    entities = {str(one.identifier) for one in read.get_records(ProvEntity)}
    activities = {str(one.identifier): one for one in read.get_records(ProvActivity)}
    assert entities == {
        "cadence:value/01b/last.out", "cadence:value/01b/keep.out", "cadence:cache/entry1", "cadence:value/01a/m.out",
        "cadence:value/01a/m:x.out", "cadence:value/01a/rows.out",
    }  # fmt: skip
    assert activities["cadence:treatment/01b/keep"].get_startTime() == NOW
    assert {"cadence:run/01b", "cadence:treatment/01a/go", "cadence:treatment/01b/before"} <= set(activities)
    assert len(read.get_records()) == sum(len(section) for name, section in said.items() if name != "prefix")
    derived = {(one["prov:generatedEntity"], one["prov:usedEntity"]) for one in said["wasDerivedFrom"].values()}
    assert ("cadence:value/01b/last.out", "cadence:value/01b/keep.out") in derived
    started = next(iter(said["wasStartedBy"].values()))
    assert (started["prov:activity"], started["prov:starter"]) == ("cadence:run/01b", "cadence:treatment/01a/go")
    (agent,) = (one for name, one in said["agent"].items() if "runner" in name)
    assert agent["cadence:host"] == "h1"


def test_prov_json_says_forward_what_was_derived(past):
    everything(past)
    run = past.runs.get_run("01b")
    said = prov.document(past.ahead(run, "keep.out", 2))
    derived = [(one["prov:generatedEntity"], one["prov:usedEntity"]) for one in said["wasDerivedFrom"].values()]
    assert derived == [("cadence:value/01b/last.out", "cadence:value/01b/keep.out")]
    ProvDocument.deserialize(content=json.dumps(said), format="json")


def test_a_traced_line_is_an_entity(past):
    run = everything(past)
    line = {
        "treatment": "last", "attempt": 1, "runner": "r", "seq": 4, "stream": "stdout", "level": "info", "text": "2\ud800",
        "time": NOW.isoformat(),
    }  # fmt: skip
    past.segments.lines = [[line]]
    said = prov.document(past.trace.line(run, 0, 0, Direction.BACKWARD, 100))
    assert said["entity"]["cadence:line/01b/0:0"]["cadence:text"] == "2?"
    ProvDocument.deserialize(content=json.dumps(said), format="json")


def test_openlineage_tells_of_each_treatment_as_a_run_of_a_job(past):
    run = everything(past)
    events = openlineage.events(past.back(run, "last.out"))
    times = [datetime.fromisoformat(event["eventTime"]) for event in events]
    assert times == sorted(times)
    for event in events:
        assert {"eventType", "eventTime", "producer", "schemaURL", "run", "job"} <= set(event)
        uuid.UUID(event["run"]["runId"])
    of_last = [event for event in events if event["job"]["name"] == "deploy.last"]
    assert [event["eventType"] for event in of_last] == ["START", "FAIL"]
    assert "errorMessage" not in of_last[0]["run"]["facets"]
    assert of_last[1]["run"]["facets"]["errorMessage"]["message"] == "exit code 3"
    assert of_last[0]["run"]["runId"] == of_last[1]["run"]["runId"]
    assert of_last[0]["run"]["facets"]["parent"]["run"]["runId"] == openlineage.run_uuid("01b")
    (given,), (sent,) = of_last[1]["inputs"], of_last[1]["outputs"]
    assert (given["namespace"], given["name"]) == ("cadence://acme/site", "deploy/keep.out")
    assert sent["name"] == "deploy/last.out" and sent["outputFacets"]["outputStatistics"]["size"] == 2
    of_keep = next(event for event in events if event["job"]["name"] == "deploy.keep")
    assert [one["name"] for one in of_keep["inputs"]] == ["caches/pip"]
    of_runs = [event["eventType"] for event in events if event["job"]["name"] == "build"]
    assert of_runs == [] or of_runs[0] == "START"
