"""What must hold for every deployment, read from the synthesized templates."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cadence.composition.shared.settings import variable
from cadence.domain.scheduling.machine_step import DECIDED, PLACED
from cadence.domain.shared import errors
from infra.lambdas import LAMBDAS
from infra.lambdas.providers import CALLING_HOME
from infra.packaging import REPOSITORY
from tests.infrastructure.assembly import Assembly

pytestmark = pytest.mark.slow

DEFINITIONS = REPOSITORY / "functions" / "state_machines"

# Set by the infrastructure for a library, and read by no settings class.
_OF_LIBRARIES = {"POWERTOOLS_SERVICE_NAME"}

# Names that Step Functions and Lambda themselves give to errors.
_SERVICE_ERRORS = {
    "States.ALL",
    "States.Timeout",
    "States.TaskFailed",
    "States.HeartbeatTimeout",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
}

# The property in which a resource's own name is.
_NAMED_BY = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}

# A wildcard may stand at the end of these only; each says why in `infra/findings.py` or beside its statement.
# AWS gives the WebSocket API its id, and each connection to it.
_CONNECTIONS = ":*/live/POST/@connections/*"
# What is masked of an engine of any run is handed on to its workers.
_MASKS = "/runs/*/melodium/secrets"
# Results of tests lie beside the other things of any run.
_TESTS = "/runs/*/tests/*"
_ALLOWED_WILDCARD_ENDS = (
    _TESTS,
    _CONNECTIONS,
    "/documents/*",
    "/deliveries/*",
    "/caches/*",
    "/probe/*",
    "/runs/*",
    "/sources/*",
    "/dead-letters/*",
    "/splits/*",
    "/uploads/*",
    "/stream/*",
    # Secrets of projects that are kept elsewhere, below the prefixes of the local stack.
    ":secret:cadence/*",
    ":parameter/cadence/*",
    "-work-notification-*",
    "-alerts-*",
    ":function:cadence-main-provider-*",
    ":schedule/cadence-main-pipelines/*",
    ":schedule/default/*",  # on the local stack only
    ":stack/cadence-main-log-stream/*",
    ":event-source-mapping:*",
    ":role/cadence-runner-*",  # which role a pool of this account gives to its runners is in its settings
)
# A pool is in whatever region its settings say: what its provider makes and ends there. Conditions hold it to its
# marks.
_IN_ANY_REGION = re.compile(
    r":(ec2|ecs|logs|ssm):\*:.*:(image/|instance/|launch-template/|network-interface/|security-group/|subnet/|volume/"
    r"|task/|task-definition/cadence-|log-group:|parameter/aws/service/|parameter/cadence/)\*$"
)
# Actions that know no resource, or that only look where a pool's settings say.
_ACTIONS_WITHOUT_RESOURCE = {
    "ec2:CreateFleet",
    "ec2:CreateLaunchTemplate",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ecr:DescribeImages",
    "ecs:DescribeClusters",
    "ecs:DescribeTasks",
    "ecs:ListClusters",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "servicequotas:GetServiceQuota",
    "lambda:CreateEventSourceMapping",
    "lambda:ListEventSourceMappings",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}

# MiniStack does not know whose token it is, so that on one machine these are allowed on everything.
_TOKEN_ACTIONS = {"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"}

# Everything in the templates; a type that is not here might be billed by the hour.
_FREE_WHILE_IDLE = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::DynamoDB::GlobalTable",
    "AWS::Events::Rule",
    "AWS::IAM::AccessKey",
    "AWS::IAM::Group",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::IAM::User",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::StepFunctions::StateMachine",
}
_BILLED_BY_THE_MONTH = {"AWS::KMS::Key": 1, "AWS::CloudWatch::Alarm": 9, "AWS::Kinesis::Stream": 1}


def test_each_lambda_gets_exactly_the_settings_it_reads(assembly: Assembly) -> None:
    given = {
        folder: set(properties["Environment"]["Variables"]) - _OF_LIBRARIES
        for folder, properties in assembly.functions().items()
    }
    read = {
        folder: {variable(field.name) for field in dataclasses.fields(row.settings)} for folder, row in LAMBDAS.items()
    }
    assert given == read


def test_tables_are_on_demand_restorable_and_expire_items(assembly: Assembly) -> None:
    tables = assembly.of_type("AWS::DynamoDB::GlobalTable")
    assert len(tables) == 8
    for properties in tables.values():
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        for replica in properties["Replicas"]:
            assert replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]


def test_what_users_stored_survives_the_stack_in_aws_only(aws: Assembly, local: Assembly) -> None:
    kept = {"AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::KMS::Key"}
    for made, policy in ((aws, "Retain"), (local, "Delete")):
        found = {(r["Type"], r["DeletionPolicy"]) for _, r in made.all() if r["Type"] in kept}
        assert found == {(kind, policy) for kind in kept}
    tables = aws.of_type("AWS::DynamoDB::GlobalTable").values()
    assert all(replica["DeletionProtectionEnabled"] for table in tables for replica in table["Replicas"])


def test_the_bucket_is_private_encrypted_and_forgets_old_runs(aws: Assembly) -> None:
    (bucket,) = aws.of_type("AWS::S3::Bucket").values()
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["old-runs"]["Prefix"] == "runs/"
    assert rules["old-runs"]["ExpirationInDays"] == 90
    assert rules["abandoned-uploads"]["AbortIncompleteMultipartUpload"]


def test_every_log_group_has_a_retention_and_every_lambda_a_log_group(assembly: Assembly) -> None:
    groups = assembly.of_type("AWS::Logs::LogGroup")
    assert all(properties["RetentionInDays"] <= 14 for properties in groups.values())
    for properties in assembly.functions().values():
        assert properties["LoggingConfig"]["LogGroup"]["Ref"] in groups
        assert properties["LoggingConfig"]["LogFormat"] == "JSON"


def test_no_permission_is_wider_than_the_list_above(assembly: Assembly, aws: Assembly) -> None:
    without_resource = _ACTIONS_WITHOUT_RESOURCE if assembly is aws else _ACTIONS_WITHOUT_RESOURCE | _TOKEN_ACTIONS
    too_wide = [
        (role, action, resource)
        for role, statement in _statements(assembly)
        for action in _listed(statement["Action"])
        for resource in map(_flat, _listed(statement["Resource"]))
        if not _IN_ANY_REGION.search(resource)
        if "*" in action.replace("kms:GenerateDataKey*", "")
        or (resource == "*" and action not in without_resource)
        or ("*" in resource.removesuffix("*") and not resource.endswith((_CONNECTIONS, _MASKS, _TESTS)))
        or (resource.endswith("*") and resource != "*" and not _is_allowed(resource))
    ]
    assert too_wide == []


def test_a_provider_uses_the_key_for_what_is_its_own_and_for_nothing_else(aws: Assembly) -> None:
    conditions = {
        role: statement.get("Condition")
        for role, statement in _statements(aws)
        for action in _listed(statement["Action"])
        if action in ("kms:Decrypt", "kms:Encrypt")
    }
    roles = {folder: properties["Role"]["Fn::GetAtt"][0] for folder, properties in aws.functions().items()}
    for name, row in CALLING_HOME.items():
        bound = {"StringEquals": {"kms:EncryptionContext:provider": name}}
        assert conditions[roles[row.folder]] == bound


def test_a_lambda_whose_transactions_check_an_item_may_do_so(assembly: Assembly) -> None:
    """Without the action, DynamoDB refuses the whole transaction: the host's every further lease failed in this way."""
    checking = [
        path.relative_to(REPOSITORY / "functions").as_posix()
        for path in sorted((REPOSITORY / "functions/cadence").rglob("*.py"))
        if ".condition_check(" in path.read_text()
    ]
    # Another transaction with a check belongs here, with the Lambdas that make it and the table of the item.
    assert checking == ["cadence/adapters/dynamodb/runners/host_store.py", "cadence/adapters/dynamodb/runs/groups.py"]
    checked = {"runner_gateway": "runners", "act": "runs", "wake_group": "runs"}
    for folder, properties in assembly.functions().items():
        role = properties["Role"]["Fn::GetAtt"][0]
        tables = [
            _flat(resource).rpartition(":")[2]
            for owner, statement in _statements(assembly)
            if owner == role and "dynamodb:ConditionCheckItem" in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        ]
        assert tables == ([f"table/cadence-main-{checked[folder]}"] if folder in checked else []), folder


