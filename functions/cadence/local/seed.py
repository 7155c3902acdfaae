"""Makes sure of the default organization, project and pool, and issues this start's tokens.

A program of its own, since the adapters find their cloud through the environment.
"""

import json
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from cadence.local.ministack import MiniStack
from cadence.local.subprograms import output_of

_API_FUNCTION = "cadence-main-api"


@dataclass(frozen=True)
class Credentials:
    """An administrator's token, and the token with which a host joins the pool `local`."""

    api_token: str
    join_token: str


async def seed(ministack: MiniStack) -> Credentials:
    """Run this module as a program against the given MiniStack."""
    environment = {**ministack.client_environment(), "AWS_ENDPOINT_URL": ministack.endpoint}
    failure = "The default organization, project and pool could not be made"
    output = await output_of(failure, "-m", __name__, _API_FUNCTION, environment=environment)
    return Credentials(**json.loads(output))


def main(api_function: str) -> None:
    """Seed the installation whose API is the given Lambda, and print the credentials as JSON."""
    import boto3

    from cadence.adapters.dynamodb.access import DynamoAccessStore
    from cadence.application.seed import seed as seed_installation
    from cadence.composition.settings import ApiSettings, load

    configuration = boto3.client("lambda").get_function_configuration(FunctionName=api_function)
    settings = load(ApiSettings, configuration["Environment"]["Variables"])
    store = DynamoAccessStore(settings.access_table)
    seeded = seed_installation(store, store, lambda: datetime.now(UTC), architectures=(_architecture(),))
    print(json.dumps(asdict(Credentials(seeded.admin_token, seeded.join_token))))


def _architecture() -> str:
    return {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "amd64")


if __name__ == "__main__":
    main(sys.argv[1])
