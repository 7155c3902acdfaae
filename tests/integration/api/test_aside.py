"""What was set aside is listed, shown, tried again and discarded over the API; and who did so can be read afterwards."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.adapters import asking_again
from cadence.adapters import aws as aws_clients
from cadence.adapters.buckets import Buckets
from cadence.adapters.dynamodb.alert_outbox import DynamoOutbox
from cadence.adapters.dynamodb.export_backlog import DynamoBacklog
from cadence.adapters.dynamodb.exports import DynamoExportStore
from cadence.adapters.dynamodb.logs import FreshItem
from cadence.adapters.dynamodb.old_runs import DynamoOldRuns
from cadence.adapters.dynamodb.splits import DynamoSplitCatalogue
from cadence.adapters.dynamodb.stray_records import DynamoStrayRecords
from cadence.adapters.s3_removal import S3Removal
from cadence.application.alerting.messages import test_message as message_of_test
from cadence.application.alerting.ports import Waiting
from cadence.application.identifiers import new_ulid
from cadence.application.retention import RemoveOldRuns
from cadence.domain.alerting.reading import read_rule
from cadence.domain.aside import StrayRecord
from cadence.domain.export import Parcel
from cadence.domain.log import Segment
from cadence.domain.run import RunState, Value
from tests.fakes.runs import a_run
from tests.integration.api.calling import Api

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIME = "2026-03-01T12:00:00.000Z"


class Asked:
    """What other Lambdas were asked to do."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def invoke(self, **arguments: Any) -> None:
        assert arguments["InvocationType"] == "Event"
        self.events.append((arguments["FunctionName"], json.loads(arguments["Payload"])))


@pytest.fixture
def asked(api: Api, monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(asking_again, "client", lambda service: asked)
    return asked


def segment(project: str = "default") -> Segment:
    content = gzip.compress(b'{"text": "one"}\n{"text": "two"}\n')
    aws_clients.client("s3").put_object(Bucket="data", Key="runs/01a/logs/0", Body=content)
    return Segment("default", project, "build", "01a", 3, "runs/01a/logs/0", TIME, TIME, 2, ("t",), ("info",))


def put_segment_aside(project: str = "default") -> None:
    catalogue = DynamoSplitCatalogue("logs")
    FreshItem.of(segment(project)).save()
    catalogue.set_aside(segment(project), "Its object holds 2 lines, its manifest says 3.", NOW)


def put_record_aside(organization: str = "default", project: str = "*", number: str = "495") -> None:
    stray = StrayRecord(
        organization, project, "?", number, f"aside/log-lines/{number}", 3, NOW, "This is no record of log lines."
    )
    DynamoStrayRecords("logs", "data").keep(stray, b"\xff\x00\x01")


def put_message_aside(api: Api) -> None:
    api("PUT", "/v1/alerts/channels/default/ops", {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}})
    rule = read_rule("default", "default", "refused", {"when": {"run": {}}, "channels": ["ops"]})
    key, outbox = ("default", "default", "ops"), DynamoOutbox("alerts")
    outbox.post(key, message_of_test(rule, "m1", NOW))
    (waiting,) = outbox.waiting(key, 10)
    outbox.set_aside(key, Waiting(waiting.position, waiting.message, 4))


def put_letter_aside(api: Api) -> None:
    api("PUT", "/v1/exports/loki", {"kind": "loki", "url": "http://127.0.0.1:9/push"})
    export = DynamoExportStore("access").get_export("default", "loki")
    parcel = Parcel("e1", NOW, event={"id": "segment/01a/3", "kind": "segment"})
    DynamoBacklog("telemetry").bury(export, [parcel], "HTTP 400: no", NOW)


def listed(api: Api, **how: Any) -> list[str]:
    answer = api("GET", "/v1/dead-letters", **how)
    assert answer.status == 200, answer.text
    return [one["id"] for one in answer.json["items"]]


