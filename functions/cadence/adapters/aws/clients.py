"""AWS clients, one per service and process.

They come straight from botocore, which pynamodb loads anyway: boto3 would only add import time.
"""

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
_CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})
# pynamodb makes the parameters, and leaves their check to the service.
_CONFIG_OF = {"dynamodb": _CONFIG.merge(Config(parameter_validation=False))}

_BUSY = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "KMSInternalException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


def may_succeed_later(error: BaseException | None) -> bool:
    """Returns whether a call that AWS answered with `error` (a throttle, a 5xx, no connection) is worth repeating."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        return code in _BUSY or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
    return isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)


@cache
def client(service: str) -> Any:
    """Returns a client with the credentials and endpoint of the environment that Lambda (or the local stack) sets."""
    return _session().create_client(service, region_name=REGION, config=_named(_CONFIG_OF.get(service, _CONFIG)))


@cache
def client_within(service: str, seconds: int) -> Any:
    """Returns a client for calls that are useless after so many seconds, and are not repeated."""
    config = _CONFIG.merge(Config(read_timeout=seconds, retries={"total_max_attempts": 1}))
    return _session().create_client(service, region_name=REGION, config=_named(config))


@cache
def client_in(service: str, region: str) -> Any:
    """Returns a client for another region."""
    return _session().create_client(service, region_name=region, config=_named(_CONFIG))


@cache
def client_at(service: str, endpoint: str) -> Any:
    """Returns a client for an address of its own; a path is one below the local stack's address."""
    url = os.environ["AWS_ENDPOINT_URL"] + endpoint if endpoint.startswith("/") else endpoint
    return _session().create_client(service, region_name=REGION, config=_named(_CONFIG), endpoint_url=url)


def _named(config: Config) -> Config:
    """Returns the configuration with a name of our own, and the application's if it has one (`AWS_SDK_UA_APP_ID`).

    Without it, botocore would describe itself and this machine anew in each request.
    """
    application = os.environ.get("AWS_SDK_UA_APP_ID")
    return config.merge(Config(user_agent=f"cadence app/{application}" if application else "cadence"))


def credentials() -> Any:
    """Returns the credentials of this process, renewed as needed; None if there are none."""
    return _session().get_credentials()


def read_descriptions(*services: str) -> None:
    """Reads what botocore has to know of services, so that forks of this process make their clients in a fifth of the
    time. The clients that it takes are nobody's, and forgotten.
    """
    for service in services:
        _session().create_client(service, region_name=REGION, aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
