"""`ProviderCalls`: calls of the providers' Lambdas."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError

from cadence.adapters.aws.clients import client, client_within
from cadence.domain.placement.pool import provider_function
from cadence.domain.shared.errors import ProviderRejected

# A user waits for an inventory at an API that gives up after half a minute.
_LONGEST_LOOK = 20


class LambdaProviderCalls:
    """Calls the Lambdas whose names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def ask(self, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        event = {"operation": operation, "organization": organization, "pool": pool, **more}
        self._invoke(client("lambda"), provider, "Event", event)

    def machines(self, organization: str, pool: str, provider: str) -> list[str]:
        event = {"operation": "list", "organization": organization, "pool": pool}
        try:
            answer = self._invoke(client_within("lambda", _LONGEST_LOOK), provider, "RequestResponse", event)
        except BotoCoreError:
            raise ProviderRejected(f"it did not answer within {_LONGEST_LOOK} s") from None
        result = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise ProviderRejected(result.get("errorMessage") or "its provider gives no reason")
        return [machine["ref"] for machine in result["machines"] if machine["condition"] != "gone"]

    def _invoke(self, lambdas: Any, provider: str, how: str, event: dict[str, str]) -> Any:
        return lambdas.invoke(
            FunctionName=provider_function(self._prefix, provider),
            InvocationType=how,
            Payload=json.dumps(event).encode(),
        )