def test_every_dead_letter_queue_has_an_alarm(assembly: Assembly) -> None:
    queues = assembly.of_type("AWS::SQS::Queue")
    dead = {name for name, properties in queues.items() if properties["QueueName"].endswith("-failed")}
    assert len(dead) == 5
    watched = {dimension["Value"]["Fn::GetAtt"][0] for dimension in _alarm_dimensions(assembly, "QueueName")}
    assert watched == dead


def test_every_lambda_and_machine_has_an_alarm_that_is_sent(assembly: Assembly) -> None:
    metrics = assembly.of_type("AWS::Logs::MetricFilter").values()
    own = {properties["LoggingConfig"]["LogGroup"]["Ref"] for properties in assembly.functions().values()}
    assert {metric["LogGroupName"]["Ref"] for metric in metrics} == own
    counted = {
        (made["MetricNamespace"], made["MetricName"]) for metric in metrics for made in metric["MetricTransformations"]
    }
    watched = {(a["Namespace"], a["MetricName"]) for a in assembly.of_type("AWS::CloudWatch::Alarm").values()}
    assert len(counted) == 1
    assert counted < watched
    machines = {d["Value"]["Ref"] for d in _alarm_dimensions(assembly, "StateMachineArn")}
    assert machines == set(assembly.of_type("AWS::StepFunctions::StateMachine"))
    assert all(alarm["AlarmActions"] for alarm in assembly.of_type("AWS::CloudWatch::Alarm").values())


