"""`ReadingRequests` on Lambda: an asynchronous call, which Lambda keeps and repeats."""

import json

from cadence.adapters.aws.clients import client


class LambdaReadingRequests:
    """Implements ReadingRequests."""

    def __init__(self, function: str) -> None:
        self._function = function

    def request(self, run_id: str, treatment: str) -> None:
        body = json.dumps({"run": run_id, "treatment": treatment}).encode()
        client("lambda").invoke(FunctionName=self._function, InvocationType="Event", Payload=body)
