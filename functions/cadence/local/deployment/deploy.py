"""Deploys the changed stacks of an assembly into MiniStack with CloudFormation."""

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cadence.local.deployment.assembly import StackTemplate, read_assembly
from cadence.local.ministack.server import MiniStack
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.progress import PrintLine, step
from cadence.local.shared.region import REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_s3 import S3Client

_DIGEST_TAG = "cadence:template"
_DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_TEMPLATES = "cadence-local-templates"
_DEPLOY_SECONDS = 180


def deploy(ministack: MiniStack, assembly: Path, print_line: PrintLine) -> dict[str, str]:
    """Brings every stack of the assembly up to date; returns all their outputs by name. Raises LocalStackError."""
    cloudformation: CloudFormationClient = ministack.client("cloudformation")
    s3: S3Client = ministack.client("s3")
    outputs: dict[str, str] = {}
    for template in read_assembly(assembly, REGION):
        try:
            stack = _bring_up_to_date(cloudformation, s3, template, print_line)
        except (BotoCoreError, ClientError) as error:
            raise LocalStackError(f"Deploying {template.name} failed: {error}") from error
        outputs |= {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return outputs


def _bring_up_to_date(
    cloudformation: "CloudFormationClient", s3: "S3Client", template: StackTemplate, print_line: PrintLine
) -> "StackTypeDef":
    current = _describe(cloudformation, template.name)
    if current is not None and _is_current(current, template):
        return current
    with step(print_line, f"deploying {template.name}") as notes:
        notes.append(f"{template.resources} resources")
        if current is not None and not _can_be_updated(current):
            # Its first deployment did not finish, so that it holds no data of a user yet.
            cloudformation.delete_stack(StackName=template.name)
            current = _settled(cloudformation, template.name)
        _publish(s3, template)
        return _apply(cloudformation, s3, template, exists=current is not None)


def _is_current(stack: "StackTypeDef", template: StackTemplate) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    return stack["StackStatus"] in _DEPLOYED and tags.get(_DIGEST_TAG) == template.digest


def _can_be_updated(stack: "StackTypeDef") -> bool:
    return not stack["StackStatus"].startswith(("CREATE_", "ROLLBACK_", "DELETE_")) or stack["StackStatus"] in _DEPLOYED


def _describe(cloudformation: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise


def _settled(cloudformation: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    """Waits until no change is in progress; returns None if the stack is deleted."""
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while time.monotonic() < deadline:
        stack = _describe(cloudformation, name)
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
            return None
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.1)
    raise LocalStackError(f"Deploying {name} did not finish within {_DEPLOY_SECONDS} s.")


def _publish(s3: "S3Client", template: StackTemplate) -> None:
    """Creates the buckets and stores the assets, as `cdk bootstrap` and `cdk deploy` do in AWS."""
    for bucket in {_TEMPLATES, *(asset.bucket for asset in template.assets)}:
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for asset in template.assets:
        if s3.list_objects_v2(Bucket=asset.bucket, Prefix=asset.key)["KeyCount"] == 0:
            s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=asset.content())


def _apply(
    cloudformation: "CloudFormationClient", s3: "S3Client", template: StackTemplate, *, exists: bool
) -> "StackTypeDef":
    key = f"{template.name}/{template.digest}.json"
    s3.put_object(Bucket=_TEMPLATES, Key=key, Body=template.body.encode())
    change = cloudformation.update_stack if exists else cloudformation.create_stack
    change(
        StackName=template.name,
        TemplateURL=f"{s3.meta.endpoint_url}/{_TEMPLATES}/{key}",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": _DIGEST_TAG, "Value": template.digest}],
    )
    stack = _settled(cloudformation, template.name)
    if stack is None:
        raise LocalStackError(f"Deploying {template.name} failed: the stack is deleted.")
    return _checked(cloudformation, stack)


def _checked(cloudformation: "CloudFormationClient", stack: "StackTypeDef") -> "StackTypeDef":
    if stack["StackStatus"] in _DEPLOYED:
        return stack
    events = cloudformation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    failures = [
        f"  {event.get('LogicalResourceId')} ({event.get('ResourceType')}): {event.get('ResourceStatusReason')}"
        for event in events
        if event.get("ResourceStatus", "").endswith("_FAILED") and event.get("ResourceStatusReason")
    ]
    raise LocalStackError("\n".join([f"Deploying {stack['StackName']} ended with {stack['StackStatus']}:", *failures]))
