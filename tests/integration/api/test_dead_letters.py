"""What was set aside is listed, shown, tried again and discarded over the API; and who did so can be read
afterwards.
"""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.aws import redrive
from cadence.adapters.dynamodb.alerts.alert_outbox import DynamoOutbox
from cadence.adapters.dynamodb.exports.export_backlog import DynamoBacklog
from cadence.adapters.dynamodb.exports.export_store import DynamoExportStore
from cadence.adapters.dynamodb.logs.log_items import FreshItem
from cadence.adapters.dynamodb.logs.stray_records import DynamoStrayRecords
from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.dynamodb.values.old_runs import DynamoOldRuns
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.removal import S3Removal
from cadence.application.alerts.messages import test_message as message_of_test
from cadence.application.alerts.ports import WaitingMessage
from cadence.application.shared.identifiers import new_ulid
from cadence.application.values.remove_old_runs import RemoveOldRuns
from cadence.domain.alerts.reading import read_rule
from cadence.domain.dead_letters.dead_letter import StrayRecord
from cadence.domain.exports.export import ExportBatch
from cadence.domain.logs.log import Segment
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import RunState
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
    monkeypatch.setattr(redrive, "client", lambda service: asked)
    return asked


def segment(project: str = "default") -> Segment:
    content = gzip.compress(b'{"text": "one"}\n{"text": "two"}\n')
    aws_clients.client("s3").put_object(Bucket="data", Key="runs/01a/logs/0", Body=content)
    return Segment(
        organization="default",
        project=project,
        pipeline="build",
        run_id="01a",
        number=3,
        key="runs/01a/logs/0",
        first_time=TIME,
        last_time=TIME,
        lines=2,
        treatments=("t",),
        levels=("info",),
    )


def skip_segment(project: str = "default") -> None:
    catalogue = DynamoSplitCatalogue("logs")
    FreshItem.of(segment(project)).save()
    catalogue.skip_segment(segment(project), "Its object holds 2 lines, its manifest says 3.", NOW)


def put_stray_record(organization: str = "default", project: str = "*", number: str = "495") -> None:
    stray = StrayRecord(
        organization=organization,
        project=project,
        run_id="?",
        number=number,
        object_key=f"dead-letters/log-lines/{number}",
        size=3,
        at=NOW,
        cause="This is no record of log lines.",
    )
    DynamoStrayRecords("logs", "data").keep(stray, b"\xff\x00\x01")


def put_dead_message(api: Api) -> None:
    api("PUT", "/v1/alerts/channels/default/ops", {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}})
    rule = read_rule("default", "default", "refused", {"when": {"run": {}}, "channels": ["ops"]})
    key, outbox = ("default", "default", "ops"), DynamoOutbox("alerts")
    outbox.post(key, message_of_test(rule, "m1", NOW))
    (waiting,) = outbox.waiting(key, 10)
    outbox.put_dead_letter(key, WaitingMessage(waiting.position, waiting.message, 4))


def put_dead_letter(api: Api) -> None:
    api("PUT", "/v1/exports/loki", {"kind": "loki", "url": "http://127.0.0.1:9/push"})
    export = DynamoExportStore("access").get_export("default", "loki")
    parcel = ExportBatch(key="e1", since=NOW, event={"id": "segment/01a/3", "kind": "segment"})
    DynamoBacklog("telemetry").bury(export, [parcel], "HTTP 400: no", NOW)


def listed(api: Api, **how: Any) -> list[str]:
    answer = api("GET", "/v1/dead-letters", **how)
    assert answer.status == 200, answer.text
    return [one["id"] for one in answer.json["items"]]


def test_all_kinds_are_listed_and_shown_with_what_they_hold(api: Api) -> None:
    skip_segment()
    put_stray_record()
    put_dead_message(api)
    put_dead_letter(api)
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
    skip_segment()
    put_stray_record()
    for dead_letter_id in listed(api):
        assert api("POST", f"/v1/dead-letters/{dead_letter_id}/redrive").status == 202
    assert sorted(asked.events) == [
        ("log-indexer", {"redrive": {"organization": "default", "records": ["495"]}}),
        ("search-index", {"redrive": {"organization": "default", "project": "default", "segments": [["01a", 3]]}}),
    ]
    # They stay until that has been done.
    assert len(listed(api)) == 2


