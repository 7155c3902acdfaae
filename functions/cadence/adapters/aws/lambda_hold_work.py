"""`HoldWork`: calls of the Lambda that keeps what is held."""

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import client
from cadence.application.deletion.hold_ports import HoldWork


class LambdaHoldWork(HoldWork):
    def __init__(self, function: str) -> None:
        self._function = function

    def wake(self) -> None:
        try:
            client("lambda").invoke(FunctionName=self._function, InvocationType="Event", Payload=b"{}")
        except (BotoCoreError, ClientError):
            return  # the hourly call does it
