"""`ProviderCalls`: Lambdas of providers, asked without waiting."""

import json

from cadence.adapters.aws import client
from cadence.domain.pool import provider_function


class LambdaProviderCalls:
    """`prefix` is what the names of the Lambdas begin with."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def ask(self, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        event = {"operation": operation, "organization": organization, "pool": pool, **more}
        client("lambda").invoke(
            FunctionName=provider_function(self._prefix, provider),
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
        )