def test_letters_and_messages_wait_again(api: Api) -> None:
    put_dead_message(api)
    put_dead_letter(api)
    for dead_letter_id in listed(api):
        assert api("POST", f"/v1/dead-letters/{dead_letter_id}/redrive").status == 202
    assert listed(api) == []
    assert api("GET", "/v1/alerts/channels/default/ops").json["waiting"] == 1
    standing = api("GET", "/v1/exports/loki").json["standing"]
    assert (standing["pending"], standing["dead"]) == (1, 0)


def test_what_is_discarded_is_gone(api: Api) -> None:
    skip_segment()
    put_stray_record()
    put_dead_message(api)
    put_dead_letter(api)
    before = listed(api)
    for dead_letter_id in before:
        assert api("DELETE", f"/v1/dead-letters/{dead_letter_id}").status == 204
        assert api("DELETE", f"/v1/dead-letters/{dead_letter_id}").status == 404
    assert len(before) == 4 and listed(api) == []
    assert "Contents" not in aws_clients.client("s3").list_objects_v2(Bucket="data", Prefix="dead-letters/")


def test_others_see_and_touch_nothing_of_it(api: Api, other_project: str, other_organization: str) -> None:
    skip_segment()
    put_stray_record()
    put_stray_record(project="default", number="496")
    put_dead_letter(api)
    narrow = api.token_for(["dead-letters:read", "dead-letters:write"], project=other_project)
    own = api.token_for(["dead-letters:read", "dead-letters:write"], project="default")
    everything = listed(api)
    assert listed(api, token=narrow) == listed(api, token=other_organization) == []
    # What belongs to the organization is only for those who see all of it.
    assert len(listed(api, token=own)) == 2 and len(everything) == 4
    for dead_letter_id in everything:
        for token in (narrow, other_organization):
            assert api("GET", f"/v1/dead-letters/{dead_letter_id}", token=token).status == 404
            assert api("POST", f"/v1/dead-letters/{dead_letter_id}/redrive", token=token).status == 404
            assert api("DELETE", f"/v1/dead-letters/{dead_letter_id}", token=token).status == 404
    assert listed(api) == everything


def test_a_segment_that_cannot_be_read_keeps_no_search_from_its_neighbours(api: Api) -> None:
    DynamoSplitCatalogue("logs")
    FreshItem.of(segment()).save()
    aws_clients.client("s3").put_object(Bucket="data", Key="runs/01a/logs/0", Body=b"garbage")
    assert api("GET", "/v1/logs", query={"q": "one"}).json["lines"] == []


def test_what_has_to_be_answered_for_is_noted(api: Api, other_project: str, other_organization: str) -> None:
    put_stray_record()
    (dead_letter_id,) = listed(api)
    api("DELETE", f"/v1/dead-letters/{dead_letter_id}")
    api("PUT", f"/v1/projects/{other_project}/retention", {"days": 5})
    first = api("GET", "/v1/audit", query={"limit": 1}).json
    (newest,) = first["items"]
    assert (newest["action"], newest["project"], newest["target"]) == (
        "put_retention", "other", "/v1/projects/other/retention",
    )  # fmt: skip
    rest = api("GET", "/v1/audit", query={"limit": 10, "cursor": first["next"]}).json
    assert [one["action"] for one in rest["items"]] == ["discard_dead_letter"] and rest["next"] is None
    assert rest["items"][0]["target"].endswith(dead_letter_id)
    narrow = api.token_for(["audit:read"], project="other")
    assert {one["action"] for one in api("GET", "/v1/audit", token=narrow).json["items"]} == {
        "put_retention", "create_token",
    }  # fmt: skip
    assert api("GET", "/v1/audit", token=other_organization).json["items"] == []


