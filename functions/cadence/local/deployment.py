"""Deploys an assembly into MiniStack as CloudFormation would in AWS, and only what changed."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cadence.local.assembly import StackTemplate, read_assembly
from cadence.local.errors import LocalStackError
from cadence.local.ministack import REGION, MiniStack
from cadence.local.progress import Say, step

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_s3 import S3Client

_DIGEST_TAG = "cadence:template"
_TEMPLATES = "cadence-local-templates"
_DEPLOY_SECONDS = 180


def deploy(ministack: MiniStack, assembly: Path, say: Say) -> dict[str, str]:
    """Bring every stack of the assembly up to date and answer all their outputs by name."""
    cloudformation: CloudFormationClient = ministack.client("cloudformation")
    s3: S3Client = ministack.client("s3")
    outputs: dict[str, str] = {}
    for template in read_assembly(assembly, REGION):
        current = _describe(cloudformation, template.name)
        if current is None or not _is_current(current, template):
            with step(say, f"deploying {template.name}") as notes:
                notes.append(f"{template.resources} resources")
                _publish(s3, template)
                current = _apply(cloudformation, s3, template, exists=current is not None)
        outputs |= {output["OutputKey"]: output["OutputValue"] for output in current.get("Outputs", [])}
    return outputs


def _is_current(stack: "StackTypeDef", template: StackTemplate) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    return stack["StackStatus"].endswith("E_COMPLETE") and tags.get(_DIGEST_TAG) == template.digest


def _describe(cloudformation: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise


def _publish(s3: "S3Client", template: StackTemplate) -> None:
    """What `cdk bootstrap` and the publishing of assets do in AWS."""
    for bucket in {_TEMPLATES, *(asset.bucket for asset in template.assets)}:
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
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while time.monotonic() < deadline:
        stack = _describe(cloudformation, template.name)
        if stack is not None and not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return _checked(cloudformation, stack)
        time.sleep(0.1)
    raise LocalStackError(f"Deploying {template.name} has not ended after {_DEPLOY_SECONDS} s.")


def _checked(cloudformation: "CloudFormationClient", stack: "StackTypeDef") -> "StackTypeDef":
    if stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return stack
    events = cloudformation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    failures = [
        f"  {event.get('LogicalResourceId')} ({event.get('ResourceType')}): {event.get('ResourceStatusReason')}"
        for event in events
        if event.get("ResourceStatus", "").endswith("_FAILED") and event.get("ResourceStatusReason")
    ]
    raise LocalStackError("\n".join([f"Deploying {stack['StackName']} ended with {stack['StackStatus']}:", *failures]))