def test_work_queues_have_dead_letters_and_outlast_their_consumers(assembly: Assembly) -> None:
    queues = assembly.of_type("AWS::SQS::Queue")
    mappings = [
        mapping
        for mapping in assembly.of_type("AWS::Lambda::EventSourceMapping").values()
        if "Fn::GetAtt" in mapping["EventSourceArn"] and mapping["EventSourceArn"]["Fn::GetAtt"][0] in queues
    ]
    assert len(mappings) == 4
    functions = assembly.of_type("AWS::Lambda::Function")
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        assert queue["RedrivePolicy"]["maxReceiveCount"] > 1
        assert queue["VisibilityTimeout"] >= 6 * functions[mapping["FunctionName"]["Ref"]]["Timeout"]


def test_a_poison_log_record_neither_blocks_the_stream_nor_vanishes(assembly: Assembly) -> None:
    (mapping,) = (p for r, p in assembly.of_type("AWS::Lambda::EventSourceMapping").items() if r in assembly.log_stream)
    assert mapping["BisectBatchOnFunctionError"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumRetryAttempts"] > 0
    assert _flat(mapping["DestinationConfig"]["OnFailure"]["Destination"]).endswith(":cadence-main-log-lines-failed")


def test_no_bad_record_takes_its_batch_along_or_vanishes(assembly: Assembly) -> None:
    """From a queue only what failed comes back; a batch of a stream is divided until the bad record is alone."""
    queues = assembly.of_type("AWS::SQS::Queue")
    mappings = assembly.of_type("AWS::Lambda::EventSourceMapping")
    assert len(mappings) == 10
    for name, mapping in mappings.items():
        if "StartingPosition" in mapping:
            assert mapping["BisectBatchOnFunctionError"], name
            assert 0 < mapping["MaximumRetryAttempts"] <= 100, name
            assert _flat(mapping["DestinationConfig"]["OnFailure"]["Destination"]), name
        else:
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
            assert queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["RedrivePolicy"]["deadLetterTargetArn"], name
    # The queue `alerting` is mapped while there are alert rules (tests/integration/api/test_alerts_api.py).
    (alerting,) = (queue for queue in queues.values() if queue["QueueName"] == "cadence-main-alerting")
    assert alerting["RedrivePolicy"]["deadLetterTargetArn"]


def test_no_name_is_the_same_in_two_stages(assembly: Assembly) -> None:
    """A stage has no hyphen, so what begins with `cadence-STAGE-` belongs to one stage only."""
    names = list(_physical_names(assembly))
    assert len(names) > 100
    assert [name for name in names if not re.match(r"(alias/|/aws/\w+/(\w+/)?)?cadence-main-", name)] == []


def test_two_regions_share_only_names_of_iam(aws: Assembly) -> None:
    """These belong to the account, and buckets to all accounts; `docs/operating.md` asks for two stages."""
    shared = {
        f"{kind} {name}"
        for kind in ("Role", "User", "Group", "ManagedPolicy")
        for name in _physical_names(aws, f"AWS::IAM::{kind}")
    }
    assert shared == {"Role cadence-main-pools", "User cadence-main-uploads", "Group cadence-main-uploads"}
    assert all("AWS::Region" in name for name in _physical_names(aws, "AWS::S3::Bucket"))


def _physical_names(assembly: Assembly, of: str = "") -> Iterator[str]:
    """Names that the templates give to resources, not those by which they refer to others."""
    for _, resource in assembly.all():
        kind, properties = resource["Type"], resource.get("Properties", {})
        own = _NAMED_BY.get(kind)
        if own and own in properties and kind.startswith(of):
            yield _flat(properties[own])


def test_nothing_is_billed_while_idle_but_what_the_bill_states(assembly: Assembly) -> None:
    found = [resource["Type"] for _, resource in assembly.all()]
    billed = {kind: found.count(kind) for kind in set(found) - _FREE_WHILE_IDLE}
    assert billed == _BILLED_BY_THE_MONTH
    assert {r["Type"] for r in assembly.log_stream.values()} >= {"AWS::Kinesis::Stream"}
    (stream,) = assembly.of_type("AWS::Kinesis::Stream").values()
    assert stream["ShardCount"] == 1
    for properties in assembly.functions().values():
        assert "ProvisionedConcurrencyConfig" not in properties
        assert "VpcConfig" not in properties


def test_the_log_streams_template_is_complete_in_itself(assembly: Assembly) -> None:
    template = (assembly.directory / "CadenceLogStream.template.json").read_text()
    assert "Fn::ImportValue" not in template
    assert "Parameters" not in json.loads(template)


@pytest.mark.parametrize("definition", sorted(DEFINITIONS.glob("*.asl.json")), ids=lambda path: path.name)
def test_machines_name_only_errors_that_exist(definition: Path) -> None:
    known = {kind.__name__ for kind in errors.MACHINE_ERRORS} | _SERVICE_ERRORS | {"InternalError", PLACED, DECIDED}
    named = set(_values_of(json.loads(definition.read_text()), "ErrorEquals"))
    assert named <= known


def test_requests_are_throttled_in_aws_webhooks_more_than_agents(aws: Assembly, local: Assembly) -> None:
    def stage(assembly: Assembly) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        ((name, properties),) = (
            (name, properties)
            for name, properties in assembly.of_type("AWS::ApiGatewayV2::Stage").items()
            if properties["StageName"] == "$default"
        )
        return assembly.main[name], properties

    resource, properties = stage(aws)
    every, own = properties["DefaultRouteSettings"], properties["RouteSettings"]
    assert own.keys() == {"POST /webhooks/{kind}/{hook}", "POST /v1/sign-in/directory", "$default"}
    assert own["POST /webhooks/{kind}/{hook}"]["ThrottlingRateLimit"] < own["$default"]["ThrottlingRateLimit"]
    assert own["$default"]["ThrottlingRateLimit"] < every["ThrottlingRateLimit"]
    # The stage names routes, which therefore have to be created first.
    routes = aws.of_type("AWS::ApiGatewayV2::Route")
    of_this_api = {name for name, route in routes.items() if route["ApiId"] == properties["ApiId"]}
    assert of_this_api <= set(resource["DependsOn"])
    assert "RouteSettings" not in stage(local)[1]


def test_machines_keep_inputs_and_outputs_out_of_their_logs(assembly: Assembly) -> None:
    for properties in assembly.of_type("AWS::StepFunctions::StateMachine").values():
        assert properties["LoggingConfiguration"]["Level"] == "ERROR"
        assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False
        placeholders = set(properties["DefinitionSubstitutions"])
        text = properties["DefinitionString"]
        assert placeholders == {part.partition("}")[0] for part in text.split("${")[1:]}


def test_cfn_lint_has_nothing_to_say(local: Assembly) -> None:
    """Of the templates for AWS, `make check` asks it."""
    templates = [str(path) for path in local.directory.glob("*.template.json")]
    command = [str(Path(sys.executable).with_name("cfn-lint")), *templates]  # with .cfnlintrc of the working directory
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert (done.returncode, done.stdout) == (0, "")


def _statements(assembly: Assembly) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, properties in assembly.of_type("AWS::IAM::Role").items():
        assert not properties.get("ManagedPolicyArns")
        for policy in properties.get("Policies", []):
            yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])
    for name, properties in assembly.of_type("AWS::IAM::Policy").items():
        yield from ((name, statement) for statement in properties["PolicyDocument"]["Statement"])


def _is_allowed(resource: str) -> bool:
    return resource.endswith(_ALLOWED_WILDCARD_ENDS) or ":log-group:/aws/lambda/cadence-main-" in resource


def _alarm_dimensions(assembly: Assembly, name: str) -> Iterator[Mapping[str, Any]]:
    for alarm in assembly.of_type("AWS::CloudWatch::Alarm").values():
        yield from (dimension for dimension in alarm.get("Dimensions", ()) if dimension["Name"] == name)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _flat(value: Any) -> str:
    """An ARN as one string, references replaced by their names."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(map(_flat, parts))
    return json.dumps(value)


def _values_of(node: Any, key: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from value if name == key else _values_of(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _values_of(value, key)
