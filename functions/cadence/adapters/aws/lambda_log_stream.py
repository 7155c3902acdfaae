"""`LogStream`: notifies the `log_stream` Lambda, without waiting for it, that the stream is needed."""

import json
import time

from cadence.adapters.aws.clients import client

# An idle stream is removed after hours, so that one note a minute is as good as one for each run.
_NOTED_FOR = 60.0


class LambdaLogStream:
    def __init__(self, function_name: str) -> None:
        self._function_name = function_name
        self._noted_until = 0.0

    def needed(self) -> None:
        if time.monotonic() < self._noted_until:
            return
        client("lambda").invoke(
            FunctionName=self._function_name, InvocationType="Event", Payload=json.dumps({"needed": True}).encode()
        )
        self._noted_until = time.monotonic() + _NOTED_FOR