def test_retention_is_what_the_project_says_and_never_more_than_the_installations(api: Api) -> None:
    path = "/v1/projects/default/retention"
    assert api("GET", path).json == {"days": 90, "own": None, "longest": 90, "holds": 0}
    assert api("PUT", path, {"days": 3}).json == {"days": 3, "own": 3, "longest": 90, "holds": 0}
    for wrong in (0, 91, -1, 10**12):
        refused = api("PUT", path, {"days": wrong})
        assert refused.status == 422 and refused.json["violations"][0]["pointer"] == "/days"
    assert api("GET", path).json["days"] == 3
    assert api("PUT", path, {"days": None}).json == {"days": 90, "own": None, "longest": 90, "holds": 0}
    assert api("GET", "/v1/projects/nowhere/retention").status == 404


def test_storage_is_what_the_project_allows_itself_and_never_more_than_the_installation(api: Api) -> None:
    path, most = "/v1/projects/default/storage", 1 << 40
    assert api("GET", path).json == {"used": 0, "limit": most, "own": None, "most": most}
    DynamoStorageLedger("runners", timedelta(days=90)).add("default", "default", f"{datetime.now(UTC):%Y-%m-%d}", 5)
    assert api("PUT", path, {"mebibytes": 3}).json == {"used": 5, "limit": 3 << 20, "own": 3 << 20, "most": most}
    for wrong in (0, (1 << 20) + 1, -1, 10**12):
        refused = api("PUT", path, {"mebibytes": wrong})
        assert refused.status == 422 and refused.json["violations"][0]["pointer"] == "/mebibytes"
    assert api("PUT", path, {"mebibytes": None}).json == {"used": 5, "limit": most, "own": None, "most": most}
    assert api("GET", "/v1/projects/nowhere/storage").status == 404


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
        runs.put_values(
            [
                Value(
                    run_id=run_id,
                    treatment="t",
                    port="out",
                    flow="block",
                    type="string",
                    sha256="0" * 64,
                    size=3,
                    chunks=1,
                    attempt=1,
                    preview=b"abc",
                )
            ]
        )
        s3.put_object(Bucket="data", Key=f"runs/{run_id}/logs/0", Body=b"x")
    assert api("PUT", "/v1/projects/default/retention", {"days": 3}).status == 200
    now = [NOW]
    ledger = DynamoStorageLedger("runners", timedelta(days=90))
    remove = RemoveOldRuns(
        DynamoOldRuns("logs", "runs"),
        S3Removal(Buckets("data")).remove_values,
        ledger,
        lambda: now[0],
        timedelta(days=90),
        holds=list,
    )

    def kept() -> set[str]:
        found = s3.list_objects_v2(Bucket="data", Prefix="runs/").get("Contents", ())
        return {one["Key"].split("/")[1] for one in found}

    s3.put_object(Bucket="data", Key=f"runs/{ended['old']}/values/t/1/out/000000000000", Body=b"abc")
    ledger.add("default", "default", f"{datetime.now(UTC):%Y-%m-%d}", 10)
    assert remove.remove(lambda: 600.0) == {"projects": 1, "runs": 1, "objects": 2}
    assert ledger.read("default", "default").used == 7
    assert kept() == set(ended.values()) - {ended["old"]}
    assert runs.get_value(ended["old"], "t", "out").preview == b""
    assert runs.get_value(ended["new"], "t", "out").preview == b"abc"
    assert remove.remove(lambda: 0.0) == {"projects": 0, "runs": 0, "objects": 0}
    runs.finish_run(runs.get_run(ended["running"]), RunState.SUCCEEDED, None, NOW)
    now[0] = NOW + timedelta(days=4)
    remove.remove(lambda: 600.0)
    assert kept() == {ended["elsewhere"]}
    assert [one.removed_through for one in DynamoOldRuns("logs", "runs").short_lived()] == [ended["new"]]
