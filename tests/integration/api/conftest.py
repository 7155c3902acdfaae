"""The api, webhooks and deliveries Lambdas over a mocked AWS, called with the events that an HTTP API sends."""

import copy
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from cadence.adapters.aws import alert_notifier, commit_report_requests, lambda_deletion_work, woken_lambda
from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.dynamodb.alerts import alert_listening
from cadence.application.access.seed import Seed
from cadence.domain.access.access import Organization, Project
from cadence.domain.placement.pool import Pool
from tests.integration.api.calling import Api
from tests.permissions import in_another_lambda

REGION = "eu-west-1"


@pytest.fixture(scope="package", autouse=True)
def own_clients() -> Iterator[None]:
    """Clients for this region, made once: making one takes longer than a test."""
    aws_clients.client.cache_clear()
    yield
    aws_clients.client.cache_clear()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(aws_clients, "REGION", REGION)
    with mock_aws():
        yield


_EMPTY: dict[tuple[str, bool], Table] = {}
"""Tables as they are made, by their name and whether they are for a listing: copying one is quicker."""


def make_table(name: str, *, listing: bool = False) -> str:
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    if (name, listing) not in _EMPTY:
        _create_table(name, listing=listing)
        _EMPTY[name, listing] = copy.deepcopy(tables[name])
    tables[name] = copy.deepcopy(_EMPTY[name, listing])
    return name


