"""Puts a synthesized assembly into an account by CloudFormation alone, as the local stack does.

``cdk deploy`` does the same and more (bootstrap, diff, approval) but takes a Node process a stack; this needs only
boto3, and the very same templates and assets. ``python -m infra.deployment ASSEMBLY`` prints the outputs as JSON.
"""

import argparse
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_CAPABILITIES: Any = ["CAPABILITY_NAMED_IAM"]


class DeploymentFailed(Exception):
    """A stack did not reach the state it should; the message names the resources and CloudFormation's reasons."""


@dataclass(frozen=True)
class Artifact:
    """One stack of the assembly, and the files that must be in the bucket before it."""

    stack_name: str
    template: Path
    assets: tuple[tuple[str, str, Path], ...]  # bucket, key, file or directory


def deploy(
    assembly: Path, session: boto3.Session, endpoint: str | None = None, say: Callable[[str], None] = print
) -> Mapping[str, str]:
    """Create or update every stack of ``assembly``; returns the outputs of all. Raises ``DeploymentFailed``."""
    s3 = session.client("s3", endpoint_url=endpoint)
    cloudformation = session.client("cloudformation", endpoint_url=endpoint)
    account = session.client("sts", endpoint_url=endpoint).get_caller_identity()["Account"]
    outputs: dict[str, str] = {}
    for artifact in artifacts(assembly, account, session.region_name):
        say(f"Deploying {artifact.stack_name}")
        for bucket, key, source in artifact.assets:
            _upload(s3, bucket, key, source)
        outputs |= _apply(cloudformation, artifact)
    return outputs


def artifacts(assembly: Path, account: str, region: str) -> Iterator[Artifact]:
    """The stacks of an assembly, each after those it depends on."""
    manifest = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    stacks = {name: entry for name, entry in manifest.items() if entry["type"] == "aws:cloudformation:stack"}
    waiting = list(stacks)
    while waiting:
        name = next(n for n in waiting if not set(stacks[n].get("dependencies", ())) & set(waiting))
        waiting.remove(name)
        properties = stacks[name]["properties"]
        files = json.loads((assembly / f"{name}.assets.json").read_text())["files"].values()
        yield Artifact(
            stack_name=properties["stackName"],
            template=assembly / properties["templateFile"],
            assets=tuple(
                (
                    _filled(destination["bucketName"], account, region),
                    _filled(destination["objectKey"], account, region),
                    assembly / file["source"]["path"],
                )
                for file in files
                for destination in file["destinations"].values()
            ),
        )


def _filled(text: str, account: str, region: str) -> str:
    for token, value in (("AccountId", account), ("Region", region), ("Partition", "aws")):
        text = text.replace("${AWS::" + token + "}", value)
    return text


def _upload(s3: "S3Client", bucket: str, key: str, source: Path) -> None:
    """Keys are content hashes: what is there already is the same."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
        return
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}:
            raise
    region = s3.meta.region_name
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        location: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **location)
    s3.put_object(Bucket=bucket, Key=key, Body=_zipped(source) if source.is_dir() else source.read_bytes())


def _zipped(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(directory))
    return buffer.getvalue()


def _apply(cloudformation: "CloudFormationClient", artifact: Artifact) -> Mapping[str, str]:
    bucket, key, _ = next(asset for asset in artifact.assets if asset[2] == artifact.template)
    url = f"{cloudformation.meta.endpoint_url}/{bucket}/{key}"
    if "amazonaws.com" in url:
        url = f"https://{bucket}.s3.{cloudformation.meta.region_name}.amazonaws.com/{key}"
    request: dict[str, Any] = {"StackName": artifact.stack_name, "TemplateURL": url, "Capabilities": _CAPABILITIES}
    try:
        cloudformation.create_stack(**request)
    except cloudformation.exceptions.AlreadyExistsException:
        try:
            cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
    return _awaited(cloudformation, artifact.stack_name)


def _awaited(cloudformation: "CloudFormationClient", stack_name: str) -> Mapping[str, str]:
    while True:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        status = stack["StackStatus"]
        if status in _DONE:
            return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        if not status.endswith("_IN_PROGRESS"):
            raise DeploymentFailed(f"{stack_name} is {status}:\n{_reasons(cloudformation, stack_name)}")
        time.sleep(0.2)


def _reasons(cloudformation: "CloudFormationClient", stack_name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [event for event in reversed(events) if event.get("ResourceStatus", "").endswith("FAILED")]
    return "\n".join(f"  {e.get('LogicalResourceId')}: {e.get('ResourceStatusReason', 'no reason')}" for e in failed)


def main() -> None:
    """The command line; credentials, region and endpoint as boto3 finds them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assembly", type=Path)
    outputs = deploy(parser.parse_args().assembly, boto3.Session(), say=lambda _: None)
    print(json.dumps(outputs, indent=2))


if __name__ == "__main__":
    main()
