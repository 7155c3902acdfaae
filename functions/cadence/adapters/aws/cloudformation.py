"""`StreamStack` on CloudFormation, and the storage of its template."""

import json
from typing import Any

from botocore.exceptions import ClientError

from cadence.application.logs.log_stream import StackState
from cadence.domain.shared.errors import Conflict, NotFound

TEMPLATE_KEY = "infrastructure/log-stream.json"

_STATES = {
    "CREATE_IN_PROGRESS": StackState.COMING,
    "CREATE_COMPLETE": StackState.PRESENT,
    "UPDATE_COMPLETE": StackState.PRESENT,
    "UPDATE_ROLLBACK_COMPLETE": StackState.PRESENT,
    "DELETE_IN_PROGRESS": StackState.GOING,
    "DELETE_COMPLETE": StackState.ABSENT,
    "ROLLBACK_IN_PROGRESS": StackState.GOING,
    "REVIEW_IN_PROGRESS": StackState.COMING,
}
_UPDATING = "UPDATE_"


class CloudFormationStreamStack:
    """Creates and deletes the stack.

    CloudFormation acts with the role `role_arn`; the caller's own rights cover the request only.
    """

    def __init__(self, client: Any, stack_name: str, role_arn: str) -> None:
        self._client = client
        self._name = stack_name
        self._role_arn = role_arn

    def state(self) -> StackState:
        try:
            status: str = self._client.describe_stacks(StackName=self._name)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return StackState.ABSENT
            raise
        if status.startswith(_UPDATING) and status.endswith("_IN_PROGRESS"):
            return StackState.COMING
        return _STATES.get(status, StackState.BROKEN)

    def template(self) -> str:
        # botocore has parsed it: the template is JSON.
        return json.dumps(self._client.get_template(StackName=self._name, TemplateStage="Original")["TemplateBody"])

    def create(self, template: str) -> None:
        try:
            self._client.create_stack(StackName=self._name, TemplateBody=template, RoleARN=self._role_arn)
        except self._client.exceptions.AlreadyExistsException as error:
            raise Conflict(f"the stack {self._name} exists") from error

    def delete(self) -> None:
        self._client.delete_stack(StackName=self._name, RoleARN=self._role_arn)


class S3SavedTemplate:
    """One object of the data bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def save(self, template: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=TEMPLATE_KEY, Body=template.encode())

    def load(self) -> str:
        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=TEMPLATE_KEY)["Body"].read()
        except self._client.exceptions.NoSuchKey as error:
            raise NotFound(f"{TEMPLATE_KEY} was never saved") from error
        return body.decode()