def test_all_kinds_are_listed_and_shown_with_what_they_hold(api: Api) -> None:
    put_segment_aside()
    put_record_aside()
    put_message_aside(api)
    put_letter_aside(api)
    answer = api("GET", "/v1/dead-letters").json["items"]
    assert {one["kind"]: one["cause"] for one in answer} == {
        "segment": "Its object holds 2 lines, its manifest says 3.",
        "record": "This is no record of log lines.",
        "message": "The channel refused it again and again.",
        "export": "HTTP 400: no",
    }
    shown = {one["kind"]: api("GET", f"/v1/dead-letters/{one['id']}").json for one in answer}
    assert shown["segment"]["content"] == '{"text": "one"}\n{"text": "two"}\n'
    assert (shown["record"]["content"], shown["record"]["encoding"]) == ("/wAB", "base64")
    assert json.loads(shown["export"]["content"]) == {"id": "segment/01a/3", "kind": "segment"}
    assert json.loads(shown["message"]["content"])["message_id"] == "m1"
    assert api("GET", "/v1/alerts/channels/default/ops").json["dead_letters"] == 1
    assert listed(api, query={"kind": "record"}) == [shown["record"]["id"]]


def test_lambdas_are_asked_to_try_segments_and_records_again(api: Api, asked: Asked) -> None:
    put_segment_aside()
    put_record_aside()
    for aside_id in listed(api):
        assert api("POST", f"/v1/dead-letters/{aside_id}/redrive").status == 202
    assert sorted(asked.events) == [
        ("log-indexer", {"redrive": {"organization": "default", "records": ["495"]}}),
        ("search-index", {"redrive": {"organization": "default", "project": "default", "segments": [["01a", 3]]}}),
    ]
    # They stay until that has been done.
    assert len(listed(api)) == 2


def test_letters_and_messages_wait_again(api: Api) -> None:
    put_message_aside(api)
    put_letter_aside(api)
    for aside_id in listed(api):
        assert api("POST", f"/v1/dead-letters/{aside_id}/redrive").status == 202
    assert listed(api) == []
    assert api("GET", "/v1/alerts/channels/default/ops").json["waiting"] == 1
    standing = api("GET", "/v1/exports/loki").json["standing"]
    assert (standing["pending"], standing["dead"]) == (1, 0)


def test_what_is_discarded_is_gone(api: Api) -> None:
    put_segment_aside()
    put_record_aside()
    put_message_aside(api)
    put_letter_aside(api)
    before = listed(api)
    for aside_id in before:
        assert api("DELETE", f"/v1/dead-letters/{aside_id}").status == 204
        assert api("DELETE", f"/v1/dead-letters/{aside_id}").status == 404
    assert len(before) == 4 and listed(api) == []
    assert "Contents" not in aws_clients.client("s3").list_objects_v2(Bucket="data", Prefix="aside/")


def test_others_see_and_touch_nothing_of_it(api: Api, other_project: str, other_organization: str) -> None:
    put_segment_aside()
    put_record_aside()
    put_record_aside(project="default", number="496")
    put_letter_aside(api)
    narrow = api.token_for(["dead-letters:read", "dead-letters:write"], project=other_project)
    own = api.token_for(["dead-letters:read", "dead-letters:write"], project="default")
    everything = listed(api)
    assert listed(api, token=narrow) == listed(api, token=other_organization) == []
    # What belongs to the organization is only for those who see all of it.
    assert len(listed(api, token=own)) == 2 and len(everything) == 4
    for aside_id in everything:
        for token in (narrow, other_organization):
            assert api("GET", f"/v1/dead-letters/{aside_id}", token=token).status == 404
            assert api("POST", f"/v1/dead-letters/{aside_id}/redrive", token=token).status == 404
            assert api("DELETE", f"/v1/dead-letters/{aside_id}", token=token).status == 404
    assert listed(api) == everything


def test_a_segment_that_cannot_be_read_keeps_no_search_from_its_neighbours(api: Api) -> None:
    DynamoSplitCatalogue("logs")
    FreshItem.of(segment()).save()
    aws_clients.client("s3").put_object(Bucket="data", Key="runs/01a/logs/0", Body=b"garbage")
    assert api("GET", "/v1/logs", query={"q": "one"}).json["lines"] == []


