"""Mélodium's API and what takes in uploads, as their handlers, on moto."""

import base64
import gzip
import importlib
import json
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.melodium.engine_items import DynamoReportedStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.lines.log_records import decode
from cadence.adapters.s3 import presigned
from cadence.application.access.authenticate import issue_token
from cadence.domain.access.access import Organization, Permission, Project
from tests.integration.runners.conftest import REGION, _keys
from tests.permissions import within_the_role_of

ORGANIZATION, PROJECT = "acme", "site"
ENGINE = frozenset({str(Permission.MELODIUM_REPORT), str(Permission.MELODIUM_DISPATCH)})


def start_body(run_id: str | None, group_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """What an engine says that was told to report."""
    return {
        "config": None, "id": run_id, "organization_id": None, "edition": None, "version": "0.10.2", "mode": "direct",
        "max_duration": None, "memory": None, "cpu": None, "storage": None, "arch": None, "volumes": [],
        "containers": [], "service_containers": [], "tags": ["entrypoint=main"],
        "group_id": group_id or str(uuid.uuid4()), "parent_id": None, "local_exec": True, **changes,
    }  # fmt: skip


@dataclass
class Engines:
    """An engine's side of the API; `token` is good for the whole project."""

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    reports: Callable[[dict[str, Any], Any], None]
    runs: DynamoRunStore
    reported: DynamoReportedStore
    access: DynamoAccessStore
    token: str
    group: str = field(default_factory=lambda: str(uuid.uuid4()))

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None, raw: str | None = None) -> Any:
        """Status, headers and body of an answer, as an HTTP API sends it on."""
        said = self.token if token is None else token
        event = {
            "version": "2.0",
            "headers": {"authorization": f"Bearer {said}", "host": "cadence.example"},
            "pathParameters": {"proxy": path},
            "requestContext": {"http": {"method": method, "sourceIp": "192.0.2.1"}},
            "body": raw if raw is not None else (json.dumps(body) if body is not None else None),
            "isBase64Encoded": False,
        }
        with within_the_role_of("melodium", pytest.MonkeyPatch()):
            answer = self.handler(event, None)
        return answer["statusCode"], answer["headers"], answer["body"]

    def say(self, path: str, body: Any, **more: Any) -> Any:
        """The JSON of a POST that has to be answered 200."""
        status, headers, text = self.ask("POST", path, body, **more)
        assert (status, headers["content-type"]) == (200, "application/json"), text
        return json.loads(text)

    def started(self, **changes: Any) -> str:
        answer = self.say("execution/run/start", start_body(str(uuid.uuid4()), self.group, **changes))
        return str(answer["ok"])

    def upload(self, run_id: str, name: str, content: bytes) -> None:
        """As an engine does, and the bucket tells of it."""
        key = f"uploads/{run_id}/{name}"
        client("s3").put_object(Bucket="data", Key=key, Body=content)
        self.told(key, len(content))

    def told(self, key: str, size: int = 0) -> None:
        """Raises what makes Lambda repeat it."""
        self.reports({"Records": [{"s3": {"object": {"key": key, "size": size}}}]}, None)

    def keys(self, prefix: str = "") -> Sequence[str]:
        found = client("s3").list_objects_v2(Bucket="data", Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", ())]

    def lines(self) -> Sequence[tuple[str, int, str, str, str]]:
        """Run, number, label, level and text of all that came to the log stream."""
        shard = client("kinesis").list_shards(StreamName="log-lines")["Shards"][0]["ShardId"]
        iterator = client("kinesis").get_shard_iterator(
            StreamName="log-lines", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = client("kinesis").get_records(ShardIterator=iterator)["Records"]
        batches = [decode(record["Data"]) for record in records]
        return [
            (batch.run_id, line.seq, batch.treatment, line.level, line.text)
            for batch in batches
            for line in batch.lines
        ]

    def everything_kept(self) -> bytes:
        """All that is stored, as far as it is not compressed by others than us."""
        kept = [json.dumps(client("dynamodb").scan(TableName="runs")["Items"], default=str).encode()]
        for key in self.keys():
            body = client("s3").get_object(Bucket="data", Key=key)["Body"].read()
            kept += [body, _unpacked(body)]
        return b"\n".join(kept)


def _unpacked(body: bytes) -> bytes:
    for unpack in (zlib.decompress, gzip.decompress, base64.b64decode):
        try:
            return unpack(body)
        except (zlib.error, OSError, ValueError):
            continue
    return b""


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engines]:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(name, REGION)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(aws_clients, "REGION", REGION)
    monkeypatch.setattr(presigned, "REGION", REGION)
    with mock_aws():
        for table in ("access", "runs", "runners"):
            client("dynamodb").create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **_keys(table))
        client("s3").create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
        client("kinesis").create_stream(StreamName="log-lines", ShardCount=1)
        monkeypatch.setattr("cadence.adapters.aws.lambda_log_stream.LambdaLogStream.needed", lambda self: None)
        for name, value in _settings().items():
            monkeypatch.setenv(f"CADENCE_{name}", value)
        monkeypatch.setenv("CADENCE_LOOPBACK_REGISTRIES", "resolved")
        monkeypatch.setenv("CADENCE_OUTBOUND_HOSTS", "*")
        access = DynamoAccessStore("access")
        now = datetime.now(UTC)
        access.add_organization(Organization(ORGANIZATION, now))
        access.add_project(Project(ORGANIZATION, PROJECT, now))
        token, text = issue_token(ORGANIZATION, PROJECT, "ci", ENGINE, "test", now)
        access.add_token(token)
        yield Engines(
            importlib.reload(importlib.import_module("melodium.handler")).handler,
            importlib.reload(importlib.import_module("melodium_reports.handler")).handler,
            DynamoRunStore("runs"),
            DynamoReportedStore("runs"),
            access,
            text,
        )


_MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:{}"


def _settings() -> Mapping[str, str]:
    queue = client("sqs").create_queue(QueueName="deadlines")["QueueUrl"]
    return {
        "ACCESS_TABLE": "access",
        "RUNS_TABLE": "runs",
        "DATA_BUCKET": "data",
        "DEADLINES_QUEUE_URL": queue,
        "LOG_STREAM_NAME": "log-lines",
        "LOG_STREAM_FUNCTION": "log-stream",
        "UPLOADS_KEY_ID": "AKIAUPLOADS",
        "UPLOADS_KEY_SECRET": "upload-key-secret",
        "RUNNERS_TABLE": "runners",
        "PROJECT_STORAGE_MEBIBYTES": "1024",
        "RETENTION_DAYS": "30",
        "LIVE_URL": "/v1/live/socket",
        "SECRETS_KEY": client("kms").create_key()["KeyMetadata"]["KeyId"],
        "RUN_MACHINE_ARN": _MACHINE.format("run"),
        "TREATMENT_MACHINE_ARN": _MACHINE.format("treatment"),
    }
