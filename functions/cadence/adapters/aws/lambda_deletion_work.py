"""`DeletionWork`: calls of the Lambda that deletes projects."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import client_within
from cadence.adapters.aws.woken_lambda import WokenLambda
from cadence.application.deletion.ports import DeletionWork
from cadence.domain.deletion.project_deletion import DataCounts
from cadence.domain.shared.errors import Transient

# A user waits for the counts at an API that gives up after half a minute; the Lambda stops counting before that.
_LONGEST_COUNT = 25


class LambdaDeletionWork(WokenLambda, DeletionWork):
    def count(self, organization: str, project: str) -> DataCounts:
        event = {"count": {"organization": organization, "project": project}}
        try:
            answer = client_within("lambda", _LONGEST_COUNT).invoke(
                FunctionName=self._function, InvocationType="RequestResponse", Payload=json.dumps(event).encode()
            )
            result = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            raise Transient("The data could not be counted now. Try again in a minute.") from error
        if "FunctionError" in answer:
            raise Transient(f"The data could not be counted: {result.get('errorMessage')}")
        return DataCounts(result["counts"], result["complete"])