def _create_table(name: str, *, listing: bool) -> None:
    attributes = ["pk", "sk", *(["scope", "run_id"] if listing else [])]
    extra: dict[str, Any] = {}
    if listing:
        extra["GlobalSecondaryIndexes"] = [
            {
                "IndexName": "listing",
                "KeySchema": [
                    {"AttributeName": "scope", "KeyType": "HASH"},
                    {"AttributeName": "run_id", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ]
    aws_clients.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        **extra,
    )


@pytest.fixture
def access_table(aws: None) -> str:
    return make_table("access")


@pytest.fixture
def settings(access_table: str, lambdas: "NoLambdas", monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in ("pipelines", "runners", "logs", "telemetry", "alerts", "repositories"):
        make_table(name)
    make_table("runs", listing=True)
    aws_clients.client("s3").create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
    key = aws_clients.client("kms").create_key()["KeyMetadata"]["KeyId"]
    machines = {
        kind: aws_clients.client("stepfunctions").create_state_machine(
            name=kind,
            definition=json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )["stateMachineArn"]
        for kind in ("run", "treatment")
    }
    queues = {
        name: aws_clients.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        for name in ("deadlines", "deliveries", "alerting", "exporting")
    }
    aws_clients.client("scheduler").create_schedule_group(Name="pipelines")
    values = {
        "access_table": "access",
        "pipelines_table": "pipelines",
        "runs_table": "runs",
        "runners_table": "runners",
        "logs_table": "logs",
        "data_bucket": "data",
        "value_buckets": "elsewhere=eu-west-1",
        "live_url": "/v1/live/socket",
        "secrets_key": key,
        "run_machine_arn": machines["run"],
        "treatment_machine_arn": machines["treatment"],
        "deadlines_queue_url": queues["deadlines"],
        "git_hosts": "*",
        "retention_days": "90",
        "project_storage_mebibytes": "1048576",
        "search_endpoint": "",
        "search_region": "",
        "search_secret": "",
        "search_prefix": "lines",
        "telemetry_table": "telemetry",
        "exporting_queue_url": queues["exporting"],
        "outbound_hosts": "*",
        "directory_hosts": "*",
        "secrets_manager_prefix": "cadence/",
        "parameter_store_prefix": "/cadence/",
        "watched_queues": ",".join(queues.values()),
        "queue_prefix": "",
        "deliveries_queue_url": queues["deliveries"],
        "alerts_table": "alerts",
        "alerting_queue_url": queues["alerting"],
        "alerting_queue_arn": f"arn:aws:sqs:{REGION}:123456789012:alerting",
        "alerts_function": "alerts",
        "repositories_table": "repositories",
        "commit_reports_function": "commit-reports",
        "test_reports_function": "test-reports",
        "provider_function_prefix": "provider-",
        "alert_deliveries_function": "alert-deliveries",
        "log_indexer_function": "log-indexer",
        "search_index_function": "search-index",
        "alert_topic_prefix": f"arn:aws:sns:{REGION}:123456789012:alerts-",
        "deliveries_queue_arn": f"arn:aws:sqs:{REGION}:123456789012:deliveries",
        "failed_deliveries_queue_arn": f"arn:aws:sqs:{REGION}:123456789012:deliveries-failed",
        "schedules_group": "pipelines",
        "schedules_role_arn": "arn:aws:iam::123456789012:role/schedules",
        "delete_projects_function": "delete-projects",
        "retention_function": "retention",
        "deletion_delay_seconds": "0",
    }

    def without_lambdas(service: str) -> Any:
        return lambdas if service == "lambda" else aws_clients.client(service)

    # Moto would start a container for each invocation.
    monkeypatch.setattr(alert_notifier, "client", without_lambdas)
    monkeypatch.setattr(alert_listening, "client", without_lambdas)
    monkeypatch.setattr(commit_report_requests, "client", without_lambdas)
    monkeypatch.setattr(woken_lambda, "client", without_lambdas)
    monkeypatch.setattr(lambda_deletion_work, "client_within", lambda service, seconds: lambdas)
    for name, value in values.items():
        monkeypatch.setenv(f"CADENCE_{name.upper()}", value)
    return values


class NoLambdas:
    """Lambda without any code: `mappings` are the event source mappings that there are."""

    class exceptions:  # noqa: N801 - as botocore names it
        class ResourceConflictException(Exception):
            pass

    def __init__(self) -> None:
        self.mappings: list[dict[str, Any]] = []
        self.invoked: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}

    def invoke(self, **arguments: Any) -> Any:
        """Taken, and never carried out; a Lambda in `answers` is called if its answer is awaited."""
        self.invoked.append(arguments)
        handler = self.answers.get(arguments["FunctionName"])
        if handler is None or arguments["InvocationType"] == "Event":
            return None
        with in_another_lambda():
            answer = handler(json.loads(arguments["Payload"]))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def list_event_source_mappings(self, **arguments: Any) -> dict[str, Any]:
        return {"EventSourceMappings": self.mappings}

    def create_event_source_mapping(self, **arguments: Any) -> None:
        self.mappings.append({**arguments, "UUID": f"mapping-{len(self.mappings)}", "State": "Enabled"})

    def delete_event_source_mapping(self, UUID: str) -> None:  # noqa: N803 - as botocore names it
        self.mappings = [one for one in self.mappings if one["UUID"] != UUID]


@pytest.fixture
def lambdas() -> NoLambdas:
    return NoLambdas()


@pytest.fixture
def api(settings: dict[str, str]) -> Api:
    from api.application import build
    from api.routes import ENDPOINTS
    from cadence.composition.api import services

    its = services()
    admin_token = _seed(its)
    faults: list[BaseException] = []
    handler = build(ENDPOINTS, its, its.authenticate, lambda error, body: faults.append(error))
    return Api(_failing_on(faults, handler), its, admin_token)


_SEEDED: list[tuple[Table, str]] = []
"""The table `access` as seeded, and the administrator's token: copying it is quicker than to seed."""


def _seed(its: Any) -> str:
    """Creates what a new installation starts with; returns the administrator's token."""
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    if not _SEEDED:
        pool = Pool(organization="default", name="local", provider="host")
        seeded = Seed(its.access, its.access, its.clock).seed(pool)
        assert seeded.admin_token is not None
        _SEEDED.append((copy.deepcopy(tables["access"]), seeded.admin_token))
    table, admin_token = _SEEDED[0]
    tables["access"] = copy.deepcopy(table)
    return admin_token


@pytest.fixture
def other_project(api: Api) -> str:
    api.services.access.add_project(Project("default", "other", api.services.clock()))
    return "other"


@pytest.fixture
def other_organization(api: Api) -> str:
    """A token of another organization that also has a project `default`."""
    from cadence.application.access.authenticate import issue_token

    access, now = api.services.access, api.services.clock()
    access.add_organization(Organization("rival", now))
    access.add_project(Project("rival", "default", now))
    token, text = issue_token("rival", "*", "rival", frozenset({"*"}), "test", now)
    access.add_token(token)
    return text


def _failing_on(faults: list[BaseException], handler: Any) -> Any:
    def call(golden: dict[str, Any], context: Any) -> dict[str, Any]:
        response: dict[str, Any] = handler(golden, context)
        if faults:
            raise faults.pop()
        return response

    return call
