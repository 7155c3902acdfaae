"""``python -m cadence.setup.kept``: prints what stays of an installation when its stacks are removed.

It reads the deployed template, so that it states what AWS will do. The current AWS credentials are used.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

# What keeps a resource when its stack is deleted.
_KEPT = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})
_WORDS = {
    "AWS::DynamoDB::Table": "table",
    "AWS::DynamoDB::GlobalTable": "table",
    "AWS::S3::Bucket": "bucket",
    "AWS::KMS::Key": "key",
    "AWS::KMS::Alias": "alias of a key",
    "AWS::Logs::LogGroup": "log group",
}


def main(words: Sequence[str] | None = None) -> int:
    """Prints one line for each kind of resource; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cadence.setup.kept", description=__doc__)
    parser.add_argument("--stack", default="cadence-main", help="name of the main CloudFormation stack")
    stack = parser.parse_args(words).stack
    try:
        kept = sorted(kept_resources(stack))
    except (BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Removing {stack} keeps:" if kept else f"Removing {stack} keeps nothing.")
    for kind, name in kept:
        print(f"  {kind} {name}")
    if kept:
        print(
            "They are billed further, and hold their names: delete them before the same stage is deployed again there."
        )
    return 0


def kept_resources(stack: str) -> Iterator[tuple[str, str]]:
    """Yields kind and name of each resource that stays. Raises ClientError if there is no such stack."""
    cloudformation: Any = botocore.session.get_session().create_client("cloudformation")
    names = {
        found["LogicalResourceId"]: found.get("PhysicalResourceId", found["LogicalResourceId"])
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        for found in page["StackResourceSummaries"]
    }
    template = cloudformation.get_template(StackName=stack)["TemplateBody"]
    resources: Mapping[str, Any] = (json.loads(template) if isinstance(template, str) else template)["Resources"]
    for name, resource in resources.items():
        if resource.get("DeletionPolicy") in _KEPT:
            yield _WORDS.get(resource["Type"], resource["Type"]), names.get(name, name)


if __name__ == "__main__":
    sys.exit(main())