def test_what_has_to_be_answered_for_is_noted(api: Api, other_project: str, other_organization: str) -> None:
    put_record_aside()
    (aside_id,) = listed(api)
    api("DELETE", f"/v1/dead-letters/{aside_id}")
    api("PUT", f"/v1/projects/{other_project}/retention", {"days": 5})
    first = api("GET", "/v1/audit", query={"limit": 1}).json
    (newest,) = first["items"]
    assert (newest["action"], newest["project"], newest["target"]) == (
        "put_retention", "other", "/v1/projects/other/retention",
    )  # fmt: skip
    rest = api("GET", "/v1/audit", query={"limit": 10, "cursor": first["next"]}).json
    assert [one["action"] for one in rest["items"]] == ["discard_dead_letter"] and rest["next"] is None
    assert rest["items"][0]["target"].endswith(aside_id)
    narrow = api.token_for(["audit:read"], project="other")
    assert {one["action"] for one in api("GET", "/v1/audit", token=narrow).json["items"]} == {"put_retention"}
    assert api("GET", "/v1/audit", token=other_organization).json["items"] == []


def test_retention_is_what_the_project_says_and_never_more_than_the_installations(api: Api) -> None:
    path = "/v1/projects/default/retention"
    assert api("GET", path).json == {"days": 90, "own": None, "longest": 90}
    assert api("PUT", path, {"days": 3}).json == {"days": 3, "own": 3, "longest": 90}
    for wrong in (0, 91, -1, 10**12):
        refused = api("PUT", path, {"days": wrong})
        assert refused.status == 422 and refused.json["violations"][0]["pointer"] == "/days"
    assert api("GET", path).json["days"] == 3
    assert api("PUT", path, {"days": None}).json == {"days": 90, "own": None, "longest": 90}
    assert api("GET", "/v1/projects/nowhere/retention").status == 404


def test_lines_and_values_of_old_runs_are_removed_and_nothing_else_is(api: Api, other_project: str) -> None:
    runs, s3 = api.services.runs, aws_clients.client("s3")
    ended: dict[str, str] = {}
    for name, project, age, state in (
        ("old", "default", 4, RunState.SUCCEEDED),
        ("new", "default", 2, RunState.SUCCEEDED),
        ("running", "default", 5, RunState.RUNNING),
        ("elsewhere", other_project, 40, RunState.SUCCEEDED),
    ):
        at = NOW - timedelta(days=age)
        run_id = ended[name] = new_ulid(at)
        runs.create_run(a_run(run_id, "default", project))
        if state.final:
            runs.finish_run(runs.get_run(run_id), state, None, at)
        runs.put_values([Value(run_id, "t", "out", "block", "string", "0" * 64, 3, 1, 1, b"abc")])
        s3.put_object(Bucket="data", Key=f"runs/{run_id}/logs/0", Body=b"x")
    assert api("PUT", "/v1/projects/default/retention", {"days": 3}).status == 200
    now = [NOW]
    remove = RemoveOldRuns(
        DynamoOldRuns("logs", "runs"), S3Removal(Buckets("data")), lambda: now[0], timedelta(days=90)
    )

    def kept() -> set[str]:
        found = s3.list_objects_v2(Bucket="data", Prefix="runs/").get("Contents", ())
        return {one["Key"].split("/")[1] for one in found}

    assert remove(lambda: 600.0) == {"projects": 1, "runs": 1, "objects": 1}
    assert kept() == set(ended.values()) - {ended["old"]}
    assert runs.get_value(ended["old"], "t", "out").preview == b""
    assert runs.get_value(ended["new"], "t", "out").preview == b"abc"
    assert remove(lambda: 0.0) == {"projects": 0, "runs": 0, "objects": 0}
    runs.finish_run(runs.get_run(ended["running"]), RunState.SUCCEEDED, None, NOW)
    now[0] = NOW + timedelta(days=4)
    remove(lambda: 600.0)
    assert kept() == {ended["elsewhere"]}
    assert [one.removed_through for one in DynamoOldRuns("logs", "runs").short_lived()] == [ended["new"]]
