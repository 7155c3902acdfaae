"""Lambdas that look for work by themselves every hour, and sooner when they are told that there is some."""

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import client


class WokenLambda:
    def __init__(self, function: str) -> None:
        self._function = function

    def wake(self) -> None:
        """Lets it look for work now. A call that gets lost is made up for within an hour."""
        try:
            client("lambda").invoke(FunctionName=self._function, InvocationType="Event", Payload=b"{}")
        except (BotoCoreError, ClientError):
            return  # the hourly call does it
