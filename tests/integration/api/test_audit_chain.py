"""From an entry in the table to its chained record in the API, the locked bucket, an export, and `audit verify`."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.dynamodb.access.audit import AuditItem
from cadence.adapters.dynamodb.access.audit_chain import DynamoAuditChain, read_new_entries
from cadence.adapters.s3.audit_archive import NoAuditArchive, S3AuditArchive
from cadence.application.access.ports import AuditArchive
from cadence.application.access.seal_audit import SealAudit
from cadence.cli.main import app
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.audit_chain import ChainHead, ChainRecord, IdentifiedEntry, extend, verify_chain
from cadence.domain.exports.event import NO_SUBSCRIPTIONS, Audience, Event, EventKind, Subscriptions
from cadence.domain.shared.errors import Conflict, Transient
from cadence.domain.shared.schemas import schemas_folder
from tests.integration.api.calling import Api
from tests.integration.api.conftest import REGION
from tests.integration.api.test_cli import server as served_api
from tests.permissions import within_the_role_of

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
server = served_api


def entry(number: int, organization: str = "default", project: str = "default") -> IdentifiedEntry:
    made = AuditEntry(
        organization=organization, project=project, at=NOW + timedelta(seconds=number), kind=AuditKind.CHANGE,
        actor="member:1", token_id="t1", token_name="Ada", action="put_secret", target=f"/v1/x/{number}",
        source="192.0.2.1",
    )  # fmt: skip
    return IdentifiedEntry(f"e{number:04}", made)


@dataclass
class Told:
    """Implements the events and the subscriptions that sealing uses."""

    kinds: frozenset[EventKind] = frozenset()
    events: list[Event] = field(default_factory=list)
    fails: bool = False

    def get_subscriptions(self, organization: str) -> Subscriptions:
        return {**NO_SUBSCRIPTIONS, Audience.EXPORTING: self.kinds}

    def tell(self, audience: Audience, events: Sequence[Event]) -> None:
        assert audience is Audience.EXPORTING
        if self.fails:
            raise Transient("the queue is busy")
        self.events += events


def sealing(told: Told, archive: AuditArchive | None = None) -> SealAudit:
    return SealAudit(
        chain=DynamoAuditChain("access"), archive=archive or NoAuditArchive(), subscriptions=told, events=told
    )


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with within_the_role_of("seal_audit", monkeypatch):
        yield


def chained(organization: str = "default") -> Sequence[ChainRecord]:
    return DynamoAuditChain("access").records(organization, 0, 1_000)


@pytest.mark.usefixtures("access_table", "role")
class TestSealing:
    def test_batches_make_one_chain_for_each_organization(self) -> None:
        seal = sealing(Told()).seal
        assert seal([entry(1), entry(1, "umbrella"), entry(2)]) == 3
        assert seal([entry(3)]) == 1

        assert [record["id"] for record in chained()] == ["e0001", "e0002", "e0003"]
        assert [record["sequence"] for record in chained("umbrella")] == [1]
        assert verify_chain(chained(), [DynamoAuditChain("access").head("default")]).intact

    def test_a_batch_that_comes_again_is_sealed_once_and_told_again(self) -> None:
        told = Told(frozenset({EventKind.AUDIT}), fails=True)
        with pytest.raises(Transient):
            sealing(told).seal([entry(1), entry(2)])
        told.fails = False
        # As Lambda does after an error: the batch in parts, then together with what came after it.
        assert sealing(told).seal([entry(1)]) == 0
        assert sealing(told).seal([entry(1), entry(2), entry(3), entry(3)]) == 1

        assert [record["id"] for record in chained()] == ["e0001", "e0002", "e0003"]
        assert {event["id"] for event in told.events} == {f"audit:default:{number}" for number in (1, 2, 3)}
        assert verify_chain(chained()).intact

    def test_of_two_who_write_at_the_same_time_one_has_to_read_again(self) -> None:
        chain = DynamoAuditChain("access")
        before = chain.head("default")
        sealing(Told()).seal([entry(1)])
        records, _ = extend(before, [entry(2)])
        with pytest.raises(Conflict):
            chain.append("default", before, records)
        sealing(Told()).seal([entry(2)])
        # Nor is it enough to know the number.
        records, _ = extend(ChainHead(2, "0" * 64), [entry(3)])
        with pytest.raises(Conflict):
            chain.append("default", ChainHead(2, "0" * 64), records)
        assert verify_chain(chained(), [chain.head("default")]).intact

    def test_events_keep_to_their_schema(self) -> None:
        told = Told(frozenset({EventKind.AUDIT}))
        sealing(told).seal([entry(1)])
        schema = json.loads(Path(schemas_folder(), "events", "1.json").read_text())
        (event,) = told.events
        jsonschema.validate(event, schema, format_checker=jsonschema.FormatChecker())
        assert event["record"] == chained()[0]

    def test_nobody_is_told_who_has_not_asked(self) -> None:
        told = Told()
        sealing(told).seal([entry(1)])
        assert told.events == []

    def test_the_locked_bucket_gets_an_object_for_each_seal(self) -> None:
        s3 = aws_clients.client("s3")
        s3.create_bucket(
            Bucket="locked",
            CreateBucketConfiguration={"LocationConstraint": REGION},
            ObjectLockEnabledForBucket=True,
        )
        seal = sealing(Told(), S3AuditArchive(s3, "locked")).seal
        seal([entry(1), entry(2)])
        seal([entry(3)])

        objects = s3.list_objects_v2(Bucket="locked")["Contents"]
        assert [one["Key"] for one in objects] == [
            "default/0000000000000001-0000000000000002.jsonl.gz",
            "default/0000000000000003-0000000000000003.jsonl.gz",
        ]
        bodies = [s3.get_object(Bucket="locked", Key=one["Key"])["Body"].read() for one in objects]
        lines = [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]
        assert lines == list(chained())

    def test_the_stream_s_records_are_read_and_others_left_out(self) -> None:
        item = AuditItem.of(entry(1).entry)
        image = item.serialize()
        keys = {name: image[name] for name in ("pk", "sk")}
        other = {**image, "pk": {"S": "AUDITED#x"}}
        records = [
            {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": image}},
            {"eventName": "MODIFY", "dynamodb": {"Keys": keys, "NewImage": image}},
            {"eventName": "REMOVE", "dynamodb": {"Keys": keys, "OldImage": image}},
            {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": other}},
        ]
        assert read_new_entries(records) == [IdentifiedEntry(item.sk, entry(1).entry)]


def cadence(server: str, token: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("CADENCE_URL", server)
    monkeypatch.setenv("CADENCE_TOKEN", token)
    return CliRunner().invoke(app, ["audit", *arguments])


def stored_entries() -> list[IdentifiedEntry]:
    items: list[dict[str, Any]] = aws_clients.client("dynamodb").scan(TableName="access")["Items"]
    found = [AuditItem.from_raw_data(item) for item in items if item["pk"]["S"].startswith(AuditItem.PREFIX)]
    return [IdentifiedEntry(item.sk, item.entry()) for item in sorted(found, key=lambda item: str(item.sk))]


def test_the_api_hands_the_chain_out_in_pages(api: Api) -> None:
    for number in range(3):
        api("PUT", f"/v1/projects/default/secrets/s{number}", {"value": "v"})
    sealing(Told()).seal(stored_entries())

    first = api("GET", "/v1/audit/chain", query={"limit": 2}).json
    second = api("GET", "/v1/audit/chain", query={"limit": 2, "after": first["next"]}).json
    assert (first["next"], second["next"]) == ("2", None)
    assert first["head"] == second["head"] == {"sequence": 3, "digest": second["items"][-1]["digest"]}
    assert [one["action"] for one in first["items"] + second["items"]] == ["put_secret"] * 3
    assert verify_chain(first["items"] + second["items"]).intact
    assert api("GET", "/v1/audit/chain", query={"after": 3}).json["items"] == []


def test_the_chain_is_for_those_who_may_read_the_whole_log(api: Api, other_organization: Api | Any) -> None:
    of_one_project = api.token_for(["audit:read"], "default")
    assert api("GET", "/v1/audit/chain", token=of_one_project).status == 403
    assert api("GET", "/v1/audit/chain", token=api.token_for(["runs:read"])).status == 403
    assert api("GET", "/v1/audit/chain", token=api.token_for(["audit:read"])).status == 200


def test_no_chain_is_an_empty_page(api: Api) -> None:
    page = api("GET", "/v1/audit/chain").json
    assert page == {"items": [], "next": None, "head": {"sequence": 0, "digest": "0" * 64}}


def test_an_entry_is_found_by_what_it_is_about(api: Api) -> None:
    for name in ("key", "keys", "other"):
        api("PUT", f"/v1/projects/default/secrets/{name}", {"value": "v"})
    found = api("GET", "/v1/audit", query={"target": "/v1/projects/default/secrets/key"}).json["items"]
    assert [one["target"].rpartition("/")[2] for one in found] == ["keys", "key"]


def test_the_log_is_verified_on_the_client(
    api: Api, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(3):
        api("PUT", f"/v1/projects/default/secrets/s{number}", {"value": "v"})
    sealing(Told()).seal(stored_entries())

    verified = cadence(server, api.token, monkeypatch, "verify")
    assert verified.exit_code == 0, verified.output
    assert "3 records, 1 to 3: intact." in verified.output
    known = verified.output.splitlines()[-1]
    assert cadence(server, api.token, monkeypatch, "verify", "--known", known).exit_code == 0

    file = tmp_path / "audit.jsonl"
    assert cadence(server, api.token, monkeypatch, "export", "-o", str(file)).exit_code == 0
    assert cadence(server, "", monkeypatch, "verify", str(file), "--known", known).exit_code == 0
    lines = file.read_text().splitlines(keepends=True)
    for damaged, words in (
        ([lines[0], lines[2]], "Missing before record 3: 2."),
        ([lines[0], lines[1].replace("/s1", "/s7"), lines[2]], "Record 2 was changed"),
        ([lines[1], lines[0], lines[2]], "Record 1 comes after record 2."),
        (lines[:2], "The known record 3 is missing."),
    ):
        file.write_text("".join(damaged))
        found = cadence(server, "", monkeypatch, "verify", str(file), "--known", known)
        assert found.exit_code == 1
        assert words in found.output

    # Somebody who can write the table makes the chain anew, but not the head that was kept.
    DynamoAuditChain("access")
    table = aws_clients.client("dynamodb")
    for item in table.scan(TableName="access")["Items"]:
        if item["pk"]["S"].startswith("AUDITCHAIN#"):
            table.delete_item(TableName="access", Key={name: item[name] for name in ("pk", "sk")})
    sealing(Told()).seal(stored_entries()[:1])
    assert cadence(server, api.token, monkeypatch, "verify").exit_code == 0
    assert cadence(server, api.token, monkeypatch, "verify", "--known", known).exit_code == 1


@pytest.mark.parametrize("arguments", [["--known", "3"], ["missing.jsonl"]], ids=["known", "file"])
def test_wrong_use_is_named(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cadence("http://127.0.0.1:9", "t", monkeypatch, "verify", *arguments).exit_code == 2


def test_an_export_of_the_audit_log_needs_the_permission_to_read_it(api: Api) -> None:
    body = {"kind": "cloudevents", "url": "http://127.0.0.1:9/events"}
    without = api.token_for(["exports:write"])
    assert api("PUT", "/v1/exports/siem", body, token=without).status == 403
    answer = api("PUT", "/v1/exports/siem", body)
    assert answer.status == 201, answer.text
    assert answer.json["signals"] == ["audit"]
    kinds = DynamoSubscriptions().of("default")
    assert EventKind.AUDIT in kinds
    refused = api("POST", "/v1/exports/siem/backfills", {"since": "2026-03-01T00:00:00Z"})
    assert refused.status == 422
    labelled = api("PUT", "/v1/exports/siem", {**body, "labels": {"a": "b"}})
    assert [one["pointer"] for one in labelled.json["violations"]] == ["/labels"]
    api("DELETE", "/v1/exports/siem")
    assert EventKind.AUDIT not in DynamoSubscriptions().of("default")


class DynamoSubscriptions:
    def of(self, organization: str) -> frozenset[EventKind]:
        from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore

        return DynamoSubscriptionStore("access").get_subscriptions(organization)[Audience.EXPORTING]
