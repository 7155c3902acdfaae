"""The gateway's real adapters on moto, with a run of two treatments joined by a stream: `make.wheel -> test.wheel`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.dynamodb.access.kms_secrets import KmsSecretStore
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runners.stream_store import DynamoStreamStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.adapters.s3 import presigned
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.presigned import S3DataUrls
from cadence.adapters.sqs.work_notification import SqsWorkNotification
from cadence.application.runners.input_streams import InputStreams
from cadence.application.runners.inputs import ReadInput
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.placement.pool import Pool
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_step import MachineStep
from cadence.domain.shared import ids
from cadence.providers.host.provider import HostProvider
from cadence.providers.lifecycle import Launch, ReleaseRunner, StartRunner
from tests.fakes.services import MemoryPools

REGION = "eu-west-1"
RUN_ID = "01jd0000000000000000000000"
TABLES = ("access", "runs", "runners", "logs")
# A bucket that pools may keep their values in.
ELSEWHERE = {"elsewhere": REGION}


@dataclass
class FakeClock:
    now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class FakeMachines:
    succeeded: list[tuple[str, Any]] = field(default_factory=list)
    failed: list[tuple[str, Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        raise AssertionError("no run is started here")

    def start_treatment(self, run_id: str, treatment: str, kind: TreatmentKind = TreatmentKind.COMMAND) -> None:
        self.started.append(treatment)

    def keep(self, runner_id: str, task_token: str, at: datetime) -> str:
        return task_token

    def fail_kept(self, runner_id: str, until: datetime, error: Any) -> None:
        raise AssertionError("no look is taken here")

    def succeed(self, task_token: str, output: Any) -> None:
        self.succeeded.append((task_token, output))

    def proceed(self, task_token: str, step: MachineStep) -> None:
        self.succeeded.append((task_token, step.as_json()))

    def fail(self, task_token: str, error: Any) -> None:
        self.failed.append((task_token, error))


@dataclass
class FakeDeadlines:
    runners: list[tuple[str, timedelta]] = field(default_factory=list)
    values: list[tuple[str, str | None]] = field(default_factory=list)

    def watch_run(self, run_id: str, after: timedelta, *, admitted: bool = False) -> None:
        raise AssertionError("no run is watched here")

    def watch_runner(self, runner_id: str, after: timedelta, task_token: str | None = None) -> None:
        self.runners.append((runner_id, after))

    def watch_concurrency_limit(self, scope: str, after: timedelta) -> None:
        raise AssertionError("no concurrency limit is watched here")

    def watch_approval(self, run_id: str, treatment: str, after: timedelta) -> None:
        raise AssertionError("no approval is watched here")

    def watch_values(self, run_id: str, treatment: str | None, after: timedelta) -> None:
        self.values.append((run_id, treatment))

    def watch_late_values(self, run_id: str, after: timedelta) -> None:
        raise AssertionError("no run ends here")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(aws_clients, "REGION", REGION)
    monkeypatch.setattr(presigned, "REGION", REGION)
    with mock_aws():
        dynamodb = aws_clients.client("dynamodb")
        for table in TABLES:
            dynamodb.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **_keys(table))
        for bucket in ("data", *ELSEWHERE):
            aws_clients.client("s3").create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        yield


def _keys(table: str) -> dict[str, Any]:
    names = ["pk", "sk", *(["scope", "run_id"] if table == "runs" else [])]
    keys: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    }
    if table == "runs":
        schema = [{"AttributeName": "scope", "KeyType": "HASH"}, {"AttributeName": "run_id", "KeyType": "RANGE"}]
        keys["GlobalSecondaryIndexes"] = [
            {"IndexName": "listing", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
        ]
    return keys


class World:
    """A run, the stores, and what a test does again and again."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.machines = FakeMachines()
        self.deadlines = FakeDeadlines()
        self.runs = DynamoRunStore("runs")
        self.runners = DynamoRunnerStore("runners")
        self.streams = DynamoStreamStore("runners")
        self.hosts = DynamoHostStore("runners")
        self.work_notification = SqsWorkNotification("work-notification-")
        self.log_index = DynamoLogIndex("logs")
        self.log_segments = S3LogSegments("data")
        self.urls = S3DataUrls(Buckets("data", ELSEWHERE), REGION)
        self.key = aws_clients.client("kms").create_key()["KeyMetadata"]["KeyId"]
        self.pools = MemoryPools([Pool(organization="default", name="local", provider="host")])
        self.retentions = DynamoValueRetentionStore("runs", "runners")
        self.secrets = KmsSecretStore("access", self.key)
        self.sources = InputStreams(treatments=self.runs, values=self.runs, streams=self.streams)
        self.read_input = ReadInput(self.runs.get_spec, self.streams, self.sources, self.urls)
        self.start = StartRunner(
            runs=self.runs,
            treatments=self.runs,
            runners=self.runners,
            machines=self.machines,
            deadlines=self.deadlines,
            providers=self.provider,
            clock=self.clock,
        )
        self.release = ReleaseRunner(runners=self.runners, providers=self.provider)
        self._admit()

    def provider(self, organization: str, pool: str) -> HostProvider:
        return HostProvider(
            organization=organization,
            pool=pool,
            runners=self.runners,
            hosts=self.hosts,
            work_notification=self.work_notification,
            clock=self.clock,
        )

    def launch(self, treatment: str = "make", attempt: int = 1, task_token: str = "launch-token") -> str:
        runner_id = ids.runner_id(RUN_ID, treatment, attempt)
        self.start.start(
            Launch(
                run_id=RUN_ID,
                treatment=treatment,
                runner_id=runner_id,
                attempt=attempt,
                pool="local",
                provider="host",
                function="provider-host",
                boot_deadline=120,
                task_token=task_token,
            )
        )
        return runner_id

    def move(self, treatment: str, state: TreatmentState, attempt: int | None = None) -> None:
        changes = {} if attempt is None else {"attempt": attempt}
        current = self.runs.get_treatment(RUN_ID, treatment)
        self.runs.advance(RUN_ID, treatment, current.attempt, set(TreatmentState), state, **changes)

    def items(self, table: str) -> str:
        return str(aws_clients.client("dynamodb").scan(TableName=table)["Items"])

    def _admit(self) -> None:
        self.runs.create_run(
            Run(
                run_id=RUN_ID,
                organization="default",
                project="default",
                pipeline="build",
                state=RunState.RUNNING,
                created_at=self.clock(),
                document_sha256="0" * 64,
                plan_sha256="0" * 64,
                parameters={"ref": "main"},
            )
        )
        make = TreatmentSpec(
            name="make",
            run="make",
            outputs=(
                OutputSpec(port="wheel", flow="stream", type="byte"),
                OutputSpec(port="lines", flow="stream", type="byte"),
            ),
            secrets={"TOKEN": "git-read"},
            registries={"ghcr.io": "git-read"},
        )
        test = TreatmentSpec(
            name="test",
            run="test",
            inputs=(InputSpec(port="wheel", flow="stream", type="byte", source_treatment="make", source_port="wheel"),),
        )
        treatments = [
            Treatment(run_id=RUN_ID, name=name, state=TreatmentState.BOOTING, waiting=0) for name in ("make", "test")
        ]
        self.runs.admit(RUN_ID, [make, test], treatments, [])


@pytest.fixture
def world(cloud: None) -> World:
    world = World()
    world.secrets.put("default", "default", "git-read", "s3cr3t-value", world.clock())
    return world
