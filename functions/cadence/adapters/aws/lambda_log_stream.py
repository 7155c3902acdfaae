"""`LogStream`: notifies the `log_stream` Lambda, without waiting for it, that the stream is needed."""

import json

from cadence.adapters.aws.clients import client


class LambdaLogStream:
    def __init__(self, function_name: str) -> None:
        self._function_name = function_name

    def needed(self) -> None:
        client("lambda").invoke(
            FunctionName=self._function_name, InvocationType="Event", Payload=json.dumps({"needed": True}).encode()
        )
